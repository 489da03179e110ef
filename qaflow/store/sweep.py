"""What the tick asks of the database: what is due now, and the set statements that write a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql


class DueCycle(NamedTuple):
    """A running cycle that the tick has to look at."""

    id: int
    college: int
    subject: int
    layer: str
    unit: int
    responsible: int | None
    definition: str
    stage: str
    leaf: str
    visit: int
    revision: int
    open_warnings: int
    item_no: int
    version: int
    head: str
    ends_at: str | None
    start: str
    end: str


class LateItem(NamedTuple):
    """An open work item whose next level has come."""

    id: int
    college: int
    cycle: int
    no: int
    kind: str
    holder: int | None
    due: str
    deadline_no: int
    level: int
    level_at: str
    layer: str
    unit: int
    subject: int
    definition: str
    version: int
    head: str


_CYCLES_TEXT = (
    "select c.id, c.college_id, c.subject_id, c.layer, c.unit_id, c.responsible_id, d.hash, c.stage, c.leaf, c.visit, "
    "c.revision, c.open_warnings, c.item_no, c.version, c.head, c.ends_at, c.period_start, c.period_end "
    "from cycle c join definition d on d.id = c.definition_id where c.status = 'running' and c.next_due is not null "
    "and c.next_due <= :now and not (c.id in :held[]) order by c.next_due, c.id limit :limit"
)
_CYCLES = Sql(_CYCLES_TEXT, postgresql=_CYCLES_TEXT + " for update of c skip locked")
_ITEM_SELECT = (
    "select i.id, i.college_id, i.cycle_id, i.no, i.kind, i.holder_id, i.due, i.deadline_no, i.level, i.next_level_at, "
    "c.layer, c.unit_id, i.subject_id, d.hash, c.version, c.head from work_item i join cycle c on c.id = i.cycle_id "
    "join definition d on d.id = c.definition_id where i.state = 'open' and i.next_level_at is not null and "
    "i.next_level_at <= :now and c.status = 'running' "
)
# The page goes by the instant, as the index does: by number it would read every item before the first late one
_ITEM_TEXT = _ITEM_SELECT + (
    "and i.next_level_at >= :since and (i.next_level_at, i.id) > (:since, :after) and not (i.id in :held[]) "
    "order by i.next_level_at, i.id limit :limit"
)
_ITEMS = Sql(_ITEM_TEXT, postgresql=_ITEM_TEXT + " for update of c, i skip locked")
_ONE_ITEM = Sql(
    _ITEM_SELECT + "and i.id = :id", postgresql=_ITEM_SELECT + "and i.id = :id for update of c, i skip locked"
)
_AUTO = Sql(
    "select v.cycle_id, v.auto_at from visit v join cycle c on c.id = v.cycle_id and c.stage = v.stage and "
    "c.visit = v.number where v.cycle_id in :ids[]"
)
_SUBMIT_ITEMS = Sql(
    "select cycle_id, no, kind, state, stage from work_item where cycle_id in :ids[] and state in ('open', 'stopped')"
)
_VISITED = Sql("select cycle_id from visit where cycle_id in :ids[] and stage = :stage")
_PLANNED = Sql(
    "select cycle_id, min(issue_at) from sheet where cycle_id in :ids[] and college_id = :college and "
    "state = 'planned' group by cycle_id"
)
_PARENTS = Sql("select distinct parent_id from cycle where parent_id in :ids[] and status in ('running', 'suspended')")
_ANYTHING = Sql(
    "select exists (select 1 from cycle where status = 'running' and next_due is not null and next_due <= :now) "
    "or exists (select 1 from work_item i join cycle c on c.id = i.cycle_id where i.state = 'open' and "
    "i.next_level_at is not null and i.next_level_at <= :now and c.status = 'running') "
    "or exists (select 1 from college c cross join schedule s where s.college_id = c.id and s.next_at is not null and "
    "s.next_at <= :now) "
    "or exists (select 1 from college c cross join subject s where s.college_id = c.id and s.ends is not null and "
    "not s.ended and s.ends < :day) "
    "or exists (select 1 from deputy where ended_at is null and ends < :day) "
    "or exists (select 1 from control_point where next_check is null or next_check <= :day) "
    "or exists (select 1 from plan_task where due < :day and state in ('planned', 'going') and not late_warned) "
    "or exists (select 1 from incident where state <> 'solved' and next_try_at <= :now) "
    "or (:outbox and (exists (select 1 from outbox o where o.state = 'waiting' and o.available_at <= :now and "
    "not exists (select 1 from message m where m.college_id = o.college_id and m.key = o.message_id and "
    "m.state = 'waiting')) or exists (select 1 from message where state = 'waiting' and available_at <= :now) "
    "or exists (select 1 from digest_slot where next_at <= :now) or exists (select 1 from college k where not exists "
    "(select 1 from digest_slot s where s.college_id = k.id))))"
)
_MOVE_CYCLE = Sql(
    "update cycle set stage = :stage, leaf = :leaf, visit = 1, revision = :revision, due = :due, next_due = :next_due, "
    "item_no = :item_no, version = :version, head = :head where id = :id and version = :was"
)
_HEAD_CYCLE = Sql("update cycle set version = :version, head = :head where id = :id and version = :was")
_OWING = Sql(
    "select distinct i.cycle_id from work_item i join cycle c on c.id = i.cycle_id where "
    "i.college_id = :college and i.state = 'open' and c.status = 'running' order by i.cycle_id"
)
_SET_DUE = Sql("update cycle set next_due = :next_due where id = :id and version = :was")
_END_VISIT = Sql(
    "update visit set state = 'done', outcome = 'auto', decided_at = :at, auto_at = null "
    "where cycle_id = :cycle and stage = :stage and number = :number and state = 'open'"
)
_END_ITEM = Sql(
    "update work_item set state = 'done', closed_at = :at, next_level = null, next_level_at = null "
    "where college_id = :college and cycle_id = :cycle and no = :no and state = 'open'"
)
_RAISE_ITEM = Sql(
    "update work_item set level = :level, next_level = :next_level, next_level_at = :level_at "
    "where id = :id and level = :was and deadline_no = :deadline_no and state = 'open'"
)
_ENDED = Sql(
    "select id from subject where ends is not null and not ended and ends < :day and college_id = :college and "
    "not (id in :held[]) order by ends, id limit :limit"
)
_END_SUBJECT = Sql("update subject set ended = true where id = :id")
_CYCLES_OF = Sql(
    "select id from cycle where college_id = :college and subject_id = :subject and status in "
    "('running', 'suspended') order by id"
)
ESCALATION_COLUMNS = (
    "college_id",
    "item_id",
    "deadline_no",
    "level",
    "cycle_id",
    "due_at",
    "fired_at",
    "role",
    "to_id",
    "act",
    "outcome",
)


def anything_due(driver: Driver, now: str, day: str, outbox: bool) -> bool:
    """Tell whether a sweep would find work: one question, for most ticks find none.

    ``day`` is the latest day that any college's clocks show, so that the answer may be yes too early, never too late.
    """
    return bool(driver.value(_ANYTHING, {"now": now, "day": day, "outbox": outbox}))


def cycles_due(driver: Driver, now: str, limit: int, held: Sequence[int] = ()) -> list[DueCycle]:
    """Return running cycles whose next due instant has come, oldest first, save those held back by an incident."""
    return list(map(DueCycle._make, driver.all(_CYCLES, {"now": now, "limit": limit, "held": list(held)})))


def items_late(driver: Driver, now: str, after: LateItem | int, limit: int, held: Sequence[int] = ()) -> list[LateItem]:
    """Return open work items whose next level has come, oldest first, after one (0: the first), save those held."""
    since, last = ("", 0) if isinstance(after, int) else (after.level_at, after.id)
    key = {"now": now, "since": since, "after": last, "limit": limit, "held": list(held)}
    return list(map(LateItem._make, driver.all(_ITEMS, key)))


def auto_times(driver: Driver, ids: Sequence[int]) -> dict[int, str | None]:
    """Return when the current visits of cycles move on by themselves."""
    return dict(driver.all(_AUTO, {"ids": list(ids)}))


def live_items(driver: Driver, ids: Sequence[int]) -> dict[int, list[tuple[int, str, str, str]]]:
    """Return (number, kind, state, stage) of the open and stopped items of cycles."""
    found: dict[int, list[tuple[int, str, str, str]]] = {}
    for cycle, no, kind, state, stage in driver.all(_SUBMIT_ITEMS, {"ids": list(ids)}):
        found.setdefault(cycle, []).append((no, kind, state, stage))
    return found


def visited(driver: Driver, ids: Sequence[int], stage: str) -> set[int]:
    """Return the cycles that have been in a stage."""
    return {row[0] for row in driver.all(_VISITED, {"ids": list(ids), "stage": stage})}


def planned_sheets(driver: Driver, college: int, ids: Sequence[int]) -> dict[int, str]:
    """Return the next sheet's instant of cycles that have one planned."""
    return dict(driver.all(_PLANNED, {"ids": list(ids), "college": college}))


