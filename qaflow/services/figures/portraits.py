"""Portraits (画像) of a teacher, student, course, major or school: goals, readings, rounds and warnings over terms.

Whoever answers for a subject or holds a role that looks after it reads its portrait; for everybody else there is none.
Of others it shows the means of groups alone (`engine.disclosure`), as of the first day of the month: a mean that moved
with every reading would tell, by the difference of two days, what one person's reading is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from qaflow.engine import disclosure
from qaflow.engine.college import Tier
from qaflow.engine.control import Limits, breach
from qaflow.engine.definition import Label
from qaflow.engine.disclosure import Mean, Part
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import people
from qaflow.store import portraits as rows
from qaflow.store.db import utc
from qaflow.store.portraits import Round, Subject, Warned

from .looking import Desk, Span, opened

LINES = 50
MOST_PAGES = 1000
CHAIN = 40  # goals or standards of a subject that are shown
ROUNDS = 40
WARNINGS = 200
TESTS = 2  # this term's self-test and the last one's
YEARS_BACK = timedelta(days=3 * 366)
LATEST = 12  # readings of a small trend
TOP = 5.0  # the highest grade of a self-test


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the list of portraits is narrowed to."""

    text: str = ""
    layer: str = ""
    mine: int = 0
    ended: bool = False
    page: int = 1


class Listed(NamedTuple):
    """A page of the subjects whose portraits one may read."""

    many: int
    lines: tuple[Subject, ...]
    more: bool
    layers: Mapping[str, Label]


class Goal(NamedTuple):
    """A goal with how far it is; `own` tells the subject's from its layer's."""

    own: bool
    text: Label
    indicator: str | None
    target: float | None
    unit: str | None
    direction: str | None
    ends: str | None
    value: float | None
    met: bool | None


class Standard(NamedTuple):
    """A standard with the value that meets it."""

    own: bool
    text: Label
    indicator: str | None
    target: str


@dataclass(frozen=True, kw_only=True)
class Point:
    """A control point as it was read: the last value, its limits today, the readings before, and others' means."""

    id: int
    name: Label
    unit: str
    limits: Limits
    steps: tuple[tuple[str, Limits], ...]  # limits by the day from which they hold
    readings: tuple[tuple[str, float], ...]
    near: Mean | None  # of the others in the same unit
    like: Mean | None  # of all others of the same layer and kind

    @property
    def severity(self) -> str | None:
        """How gravely the last reading lies beyond its limits."""
        return breach(self.limits, self.readings[-1][1])


class Term(NamedTuple):
    """The warnings that were opened in a term."""

    span: Span
    opened: int
    major: int


class Test(NamedTuple):
    """One's own self-test: the mean grade of each element."""

    name: Label
    term: str
    scores: tuple[tuple[Label, float | None], ...]


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """All that is shown of a subject."""

    subject: Subject
    layer: Label
    tiers: tuple[Tier, ...]  # the layer's, where the college tells them apart
    goals: tuple[Goal, ...]
    standards: tuple[Standard, ...]
    points: tuple[Point, ...]
    rounds: tuple[tuple[Label, Round], ...]
    warnings: tuple[Warned, ...]
    terms: tuple[Term, ...]
    tests: tuple[Test, ...]
    as_of: date  # of the others' means


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of the subjects whose portraits a person may read."""
    if me.college is None:
        return Listed(0, (), False, {})
    return opened(session, origin, me, lambda desk: _listed(desk, chosen))


def _listed(desk: Desk, chosen: Chosen) -> Listed:
    page = min(max(chosen.page, 1), MOST_PAGES)
    literal = chosen.text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    params = desk.shared | {
        "q": f"%{literal}%" if literal else "", "layer": chosen.layer, "mine": chosen.mine, "all": chosen.ended,
        "limit": LINES, "offset": (page - 1) * LINES,
    }  # fmt: skip
    many, lines = rows.page(desk.driver, params)
    return Listed(many, tuple(lines), many > page * LINES, desk.names)


def look(session: AnySession, origin: Origin, me: SignedIn, subject: int) -> Portrait:
    """Return a subject's portrait; `Missing` where it is not the reader's to see."""
    return opened(session, origin, me, lambda desk: portrait(desk, subject))


def portrait(desk: Desk, number: int) -> Portrait:
    """Return a subject's portrait from somebody's desk."""
    subject, params = found(desk, number)
    spans = desk.spans("goals")
    warned = rows.warnings(desk.driver, params)
    return Portrait(
        subject=subject, layer=desk.names.get(subject.layer, Label(zh=subject.layer, en=subject.layer)),
        tiers=tuple(t for t in desk.college.config.tiers if t.layer == subject.layer),
        goals=tuple(map(_goal, rows.goals(desk.driver, params))),
        standards=tuple(map(_standard, rows.standards(desk.driver, params))), points=points(desk, params),
        rounds=tuple((track(desk, subject.layer, one.track), one) for one in rows.cycles(desk.driver, params)),
        warnings=tuple(warned), terms=_terms(desk, spans, warned),
        tests=tuple(map(_test, rows.self_tests(desk.driver, params | {"limit": TESTS}))), as_of=month(desk),
    )  # fmt: skip


def found(desk: Desk, number: int) -> tuple[Subject, dict[str, Any]]:
    """Return a subject that the reader reaches, and the parameters by which it is asked for."""
    subject = rows.one(desk.driver, desk.shared | {"subject": number})
    if subject is None:
        raise Missing("subject.not_found", f"no subject {number}")
    calendar = desk.college.calendar
    return subject, desk.shared | {
        "subject": number, "layer": subject.layer, "unit": subject.unit, "kind": subject.kind or "",
        "since": utc(desk.origin.now - YEARS_BACK), "until": utc(calendar.start_of(month(desk))),
        "month": month(desk).isoformat(), "limit": CHAIN, "responsible": subject.responsible,
        "line": people.units_above(desk.driver, subject.unit),
    }  # fmt: skip


def month(desk: Desk) -> date:
    """Return the day as of which others' means are reckoned."""
    return desk.today.replace(day=1)


