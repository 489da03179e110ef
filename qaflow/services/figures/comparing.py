"""A subject beside its last round and beside others like it; units beside one another; readings around measures.

What stands here is what was seen.  A mean that moved after a measure moved after it: whether because of it, nobody is
told.  Others' figures are means of groups that `engine.disclosure` lets through, as of the first day of the month.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from qaflow.engine import disclosure, effects
from qaflow.engine.definition import NEUTRAL_STAGES, Label
from qaflow.engine.disclosure import Mean, Part
from qaflow.engine.effects import Effect
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import compiled
from qaflow.services.work import AnySession, Origin
from qaflow.store import comparing as rows
from qaflow.store import content, dashboard
from qaflow.store import portraits as portrait_rows
from qaflow.store.dashboard import Unit
from qaflow.store.db import instant, utc
from qaflow.store.portraits import Round, Subject, Warned

from . import portraits
from .looking import Desk, Span, opened
from .portraits import Point, month
from .survey import RANKED, labels, seat

MEASURES = 40
IMPROVE = NEUTRAL_STAGES.index("improve")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which units are compared: a layer, a kind of its subjects, and a control point (0: the first)."""

    layer: str = ""
    kind: str = ""
    point: int = 0


class OnTime(NamedTuple):
    """A round of the subject: its share of stages handed in on time, with how many were due."""

    round: Round
    share: float | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A point in this round and the one before."""

    point: Point
    now: Mean | None
    before: Mean | None


class Measure(NamedTuple):
    """A measure that was carried out, and the readings around it at one point."""

    kind: str  # correction, improvement
    at: str
    text: str | None
    cycle: int | None
    warning: str | None
    point: Label
    unit: str
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A subject beside itself and others."""

    subject: Subject
    layer: Label
    track: Label | None
    rounds: tuple[OnTime, ...]  # this one and the one before
    near: Mean | None  # the others' mean share of stages on time in this round's period
    like: Mean | None
    points: tuple[Measured, ...]
    measures: tuple[Measure, ...]
    as_of: date