def with_children(driver: Driver, ids: Sequence[int]) -> set[int]:
    """Return the cycles with a child still running."""
    return {row[0] for row in driver.all(_PARENTS, {"ids": list(ids)})}


def move(
    driver: Driver, cycles: Sequence[dict[str, Any]], ended: Sequence[dict[str, Any]], closed: Sequence[dict[str, Any]]
) -> bool:
    """Move many cycles on and end their visits and items; False when one row was not as read."""
    count = len(cycles)
    return (
        driver.many(_MOVE_CYCLE, cycles) == count
        and driver.many(_END_VISIT, ended) == count
        and driver.many(_END_ITEM, closed) == count
    )


def escalate(
    driver: Driver, cycles: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]], ledger: Sequence[tuple[Any, ...]]
) -> bool:
    """Write the fired levels of many items; False when one row was not as read."""
    count = len(cycles)
    fine = driver.many(_HEAD_CYCLE, cycles) == count and driver.many(_RAISE_ITEM, items) == count
    if fine:
        driver.insert_rows("escalation", ESCALATION_COLUMNS, ledger)
    return fine


def owing(driver: Driver, college: int) -> list[int]:
    """Return a college's running cycles in which somebody owes something."""
    return [row[0] for row in driver.all(_OWING, {"college": college})]


def set_due(driver: Driver, cycle: int, was: int, next_due: str | None) -> None:
    """Put right when a cycle is next looked at, where nothing was due in it."""
    driver.run(_SET_DUE, {"id": cycle, "was": was, "next_due": next_due})


def late_item(driver: Driver, item: int, now: str) -> LateItem | None:
    """Return one work item if its next level has come."""
    row = driver.one(_ONE_ITEM, {"now": now, "id": item})
    return LateItem._make(row) if row else None


def ended_subjects(driver: Driver, college: int, day: str, limit: int, held: Sequence[int] = ()) -> list[int]:
    """Return a college's subjects whose time has ended before a day and whose cycles are not cancelled yet."""
    return [row[0] for row in driver.all(_ENDED, {"college": college, "day": day, "limit": limit, "held": list(held)})]


def mark_ended(driver: Driver, subject: int) -> None:
    """Note that an ended subject's cycles are cancelled."""
    driver.run(_END_SUBJECT, {"id": subject})


def unclosed_of(driver: Driver, college: int, subject: int) -> list[int]:
    """Return a subject's unclosed cycles."""
    return [row[0] for row in driver.all(_CYCLES_OF, {"college": college, "subject": subject})]
