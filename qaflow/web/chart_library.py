"""The compiler and the view of charts for the browser, out of the wheel that also draws them without one."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

NAME = "vega.js"
WHEEL = "vl-convert-python"
TAIL = "window.vegaEmbed = vegaEmbed;"
"""What the library leaves in the window; by itself it would write styles, which the pages' policy bars."""


def script() -> bytes:
    """Return Vega and Vega-Lite as one script; the wheel puts it together in some two seconds."""
    import vl_convert  # here: it is heavy, and only the first page with a chart needs it

    return vl_convert.javascript_bundle(TAIL).encode()


def digest() -> str:
    """Return what the script's bytes follow from, so that a page can name them before they are made."""
    return hashlib.sha256(f"{WHEEL} {version(WHEEL)} {TAIL}".encode()).hexdigest()
