"""The words of the frame of diagnosis: degrees, kinds of college, what its lists hold, cells of annex 3."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import ngettext

from qaflow.services.frame import annex_sheet
from qaflow.services.frame.annex import Line, Measured
from qaflow.web.language import chosen
from qaflow.web.words import local

DEGREES: dict[str, Any] = {
    "met": _("met"),
    "mostly": _("mostly met"),
    "partly": _("partly met"),
    "not": _("not met"),
    "inapplicable": _("not applicable"),
}
"""How far a point is met."""
SHAPES = {"met": "passed", "mostly": "half", "partly": "half", "not": "late", "inapplicable": "closed"}
"""The shape that stands beside each degree's word."""
KINDS: dict[str, Any] = {
    "new": _("New college: points with * or ** are not asked"),
    "ordinary": _("Ordinary college: points with ** are not asked"),
    "demonstration": _("Demonstration college: all points are asked"),
}
"""The kinds of college that switch the stars."""
LEVELS: dict[str, Any] = {"item": _("Diagnosis item"), "element": _("Diagnosis element"), "point": _("Diagnosis point")}
WHATS: dict[str, Any] = {
    "asked": _("Points asked"),
    "answered": _("Points answered"),
    "missing": _("Points not answered yet"),
    **DEGREES,
}
"""What a list of points holds."""


def head() -> tuple[str, ...]:
    """Return the headings of annex 3."""
    return annex_sheet.HEADINGS[chosen()]


def limits(one: Measured) -> str:
    """Return at which values a control point warns."""
    return annex_sheet.limits(one, chosen())


def result(one: Measured) -> str:
    """Return what was measured, with its day by the college's clocks."""
    return annex_sheet.result(one, chosen(), local)


def form(line: Line) -> str:
    """Return how a point is presented."""
    return annex_sheet.form(line, chosen())


def work(line: Line) -> list[str]:
    """Return the tasks of a point."""
    return annex_sheet.work(line, chosen())


def starred(star: str, name: str) -> str:
    """Return a point's name with its star before it, as annex 1 prints it."""
    return f"{star}{name}"


def many_points(number: int) -> str:
    """Return a count of points in words."""
    return str(ngettext("%(num)d point", "%(num)d points", number))