def subject(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Comparison:
    """Return a subject's comparison; `Missing` where the subject is not the reader's to see."""
    return opened(session, origin, me, lambda desk: _subject(desk, number))


def _subject(desk: Desk, number: int) -> Comparison:
    found, params = portraits.found(desk, number)
    cycles = portrait_rows.cycles(desk.driver, params)
    main = cycles[:1]
    rounds = [one for one in cycles if main and one.track == main[0].track][:2]
    points = portraits.points(desk, params)
    near, like = _others(desk, params, rounds)
    return Comparison(
        subject=found, layer=desk.names.get(found.layer, Label(zh=found.layer, en=found.layer)),
        track=portraits.track(desk, found.layer, rounds[0].track) if rounds else None,
        rounds=tuple(OnTime(one, one.met / one.due if one.due else None) for one in rounds), near=near, like=like,
        points=tuple(_measured(desk, point, rounds) for point in points), as_of=month(desk),
        measures=tuple(_measures(desk, params, points)),
    )  # fmt: skip


def _others(desk: Desk, params: Mapping[str, Any], rounds: Sequence[Round]) -> tuple[Mean | None, Mean | None]:
    """Return the mean share on time of the others of the unit, and of all others like it, in this round's period."""
    if not rounds:
        return None, None
    asked = {**params, "track": rounds[0].track, "from": rounds[0].start,
             "to": min(rounds[0].end, month(desk).isoformat())}  # fmt: skip
    parts = {True: Part(), False: Part()}
    for one in rows.shares(desk.driver, asked):
        parts[one.unit == params["unit"]] += _part(one)
    return disclosure.nested(parts[True], parts[False])


def _part(one: rows.Sums) -> Part:
    return Part(one.many, one.total, 0 if one.seen else one.many)


def _read(point: Point) -> list[tuple[datetime, float]]:
    return [(instant(at), value) for at, value in point.readings]


def _measured(desk: Desk, point: Point, rounds: Sequence[Round]) -> Measured:
    calendar = desk.college.calendar
    edges = [(calendar.start_of(date.fromisoformat(one.start)), calendar.start_of(date.fromisoformat(one.end)))
             for one in rounds]  # fmt: skip
    means = [effects.between(_read(point), *edge) for edge in edges] + [None, None]
    return Measured(point=point, now=means[0], before=means[1])


def _measures(desk: Desk, params: Mapping[str, Any], points: Sequence[Point]) -> Iterable[Measure]:
    """Yield the corrections and improvements of a subject, the newest first, with the readings around each."""
    warned = [w for w in portrait_rows.warnings(desk.driver, {**params, "limit": MEASURES}) if w.measure]
    improved = _improved(desk, params) if points else []
    hashes = [w.measure for w in warned if w.measure] + [one[-1] for one in improved if one[-1]]
    texts = content.get_many(desk.driver, sorted(set(hashes)))
    known = {point.id: point for point in points}
    found = [_measure(desk, known[w.point], "correction", w.confirmed_at, texts.get(w.measure or ""), None, w)
             for w in warned if w.point in known and w.confirmed_at]  # fmt: skip
    for cycle, _track, _number, _hash, _stage, at, digest in improved:
        said = _words(texts.get(digest or ""))
        found += [_measure(desk, point, "improvement", at, said, cycle, None) for point in points]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _measure(desk: Desk, point: Point, kind: str, at: str | None, text: str | None, cycle: int | None,
             warned: Warned | None) -> Measure:  # fmt: skip
    assert at is not None
    effect = effects.around(_read(point), instant(at), desk.origin.now)
    return Measure(kind, at, text, cycle, warned.id if warned else None, point.name, point.unit, effect)


def _improved(desk: Desk, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the finished stages of a subject that cover `improve`."""
    return [one for one in rows.handed_in(desk.driver, {**params, "limit": MEASURES * len(NEUTRAL_STAGES)})
            if _covers(desk, one[3], one[4])][:MEASURES]  # fmt: skip


def _covers(desk: Desk, digest: str, key: str) -> bool:
    stage = compiled(desk.session, desk.driver, digest).definition.by_key.get(key)
    return stage is not None and (seat(stage) == IMPROVE or "improve" in stage.covers)


def _words(text: str | None) -> str | None:
    """Return the words of a stage's form, one after another."""
    try:
        plain = json.loads(text) if text else None
    except ValueError:
        return text
    return "; ".join(_strings(plain)) or None


def _strings(plain: Any) -> Iterable[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, dict | list):
        for one in plain.values() if isinstance(plain, dict) else plain:
            yield from _strings(one)


class Line(NamedTuple):
    """A unit of the reader's, or (without a name) all others together."""

    name: Label | None
    many: int
    value: Mean | None
    shares: tuple[Mean | None, ...]  # on time, this term and the one before


@dataclass(frozen=True, kw_only=True)
class Units:
    """The reader's units beside one another and beside all others together."""

    chosen: Chosen
    lines: tuple[Line, ...]
    spans: tuple[Span, ...]
    kinds: tuple[tuple[str, str, Label], ...]
    points: tuple[tuple[int, Label, str], ...]
    as_of: date


def units(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Units:
    """Return the units that a person looks after beside one another and beside the others together."""
    return opened(session, origin, me, lambda desk: _units(desk, chosen))


def shown(kinds: Sequence[tuple[str, str]], wanted: Chosen) -> tuple[str, str] | None:
    """Return the (layer, kind) that is shown of those there are: the wanted one, else the first of the wanted layer.

    A form that changes the layer still names the former layer's kind.
    """
    of_layer = [one for one in kinds if one[0] == wanted.layer]
    return next((one for one in of_layer if one[1] == wanted.kind), next(iter(of_layer or kinds), None))


def _units(desk: Desk, wanted: Chosen) -> Units:
    kinds = [(layer, kind, desk.names.get(layer, Label(zh=layer, en=layer)))
             for layer, kind in rows.kinds(desk.driver, desk.shared)]  # fmt: skip
    fitting = shown([k[:2] for k in kinds], wanted)
    layer, kind = fitting or ("", "")
    known = rows.points(desk.driver, desk.shared | {"layer": layer})
    point = next((p[0] for p in known if p[0] == wanted.point), known[0][0] if known else 0)
    spans = desk.spans("goals")[-2:][::-1]
    return Units(
        chosen=Chosen(layer=layer, kind=kind, point=point), kinds=tuple(kinds), spans=spans, as_of=month(desk),
        points=tuple((number, Label(zh=zh, en=en or zh), unit) for number, zh, en, unit in known),
        lines=tuple(_lines(desk, layer, kind, point, spans)) if fitting else (),
    )  # fmt: skip


def _lines(desk: Desk, layer: str, kind: str, point: int, spans: Sequence[Span]) -> Iterable[Line]:
    asked = desk.shared | {
        "layer": layer, "kind": kind, "month": month(desk).isoformat(), "point": point, "subject": 0, "track": "",
        "until": utc(desk.college.calendar.start_of(month(desk))),
    }  # fmt: skip
    tree = {u.id: u for u in dashboard.units(desk.driver, desk.college.id)}
    mine = _mine(desk, layer, tree)
    values = _by_unit(tree, mine, rows.values(desk.driver, asked))
    shares = [_by_unit(tree, mine, rows.shares(desk.driver, asked | _days(desk, span))) for span in spans]
    names = labels([tree[number] for number in mine])
    for number in (*mine, 0):
        parts = [values.get(number, Part()), *(one.get(number, Part()) for one in shares)]
        if any(part.many for part in parts):
            means = [disclosure.beside([part])[0][0] for part in parts]
            yield Line(names.get(number), parts[0].many, means[0], tuple(means[1:]))


def _days(desk: Desk, span: Span) -> dict[str, str]:
    return {"from": span.first.isoformat(), "to": min(span.following, month(desk)).isoformat()}


def _mine(desk: Desk, layer: str, tree: Mapping[int, Unit]) -> list[int]:
    """Return the units that stand by themselves and that the reader looks after in a layer."""
    if layer in desk.reach.layers:
        return [u.id for u in tree.values() if u.kind in RANKED]
    return [u.id for u in tree.values() if u.kind in RANKED and f"{u.id}:{layer}" in desk.reach.units]


def _by_unit(tree: Mapping[int, Unit], mine: Sequence[int], sums: Iterable[rows.Sums]) -> dict[int, Part]:
    """Return the parts by the nearest of the reader's units; those of all others under 0."""
    found: dict[int, Part] = {}
    for one in sums:
        unit: int | None = one.unit
        while unit is not None and unit not in mine:
            unit = tree[unit].parent if unit in tree else None
        found[unit or 0] = found.get(unit or 0, Part()) + _part(one)
    return found
