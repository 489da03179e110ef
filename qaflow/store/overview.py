"""The figures of what a person's roles cover: goals, warnings, rounds and tasks, each counted and listed by one text.

A reader sees what lies within `policy.Reach` by a role or by responsibility; a part once taken in a cycle opens that
cycle, but adds it to nobody's figures.  The rows of a kind are parted into states that exclude one another and counted
in one pass; a number is the sum of some states (`WHATS`), and the list behind it holds the rows in those states.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from qaflow.store.dashboard import DUE
from qaflow.store.db import Driver, Sql
from qaflow.store.sight import COVERED, SUBJECT

SPANS = 12
"""So many spans of time a trend has at most."""
CYCLE = f"({COVERED} or (c.responsible_id || ':' || c.layer) in :s_persons[])"
_NEAR = (  # numbers first: that rules most rows out in a fraction of the time that texts of number and layer take
    "({t}.layer in :s_layers[] or {t}.unit_id in :s_unit_ids[] or {t}.responsible_id in :s_person_ids[] or {s} in "
    ":s_subject_ids[])"
)
_CYCLE = f"{_NEAR.format(t='c', s='c.subject_id')} and {CYCLE}"
_SUBJECT = f"{_NEAR.format(t='s', s='s.id')} and {SUBJECT}"
SUBJECTS = f"(select s.id from subject s where s.college_id = :college and {_SUBJECT})"
"""The subjects that a reader sees, by a role that covers them or by the responsibility for them."""
SIGHT = {
    "rounds": _CYCLE,
    "closed": _CYCLE,
    "warnings": f"((w.cycle_id is not null and {_CYCLE}) or (w.cycle_id is null and w.subject_id in {SUBJECTS}))",
    "goals": f"(g.subject_id in {SUBJECTS} or (g.subject_id is null and (g.layer in :s_layers[] or "
    "(g.owner_unit_id || ':' || g.layer) in :s_units[])) or (g.owner_id || ':' || g.layer) in :s_persons[])",
    "tasks": "(t.owner_unit_id in :s_unit_ids[] or t.owner_id in :s_person_ids[])",
}
"""What of each kind a reader sees; whoever sees every layer whole is not asked."""

_SCHOOL = (  # a goal of the school layer is the school's, whether it says so or not
    "(select s.id from subject s where g.layer = 'school' and s.college_id = g.college_id and s.layer = 'school' "
    "order by s.id limit 1)"
)
VALUE = (
    "(case when g.point_id is null then g.attained else coalesce((select r.value from reading r where r.college_id = "
    f"g.college_id and r.point_id = g.point_id and r.subject_id = coalesce(g.subject_id, {_SCHOOL}) "
    "and (g.ends is null or r.at < g.ends || :cut) order by r.at desc, r.source desc, r.version desc limit 1), "
    "g.attained) end)"
)
"""How far a goal is: its point's last reading of its subject until its last day, else what its owner states."""
_WARN = "coalesce((select p.warn_{} from control_point p where p.id = g.point_id), g.target)"
_MET = (  # one branch is reckoned, and its reading looked up once; unknown where there is no value or no target
    "case when g.degree is not null and g.attained is null and g.point_id is null then g.degree >= 100 else "
    f"(case g.direction when 'lower' then {VALUE} <= g.target when 'band' then {VALUE} between "
    f"{_WARN.format('lower')} and {_WARN.format('upper')} else {VALUE} >= g.target end) end"
)
_OPEN = "w.state not in ('closed', 'dismissed')"


class Kind(NamedTuple):
    """One kind of rows: where they come from, what parts them, their states, and the days or instants of trends."""

    source: str
    group: str
    state: str
    times: dict[str, str]
    columns: str
    joins: str
    order: str


