"""Subjects as the organisation's pages show them: a list, and one with its tracks, cycles and who answers for it."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.engine.definition import Label
from qaflow.errors import Missing
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView
from qaflow.services.work import AnySession, Origin
from qaflow.store import subject_list as rows
from qaflow.store.subject_list import Listed, Planned, Run

from .organisation import LINES, Desk, read

RUNS = 100
STATES = ("on", "unstarted", "nobody", "ended", "all")

__all__ = ["Chosen", "Listed", "Subject", "Subjects", "one", "subjects", "track_name"]


class Chosen(NamedTuple):
    """What a list of subjects is narrowed to, and the number after which it goes on."""

    text: str = ""
    layer: str = ""
    unit: int = 0
    person: int = 0
    state: str = "on"
    after: int = 0


class Subjects(NamedTuple):
    """One page of a list of subjects."""

    lines: tuple[Listed, ...]
    total: int
    following: int | None
    chosen: Chosen


class Subject(NamedTuple):
    """One subject whole; `open_to_me` tells whether whoever looks may open its cycles."""

    row: Listed
    tracks: tuple[tuple[Label, Planned], ...]
    runs: tuple[tuple[Label, Run], ...]
    open_to_me: bool


def subjects(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Subjects:
    """Return a page of the college's subjects."""

    def body(at: Desk) -> Subjects:
        narrowed = {k: v for k, v in chosen._asdict().items() if k != "after"}
        found = rows.subjects(at.driver, at.college.id, after=chosen.after, limit=LINES + 1, **narrowed)
        more = found[LINES - 1].id if len(found) > LINES else None
        return Subjects(tuple(found[:LINES]), rows.count(at.driver, at.college.id, **narrowed), more, chosen)

    return read(session, origin, me, body)


def one(session: AnySession, origin: Origin, me: SignedIn, subject: int) -> Subject:
    """Return one subject with its tracks and cycles."""

    def body(at: Desk) -> Subject:
        row = rows.one(at.driver, at.college.id, subject)
        if row is None:
            raise Missing("subject.not_found", f"no subject {subject}")
        planned = rows.planned(at.driver, at.college.id, subject)
        runs = rows.runs(at.driver, at.college.id, subject, RUNS)
        sees = policy.sees_all(at.driver, at.college.id, me.person, at.day)
        return Subject(row, tuple((track_name(at.college, row.layer, p.track), p) for p in planned),
                       tuple((track_name(at.college, row.layer, r.track), r) for r in runs), sees)  # fmt: skip

    return read(session, origin, me, body)


def track_name(college: CollegeView, layer: str, track: str) -> Label:
    """Return what a track is called; its key where the college's file no longer holds it."""
    known = college.config.track_by_key.get((layer, track))
    return known.name if known else Label(zh=track, en=track)
