"""The entries of the bar on top: what a person's roles make useful; rights are decided where each page is served."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from flask import current_app, request, url_for
from flask_babel import lazy_gettext as _

from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.policy import ADMINISTRATORS, OFFICE, SEES_SCOPE, SUPERVISORS, SURVEYS

PARTS = {"reviews": "audit", "imports": "organisation", "portraits": "overview", "compare": "overview",
         "webhooks": "operations"}  # fmt: skip
"""Blueprints whose pages belong to another's entry."""
FRAMED = frozenset({"leader", "diagnostician", "supervisor", "committee", "quality_administrator"})
"""Who has to do with diagnosis points; heads of units, who answer them, are supervisors."""
EVERYBODY: frozenset[str] = frozenset()
KEPT = 1024  # bars that a process remembers: by roles and part of the program


class Entry(NamedTuple):
    """One entry: the endpoint it leads to, its label, and the kinds of role it is for (none: everybody)."""

    endpoint: str
    label: Any
    kinds: frozenset[str] = EVERYBODY
    bare: bool = False  # also for whoever holds no role, as most students


class Shown(NamedTuple):
    """An entry as the page shows it."""

    url: str
    label: Any
    here: bool


class Group(NamedTuple):
    """Entries that belong together; one alone stands in the bar itself, several under the group's label."""

    label: Any
    entries: list[Shown]

    @property
    def here(self) -> bool:
        """Tell whether the page is of one of them."""
        return any(entry.here for entry in self.entries)


GROUPS: tuple[tuple[Any, tuple[Entry, ...]], ...] = (
    (_("Inbox"), (Entry("inbox.index", _("Inbox")),)),
    (_("Overview"), (Entry("overview.index", _("Overview")),)),
    (_("Cycles"), (Entry("cycles.index", _("Cycles")),)),
    (_("Warnings"), (
        Entry("warnings.index", _("Warnings")),
        Entry("escalations.index", _("Escalations"), SUPERVISORS | OFFICE),
        Entry("incidents.index", _("Quality incidents")),
    )),
    (_("Plans"), (
        Entry("chains.index", _("Goals and standards"), SEES_SCOPE, bare=True),
        Entry("tasks.index", _("Tasks")),
    )),
    (_("Data"), (
        Entry("points.index", _("Control points")),
        Entry("charts.index", _("Charts"), SEES_SCOPE, bare=True),
    )),
    (_("Diagnosis"), (
        Entry("frame.index", _("Diagnosis points"), OFFICE | FRAMED),
        Entry("selftest.index", _("Self-test"), OFFICE | SUPERVISORS | {"approver", "responsible"}, bare=True),
    )),
    (_("Quality office"), (
        Entry("office.index", _("Rounds and punctuality"), SURVEYS),
        Entry("audit.index", _("Audit"), OFFICE),
        Entry("definitions.index", _("Definitions"), OFFICE | ADMINISTRATORS),
    )),
    (_("Administration"), (
        Entry("organisation.index", _("Organisation"), OFFICE | ADMINISTRATORS),
        Entry("operations.index", _("Operations"), ADMINISTRATORS),
    )),
)  # fmt: skip


def groups(me: SignedIn | None) -> list[Group]:
    """Return the groups for a person, of the pages that there are; a group without any is left out."""
    if me is None:
        return []
    return _groups(request.script_root, me.kinds, _part())


@lru_cache(maxsize=KEPT)
def _groups(_root: str, kinds: frozenset[str], part: str) -> list[Group]:
    found = [Group(label, _shown(entries, kinds, part)) for label, entries in GROUPS]
    return [group for group in found if group.entries]


def _shown(entries: tuple[Entry, ...], kinds: frozenset[str], part: str) -> list[Shown]:
    found = [e for e in entries if e.endpoint in current_app.view_functions and _useful(e, kinds)]
    return [Shown(url_for(e.endpoint), e.label, e.endpoint.partition(".")[0] == part) for e in found]


def _useful(entry: Entry, kinds: frozenset[str]) -> bool:
    return not entry.kinds or bool(entry.kinds & kinds) or (entry.bare and not kinds)


def _part() -> str:
    """Return the part of the program to which the page belongs, by the blueprint of its entry."""
    if request.endpoint == "start.start":
        return "inbox"
    return PARTS.get(request.blueprint or "", request.blueprint or "")
