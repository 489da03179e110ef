"""The words of the frame of diagnosis: degrees, kinds of college, what its lists hold, cells of annex 3."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from qaflow.services.frame.annex import FEW, Line, Measured
from qaflow.web.cycles.words import figure
from qaflow.web.language import pair
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


def head() -> list[str]:
    """Return the headings of annex 3."""
    return [gettext("Diagnosis item"), gettext("Diagnosis element"), gettext("Diagnosis point"), gettext("Main work"),
            gettext("Diagnosis standard"), gettext("Meaning of the data measured"), gettext("Warning value"),
            gettext("Measured result"), gettext("Form of presentation")]  # fmt: skip


def limits(one: Measured) -> str:
    """Return at which values a control point warns."""
    low, high = one.limits.lower, one.limits.upper
    found = [] if low is None else [gettext("below %(limit)s", limit=figure(low))]
    found += [] if high is None else [gettext("above %(limit)s", limit=figure(high))]
    return ", ".join(found)


def result(one: Measured) -> str:
    """Return what was measured: a subject's reading with its day, or the mean of several."""
    if one.hidden:
        return str(gettext("fewer than %(num)d: not shown", num=FEW))
    if one.value is None or one.at is None:
        return str(gettext("no reading yet"))
    said = f"{figure(one.value)} {one.control.unit}".strip()
    if one.many > 1:
        return str(gettext("%(value)s, mean of %(num)d", value=said, num=one.many))
    return f"{said} ({local(one.at)})"


def form(line: Line) -> str:
    """Return how a point is presented: measured ones by their curve, others by text and files (assumed)."""
    return str(gettext("Curve of readings against limits") if line.measured else gettext("Text and evidence files"))


def work(line: Line) -> list[str]:
    """Return the tasks of a point."""
    return [f"{task.no}. {pair(task.title)}" for task in line.tasks]


def starred(star: str, name: str) -> str:
    """Return a point's name with its star before it, as annex 1 prints it."""
    return f"{star}{name}"


def many_points(number: int) -> str:
    """Return a count of points in words."""
    return str(ngettext("%(num)d point", "%(num)d points", number))
