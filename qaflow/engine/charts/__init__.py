"""Charts as data: one Vega-Lite description each, drawn in the page and, without a browser, as a picture.

A description holds figures and texts, never an expression, an address or a colour: the colours are the theme's
(`theme.config`), so that one description serves light and dark pages and paper.  Beside it stand the same figures as
rows, for whoever reads a table.  Titles and words come in as they are to be read, in the reader's language.
"""

from .bars import bars, grouped, histogram, pareto
from .chart import ENGLISH, Chart, Words
from .radar import radar
from .series import Step, control, over_time, trend

__all__ = [
    "ENGLISH",
    "Chart",
    "Step",
    "Words",
    "bars",
    "control",
    "grouped",
    "histogram",
    "over_time",
    "pareto",
    "radar",
    "trend",
]