KINDS = {
    "goals": Kind(
        "from goal g where g.college_id = :college and g.retired_at is null and (g.ends is null or g.ends >= :b0)",
        "g.layer",
        "(case when g.ends < :today then 'ended_' when g.starts > :today then 'ahead_' else '' end) || "
        f"(case {_MET} when true then 'attained' when false then 'missed' else 'unmeasured' end)",
        {"ends": "g.ends"},
        f"g.id, g.text_zh, g.text_en, g.layer, g.subject_id, s.name, g.target, g.unit, g.direction, g.ends, {VALUE}",
        " left join subject s on s.id = g.subject_id", "g.ends is null, g.ends, g.id",
    ),
    "warnings": Kind(
        "from warning w left join cycle c on c.id = w.cycle_id where w.college_id = :college and "
        f"({_OPEN} or w.closed_at >= :b0 or w.opened_at >= :b0)",
        "coalesce(c.layer, (select s.layer from subject s where s.id = w.subject_id))",
        f"case when not ({_OPEN}) then 'settled' when w.severity = 'major' then 'major' else 'minor' end",
        {"opened": "w.opened_at", "settled": "w.closed_at"},
        "w.id, s.id, s.name, s.layer, coalesce(p.name_zh, t.title_zh), coalesce(p.name_en, t.title_en), w.kind, "
        "w.severity, w.state, w.opened_at, w.closed_at",
        " join subject s on s.id = w.subject_id left join control_point p on p.id = w.point_id left join plan_task t "
        "on t.id = w.task_id",
        "w.severity, w.opened_at, w.id",
    ),
    "rounds": Kind(
        "from cycle c where c.college_id = :college and c.status = 'running'", "c.layer",
        f"case when {DUE} < :floor then 'late' else 'on_time' end", {},
        "c.id, s.id, s.name, c.layer, c.track, c.number, c.period_start, c.period_end, "
        f"{DUE} as due, c.outcome, c.closed_at, p.name", "", "due is null, due, c.id",
    ),
    "closed": Kind(
        "from cycle c where c.college_id = :college and c.status = 'closed' and c.closed_at >= :b0", "c.layer",
        "case when c.outcome = 'complete' then 'complete' else 'incomplete' end", {"closed": "c.closed_at"},
        "c.id, s.id, s.name, c.layer, c.track, c.number, c.period_start, c.period_end, c.due, c.outcome, c.closed_at, "
        "p.name", "", "c.closed_at desc, c.id",
    ),
    "tasks": Kind(
        "from plan_task t where t.college_id = :college and t.state <> 'dropped' and ((t.due >= :b0 and t.due < "
        ":until) or (t.due is null and t.year = :year))", "t.task_kind",
        "case when t.state = 'done' then 'done' when t.due < :today then 'late' when t.state = 'going' then 'going' "
        "else 'planned' end", {"due": "t.due"},
        "t.id, t.plan, t.no, t.title_zh, t.title_en, u.name_zh, u.name_en, t.due, t.state, p.name, t.task_kind",
        " left join unit u on u.id = t.owner_unit_id left join person p on p.id = t.owner_id",
        "t.due is null, t.due, t.id",
    ),
}  # fmt: skip
_OF_CYCLES = " join subject s on s.id = c.subject_id left join person p on p.id = c.responsible_id"
KINDS |= {name: KINDS[name]._replace(joins=_OF_CYCLES) for name in ("rounds", "closed")}


class What(NamedTuple):
    """What a number counts: a kind's rows in certain states, and which of their times a span narrows."""

    kind: str
    states: tuple[str, ...]
    time: str = ""


_GOALS = ("attained", "missed", "unmeasured")
WHATS = {
    "goals": What("goals", _GOALS),
    **{name: What("goals", (name,)) for name in _GOALS},
    "goals_ended": What("goals", tuple(f"ended_{name}" for name in _GOALS), "ends"),
    "goals_met": What("goals", ("ended_attained",), "ends"),
    "warnings": What("warnings", ("major", "minor")),
    "major": What("warnings", ("major",)),
    "minor": What("warnings", ("minor",)),
    "opened": What("warnings", ("major", "minor", "settled"), "opened"),
    "settled": What("warnings", ("settled",), "settled"),
    "running": What("rounds", ("late", "on_time")),
    "late": What("rounds", ("late",)),
    "complete": What("closed", ("complete",), "closed"),
    "incomplete": What("closed", ("incomplete",), "closed"),
    "tasks": What("tasks", ("done", "going", "planned", "late"), "due"),
    **{f"tasks_{name}": What("tasks", (name,), "due") for name in ("done", "going", "planned", "late")},
}
"""Every number of the overview."""


