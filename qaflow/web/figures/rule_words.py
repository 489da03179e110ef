"""The rules of control charts in words: what each looks for, and what it found where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from qaflow.engine.statistics.rules import Finding

RULES: dict[str, Any] = {
    "WE1": _("one point beyond three standard deviations"),
    "WE2": _("two of three points beyond two standard deviations on one side"),
    "WE3": _("four of five points beyond one standard deviation on one side"),
    "WE4": _("eight points in a row on one side of the centre"),
    "N1": _("one point beyond three standard deviations"),
    "N2": _("nine points in a row on one side of the centre"),
    "N3": _("six points in a row rising or falling"),
    "N4": _("fourteen points in a row going up and down by turns"),
    "N5": _("two of three points beyond two standard deviations on one side"),
    "N6": _("four of five points beyond one standard deviation on one side"),
    "N7": _("fifteen points in a row within one standard deviation"),
    "N8": _("eight points in a row beyond one standard deviation, on both sides"),
}
"""What each rule looks for."""


class Told(NamedTuple):
    """Findings of one rule, in words."""

    rule: str  # Western Electric 1, Nelson 2
    what: str
    where: tuple[str, ...]  # "3 May", "1 May to 3 May"


def short(rule: str) -> str:
    """Return a rule's name, as charts and tables say it."""
    family, number = rule.rstrip("0123456789"), rule.lstrip("WEN")
    if family == "WE":
        return str(gettext("Western Electric %(number)s", number=number))
    return str(gettext("Nelson %(number)s", number=number))


def told(findings: Sequence[Finding], labels: Sequence[str]) -> list[Told]:
    """Return what was found, rule by rule, with the points' labels."""
    by: dict[str, list[str]] = {}
    for one in findings:
        first, last = labels[one.points[0]], labels[one.at]
        where = last if first == last else str(gettext("%(first)s to %(last)s", first=first, last=last))
        by.setdefault(one.rule, []).append(where)
    return [Told(short(rule), str(RULES[rule]), tuple(by[rule])) for rule in RULES if rule in by]
