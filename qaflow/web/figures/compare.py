"""Comparisons: units beside one another; a subject beside its last round and others; readings around measures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from qaflow.engine import charts
from qaflow.engine.charts import Chart
from qaflow.services.figures import comparing
from qaflow.services.figures.comparing import Chosen, Comparison, Units
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles import words as cycle_words
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text
from qaflow.web.places.forms import UNIT_WORDS

from . import chart, charting
from .overview import span_name

MEASURES: dict[str, Any] = {"correction": lazy_gettext("Correction of a warning"),
                            "improvement": lazy_gettext("Improvement at the end of a round")}  # fmt: skip

KINDS: dict[str, Any] = {**UNIT_WORDS, "public": lazy_gettext("General course"),
                         "basic": lazy_gettext("Basic course of a major"),
                         "core": lazy_gettext("Core course of a major")}  # fmt: skip
"""Kinds of subjects: of units, and of courses as the state's teaching standards of majors divide them; a college's own
kinds are shown as it writes them."""

pages = Blueprint("compare", __name__, url_prefix="/compare")


@pages.get("")
def index() -> Response | str:
    """Show the units that I look after beside one another."""
    chosen = Chosen(layer=text("layer"), kind=text("kind"), point=number_of("point"))
    found = comparing.units(db.session, mine(), me(), chosen)
    drawn = _bars(found)
    return charting.charted("compare.html", [drawn] if drawn else [], found=found, drawn=drawn, pair=pair,
                            figures=chart.figures, span_name=span_name, kind_words=KINDS,
                            address=url_for("compare.index"))  # fmt: skip


@pages.get("/<int:number>")
def subject(number: int) -> str:
    """Show a subject beside its last round and others like it."""
    found: Comparison = comparing.subject(db.session, mine(), me(), number)
    return render_template("compare_subject.html", found=found, measures=MEASURES, words=cycle_words, on=chart.on,
                           figures=chart.figures)  # fmt: skip


def _bars(found: Units) -> Chart | None:
    """Return the units' means at the chosen point as bars."""
    rows = [(pair(line.name) if line.name else _("All other units"), round(line.value.value, 2))
            for line in found.lines if line.value]  # fmt: skip
    named = next(((pair(name), unit) for number, name, unit in found.points if number == found.chosen.point), None)
    if named is None or len(rows) < 2:
        return None
    return charts.bars(named[0], rows, named[1], key="units", words=charting.words())
