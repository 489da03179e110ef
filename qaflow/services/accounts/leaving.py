"""Somebody leaves: the account is disabled and everything they hold goes to heirs, in one step that is shown before.

The preview is the act itself, taken back (engine rules, 5; the quality office sees what finds no heir).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from qaflow.errors import Invalid, Stale
from qaflow.services.places.organisation import ACCOUNTS, Desk, desk
from qaflow.services.rehearsing import digest_of, rehearsed
from qaflow.services.work import AnySession, Origin
from qaflow.store import accounts as account_rows
from qaflow.store import directory as rows
from qaflow.store import people as person_rows
from qaflow.store import subjects as subject_rows
from qaflow.store.db import Driver

from . import book, reseating
from .directory import Task, account, tasks
from .profile import colleague
from .sessions import SignedIn

MOST_ITEMS = 2000


class Goes(NamedTuple):
    """A work item and to whom it goes: None where it found nobody who may hold it."""

    task: Task
    to: str | None


class Given(NamedTuple):
    """A subject and who answers for it afterwards, None where it stays the leaver's."""

    subject: subject_rows.SubjectRow
    to: str | None


@dataclass(frozen=True, kw_only=True)
class Leave:
    """What a leave does, or did: who is disabled, which subjects and items go to whom."""

    person: int
    name: str
    disables: bool
    subjects: tuple[Given, ...]
    items: tuple[Goes, ...]

    @property
    def left(self) -> int:
        """How many items found no heir."""
        return sum(one.to is None for one in self.items)

    @cached_property
    def digest(self) -> str:
        """The hash over what was shown."""
        items = [[one.task.row.id, one.to] for one in self.items]
        subjects = [[one.subject.id, one.to] for one in self.subjects]
        return digest_of([self.person, self.disables, subjects, items])


@dataclass(frozen=True, kw_only=True)
class Heirs:
    """Who takes over: somebody for all, others for single subjects (by number), each by login or name; "" nobody."""

    all: str = ""
    subjects: Mapping[int, str] | None = None


def leave(session: AnySession, origin: Origin, me: SignedIn, person: int, heirs: Heirs, reason: str = "",
          agreed: str | None = None) -> Leave:  # fmt: skip
    """Show what a leave would do; with the digest of what was shown, do it.

    A person who is disabled already only hands over.  Without an heir everything stays and is listed among leavers.
    Raises `Invalid` (``ref.unknown_subject`` for one that is not theirs), `Refused` (``office.last``,
    ``administrator.last``, ``leave.self``) and `Stale` (``preview.changed``).
    """

    def body(driver: Driver) -> Leave:
        at = desk(session, driver, origin, me, ACCOUNTS)
        found = account(at, person)
        if person == me.person:
            raise Invalid("leave.self", "another administrator disables your account")
        held = rows.open_items(driver, at.college.id, person, MOST_ITEMS)
        theirs = [s for s in subject_rows.of_person(driver, at.college.id, person) if not s.ended]
        wanted = {i: text for i, text in (heirs.subjects or {}).items() if text}
        if unknown := sorted(wanted.keys() - {s.id for s in theirs}):
            told = f"{found.login} answers for no subject {unknown[0]}"
            raise Stale("preview.changed", told) if agreed else Invalid("ref.unknown_subject", told)
        leaver = book.find(driver, found.login)
        if leaver.disabled_at is not None and not heirs.all:
            raise Invalid("text.blank", "say who takes over")
        heir = _heir(at, me, heirs.all) if heirs.all else None
        chosen = {i: _heir(at, me, text) for i, text in wanted.items()}
        if leaver.disabled_at is None:
            book.disable_within(session, driver, origin, leaver, reason)
        if heir is not None:
            reseating.pass_on(session, driver, origin, leaver, heir, reason, chosen)
        now = subject_rows.by_ids(driver, at.college.id, [s.id for s in theirs])
        after = {item.id: item for item in rows.items(driver, at.college.id, [item.id for item in held])}
        names = _names(driver, {s.responsible_id for s in now} | {i.holder for i in after.values()})
        names.pop(person, None)
        return Leave(
            person=person, name=found.name, disables=leaver.disabled_at is None,
            subjects=tuple(Given(s, names.get(s.responsible_id or 0)) for s in now),
            items=tuple(Goes(task, names.get(after[task.row.id].holder or 0)) for task in tasks(session, driver, held)),
        )  # fmt: skip

    return rehearsed(session, body, agreed)


def _heir(at: Desk, me: SignedIn, text: str) -> account_rows.Account:
    found = person_rows.by_id(at.driver, colleague(at.driver, me, text))
    assert found is not None
    return book.find(at.driver, found.login)


def _names(driver: Driver, persons: set[int | None]) -> dict[int, str]:
    found = person_rows.names(driver, [p for p in persons if p is not None])
    return {person: name for person, (name, _) in found.items()}
