"""The quality office's figures of a term's rounds, and the lists that its numbers open (features, 20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from qaflow.engine.calendar import CalendarGap
from qaflow.engine.definition import NEUTRAL_STAGES, Definition, Label
from qaflow.errors import Forbidden, Invalid
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.work import AnySession, Origin
from qaflow.store import dashboard as rows
from qaflow.store.db import Driver, reading

from .survey import AGES, Chosen, Survey, labels, of_units, quantile, seat, spans

LINES = 50
PALE_BELOW = 3  # late cycles: fewer are not shaded dark, whatever their share
SHARES = (0.05, 0.10, 0.20)
FEW = 5  # visits: a rate of fewer says little and stands apart
PILES = 10
MOST_PAGES = 1000

__all__ = ["AGES", "Cell", "Chosen", "Heat", "Listed", "Row", "Stuck", "heat", "listed", "rates", "stuck", "times"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How many running cycles stand in a stage; ``stage`` is the run of neutral stages that the address names."""

    name: Label
    stage: str
    width: int
    many: int = 0
    late: int = 0
    waiting: int = 0

    @property
    def shade(self) -> int:
        """The class of the share that is late, 0 to 4."""
        if self.late < PALE_BELOW:
            return min(self.late, 1)
        return 1 + sum(self.late >= share * self.many for share in SHARES)


class Row(NamedTuple):
    """One track of a layer: its stages, and all of it."""

    layer: str
    track: str
    layer_name: Label
    track_name: Label
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, kw_only=True)
class Heat:
    """All rounds of a term: by layer and stage, how late, and how many did not start."""

    survey: Survey
    rows: tuple[Row, ...]
    total: Cell
    ages: tuple[tuple[Label, str, tuple[int, ...]], ...]  # (layer, its key, late cycles by how late)
    unstarted: int


class Stuck(NamedTuple):
    """What takes no next step soon, by reason."""

    survey: Survey
    reasons: dict[str, int]
    unstarted: tuple[tuple[str, int], ...]