_OWN = "from subject s where s.college_id = :college and not s.ended and s.responsible_id = :s_me"
_OWN_MANY = Sql(f"select count(*) {_OWN}")
_OWN_PAGE = Sql(f"select s.id, s.name, s.layer {_OWN} order by s.layer, s.code limit :limit")
_TERMS = Sql("select key, name_zh, name_en from term where college_id = :college")


class Facet(NamedTuple):
    """So many rows of one group and state, in the span in which each of their times lies (-1: in none)."""

    group: str
    state: str
    many: int
    spans: dict[str, int]


def _where(kind: str, whole: bool) -> str:
    return KINDS[kind].source + ("" if whole else f" and {SIGHT[kind]}")


def _span(time: str) -> str:
    steps = " ".join(f"when {time} >= :b{n} then {n}" for n in reversed(range(SPANS)))
    return f"(case when {time} is null or {time} >= :until then -1 {steps} else -1 end)"


@cache
def _facets(kind: str, whole: bool) -> Sql:
    of = KINDS[kind]
    keys = [of.group, of.state, *map(_span, of.times.values())]
    return Sql(f"select {', '.join(keys)}, count(*) {_where(kind, whole)} group by "
               + ", ".join(str(n + 1) for n in range(len(keys))))  # fmt: skip


def _within(what: What, whole: bool) -> str:
    of = KINDS[what.kind]
    time = f" and (:ever or ({of.times[what.time]} >= :from and {of.times[what.time]} < :to))" if what.time else ""
    return (f"{_where(what.kind, whole)} and {of.state} in :states[] and (cast(:group as text) = '' or "
            f"{of.group} = :group){time}")  # fmt: skip


@cache
def _list(name: str, whole: bool) -> tuple[Sql, Sql]:
    """Return how many a list holds, and a page of it: both of one text."""
    what = WHATS[name]
    of, text = KINDS[what.kind], _within(what, whole)
    joined = text.replace(" where ", f"{of.joins} where ", 1) if of.joins else text
    return Sql(f"select count(*) {text}"), Sql(
        f"select {of.columns} {joined} order by {of.order} limit :limit offset :offset"
    )


def facets(driver: Driver, kind: str, whole: bool, params: Mapping[str, Any]) -> list[Facet]:
    """Return a kind's rows that the reader sees, counted by group, state and spans."""
    times = tuple(KINDS[kind].times)
    return [Facet(row[0], row[1], row[-1], dict(zip(times, row[2:-1], strict=True)))
            for row in driver.all(_facets(kind, whole), params)]  # fmt: skip


def page(driver: Driver, name: str, whole: bool, params: Mapping[str, Any]) -> tuple[int, list[tuple[Any, ...]]]:
    """Return how many rows stand behind a number, and a page of them as `KINDS` names their columns."""
    many, rows = _list(name, whole)
    return int(driver.value(many, params)), driver.all(rows, params)


def own(driver: Driver, params: Mapping[str, Any], limit: int) -> tuple[list[tuple[int, str, str]], int]:
    """Return (subject, name, layer) of the first for which the reader answers, and how many there are."""
    return driver.all(_OWN_PAGE, {**params, "limit": limit}), int(driver.value(_OWN_MANY, params))


def terms(driver: Driver, college: int) -> list[tuple[str, str, str]]:
    """Return (key, name, English name) of a college's terms."""
    return driver.all(_TERMS, {"college": college})