def track(desk: Desk, layer: str, key: str) -> Label:
    """Return a track's name; its key where the college's file no longer holds it."""
    known = desk.college.config.track_by_key.get((layer, key))
    return known.name if known else Label(zh=key, en=key)


def _goal(row: Sequence[Any]) -> Goal:
    _id, own, zh, en, indicator, target, unit, direction, _starts, ends, value, _point = row
    met = None if target is None or value is None or direction == "band" else (
        value <= target if direction == "lower" else value >= target)  # fmt: skip
    return Goal(bool(own), Label(zh=zh, en=en or zh), _said(indicator), target, unit, direction, ends, value, met)


def _standard(row: Sequence[Any]) -> Standard:
    _id, own, zh, en, indicator, target, value, unit, direction = row
    sign = {"lower": "≤ ", "higher": "≥ "}.get(direction or "", "")
    text = target or (f"{sign}{value:g}{unit or ''}" if value is not None else "")
    return Standard(bool(own), Label(zh=zh, en=en or zh), _said(indicator), text)


def _said(text: str | None) -> str | None:
    """Return an indicator's words; the college's files keep it as JSON with a name."""
    try:
        plain = json.loads(text) if text and text[0] in '{"' else text
    except ValueError:
        return text
    name = plain.get("name", plain) if isinstance(plain, dict) else plain
    return str(name.get("zh", "")) if isinstance(name, dict) else name


def points(desk: Desk, params: Mapping[str, Any]) -> tuple[Point, ...]:
    """Return the points at which a subject was read, with what the others of its unit and kind have in the mean."""
    known = rows.points(desk.driver, params)
    if not known:
        return ()
    asked = {**params, "points": [row[0] for row in known]}
    measured, set_ = rows.readings(desk.driver, asked), rows.limits(desk.driver, asked)
    parts = _parts(rows.groups(desk.driver, asked))
    return tuple(_point(desk, row, measured[row[0]], [s for s in set_ if s[0] == row[0]], parts)
                 for row in known if row[0] in measured)  # fmt: skip


def _parts(sums: Sequence[rows.Sums]) -> dict[tuple[int, bool], Part]:
    found: dict[tuple[int, bool], Part] = {}
    for one in sums:
        part = Part(one.many, one.total, 0 if one.seen else one.many)
        found[one.point, one.near] = found.get((one.point, one.near), Part()) + part
    return found


def _point(desk: Desk, row: Sequence[Any], measured: Sequence[tuple[str, float]], set_: Sequence[Sequence[Any]],
           parts: Mapping[tuple[int, bool], Part]) -> Point:  # fmt: skip
    number, zh, en, unit, direction, target, lower, upper = row
    near, like = disclosure.nested(parts.get((number, True), Part()), parts.get((number, False), Part()))
    plain = Limits(direction=direction, target=target, lower=lower, upper=upper)
    own = any(s[1] for s in set_)
    steps = [(s[2], Limits(direction=s[3], target=s[4], lower=s[5], upper=s[6])) for s in set_ if bool(s[1]) == own]
    held = [limits for day, limits in steps if day <= desk.today.isoformat()]
    return Point(id=number, name=Label(zh=zh, en=en or zh), unit=unit, limits=held[-1] if held else plain,
                 steps=tuple(steps) or (("", plain),), readings=tuple(measured), near=near, like=like)  # fmt: skip


def _terms(desk: Desk, spans: Sequence[Span], warned: Sequence[Warned]) -> tuple[Term, ...]:
    edges = [(span, desk.edge("warnings", span.first), desk.edge("warnings", span.following)) for span in spans]
    counted = [(span, [w for w in warned if first <= w.opened_at < following]) for span, first, following in edges]
    return tuple(Term(span, len(of), sum(w.severity == "major" for w in of)) for span, of in counted)


def _test(row: Sequence[Any]) -> Test:
    """Return a self-test's elements in the order of its questionnaire, with the mean grade of each."""
    _id, zh, en, term, body, scores, _at = row
    given = json.loads(scores)
    elements = [element for dimension in json.loads(body).get("dimensions", ()) for element in dimension["elements"]]
    names = {element["key"]: Label(zh=element["name"]["zh"], en=element["name"].get("en") or element["name"]["zh"])
             for element in elements} or {key: Label(zh=key, en=key) for key in given}  # fmt: skip
    return Test(Label(zh=zh, en=en or zh), term, tuple((name, given.get(key)) for key, name in names.items()))