def stuck(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Stuck:
    """Return how many cycles of a term's rounds are stuck and how many subjects did not start, by reason."""
    driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        return Stuck(survey, rows.reasons(driver, survey.params), tuple(rows.unstarted(driver, survey.params)))
    finally:
        session.rollback()


def heat(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Heat:
    """Return where the running cycles of a term's rounds stand, as far as the person surveys them."""
    driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        standing = rows.standing(driver, survey.params)
        found = _rows(survey, standing)
        return Heat(survey=survey, rows=found, total=_total([row.total for row in found]),
                    ages=_ages(survey, standing),
                    unstarted=sum(many for _, many in rows.unstarted(driver, survey.params)))  # fmt: skip
    finally:
        session.rollback()


def _rows(survey: Survey, standing: Sequence[rows.Standing]) -> tuple[Row, ...]:
    of: dict[tuple[str, str], list[rows.Standing]] = {}
    for one in standing:
        of.setdefault((one.layer, one.track), []).append(one)
    order = list(survey.college.config.track_by_key)
    layers = [layer.key for layer in survey.college.config.layers]
    keys = sorted(of, key=lambda k: (layers.index(k[0]) if k[0] in layers else len(layers),
                                     order.index(k) if k in order else len(order)))  # fmt: skip
    return tuple(_row(survey, key, of[key]) for key in keys)


def _row(survey: Survey, key: tuple[str, str], standing: Sequence[rows.Standing]) -> Row:
    """Return a track's stages as the definition that most of its cycles follow names them."""
    votes = Counter[int]()
    for one in standing:
        votes[one.definition] += one.many
    main: Definition = survey.definitions[votes.most_common(1)[0][0]]
    floor, cells = survey.params["floor"], []
    seats = {(n, s.key): seat(s) for n in votes for s in survey.definitions[n].stages}
    for stage, first, end in spans(main):
        here = [one for one in standing if first <= seats[one.definition, one.stage] < end]
        last = f"-{NEUTRAL_STAGES[end - 1]}" if end - first > 1 else ""
        cells.append(_cell(stage.name, NEUTRAL_STAGES[first] + last, end - first, here, floor))
    layer, track = survey.layer_name(key[0]), survey.track_name(*key)
    return Row(*key, layer, track, tuple(cells), _total(cells))


def _cell(name: Label, stage: str, width: int, here: Sequence[rows.Standing], floor: str) -> Cell:
    return Cell(name=name, stage=stage, width=width, many=sum(one.many for one in here),
                late=sum(one.many for one in here if one.due and one.due < floor),
                waiting=sum(one.many for one in here if one.waiting))  # fmt: skip


def _total(cells: Sequence[Cell]) -> Cell:
    return Cell(name=Label(zh="", en=""), stage="", width=1, many=sum(c.many for c in cells),
                late=sum(c.late for c in cells), waiting=sum(c.waiting for c in cells))  # fmt: skip


def _ages(survey: Survey, standing: Sequence[rows.Standing]) -> tuple[tuple[Label, str, tuple[int, ...]], ...]:
    sums: dict[str, list[int]] = {layer.key: [0] * (len(AGES) + 1) for layer in survey.college.config.layers}
    for one in standing:
        if one.due and one.due < survey.params["floor"]:
            sums.setdefault(one.layer, [0] * (len(AGES) + 1))[survey.age(one.due)] += one.many
    return tuple((survey.layer_name(key), key, tuple(many)) for key, many in sums.items() if any(many))


class Rate(NamedTuple):
    """Of a unit's stage visits whose deadline passed in the term, how many were handed in by it."""

    unit: int
    name: Label
    many: int
    met: int

    @property
    def share(self) -> float:
        """The part that met its deadline."""
        return self.met / self.many


class Rates(NamedTuple):
    """Units by how punctual they are; those with too few visits apart; and everything together."""

    survey: Survey
    ranked: tuple[Rate, ...]
    few: tuple[Rate, ...]
    total: Rate


def rates(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Rates:
    """Return the units ranked by the share of stage visits handed in by their deadline."""
    driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        counted = rows.rates(driver, survey.params)
        sums, ranked = of_units(survey, counted), survey.ranked()
        names = labels(ranked)
        found = [Rate(u.id, names[u.id], *sums[u.id]) for u in ranked if u.id in sums]
        found.sort(key=lambda r: (-r.share, -r.many, r.unit))
        total = Rate(0, Label(zh="", en=""), sum(c[1] for c in counted), sum(c[2] for c in counted))
        return Rates(survey, tuple(r for r in found if r.many >= FEW), tuple(r for r in found if r.many < FEW), total)
    finally:
        session.rollback()


class Took(NamedTuple):
    """Working days that visits of a stage took: how many visits, median, ninth decile."""

    many: int
    median: int
    most: int


class Times(NamedTuple):
    """Working and waiting time by neutral stage, and with whom decisions pile up."""

    survey: Survey
    stages: tuple[tuple[str, Took | None, Took | None], ...]  # (neutral stage, working, waiting)
    piles: tuple[tuple[int | None, str | None, int, int], ...]
    longest: tuple[int, int]


def times(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Times:
    """Return how long stages were worked on and waited for a decision, in working days of the college's calendar."""
    driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        working, waiting = _taken(survey, rows.times(driver, survey.params))
        piles = rows.piles(driver, survey.params, PILES) if survey.scope.lists else []
        stages = tuple((key, _took(working[at]), _took(waiting[at])) for at, key in enumerate(NEUTRAL_STAGES)
                       if working[at] or waiting[at])  # fmt: skip
        longest = (_longest(s[1] for s in stages), _longest(s[2] for s in stages))
        return Times(survey, stages, tuple(piles), longest)
    finally:
        session.rollback()


def _longest(found: Iterable[Took | None]) -> int:
    return max((took.median for took in found if took), default=0)


def _taken(survey: Survey, found: Sequence[tuple[Any, ...]]) -> tuple[list[Counter[int]], list[Counter[int]]]:
    working: list[Counter[int]] = [Counter() for _ in NEUTRAL_STAGES]
    waiting: list[Counter[int]] = [Counter() for _ in NEUTRAL_STAGES]
    seats = {(n, s.key): seat(s) for n, d in survey.definitions.items() for s in d.stages}
    days: dict[str, date] = {}
    between: dict[tuple[str, str], int | None] = {}
    for definition, stage, entered, submitted, decided, many in found:
        at = seats[definition, stage]
        for start, end, into in ((entered, submitted, working), (submitted, decided, waiting)):
            if not end:
                continue
            if (start, end) not in between:
                between[start, end] = _between(survey, days, start, end)
            took = between[start, end]
            if took is not None:
                into[at][took] += many
    return working, waiting


def _between(survey: Survey, days: dict[str, date], start: str, end: str) -> int | None:
    """Return the working days between two hours; None where the calendar does not know them."""
    calendar = survey.college.calendar
    for hour in (start, end):
        if hour not in days:
            days[hour] = calendar.local_day(datetime.fromisoformat(f"{hour}:00+00:00"))
    try:
        return max(0, calendar.working_between(days[start], days[end]))
    except CalendarGap:
        return None


def _took(counted: Counter[int]) -> Took | None:
    many = sum(counted.values())
    return Took(many, quantile(counted, 0.5), quantile(counted, 0.9)) if many else None


class Listed(NamedTuple):
    """A page of the list behind a number."""

    survey: Survey
    many: int
    lines: tuple[rows.Line, ...]
    unstarted: tuple[Any, ...]
    more: bool


def listed(session: AnySession, origin: Origin, me: SignedIn, chosen: Chosen) -> Listed:
    """Return a page of what a number counts, by the same condition; sums alone open no list."""
    if chosen.what not in rows.LISTS or not 1 <= chosen.page <= MOST_PAGES:
        raise Invalid("query.unknown", f"no list {chosen.what!r}")
    driver: Driver = reading(session)
    try:
        survey = Survey(session, driver, origin, me, chosen)
        if not survey.scope.lists:
            raise Forbidden("action.forbidden", "only sums are shown to a committee")
        offset = (chosen.page - 1) * LINES
        if chosen.what == "unstarted":
            many, subjects = rows.unstarted_page(driver, survey.params, LINES, offset)
            return Listed(survey, many, (), tuple(subjects), many > offset + LINES)
        many, lines = rows.page(driver, chosen.what, survey.params, LINES, offset)
        return Listed(survey, many, tuple(lines), (), many > offset + LINES)
    finally:
        session.rollback()
