"""What the doctor asks of the database: the invariants I1 to I7, its own checks, and cycles that are sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from qaflow.store.driver import Driver, Sql
from qaflow.store.faults import DRIVER_ERRORS

HISTORY = "history"
"""The kind of incident that seals a cycle: its journal does not prove what the tables say."""
PAGE = 5000
SHOWN = 100  # of one kind of fault; the first tell what is wrong

_COUNTS = Sql(
    "select x.stream, x.version, coalesce(j.n, 0) from (select 'cycle:' || id as stream, version from cycle union all "
    "select 'person:' || id, version from person union all select 'college:' || key, version from college) x "
    "left join (select stream, count(*) as n from journal group by stream) j on j.stream = x.stream "
    "where x.version <> coalesce(j.n, 0) order by x.stream limit :limit"
)
_NOTIFYING = Sql(
    "select stream, seq, kind, actor, data from journal where (stream, seq) > (:stream, :seq) and kind in :kinds[] "
    "order by stream, seq limit :batch"
)
_OUTBOX = Sql(
    "select id, journal_stream, journal_seq, person_id from outbox where id > :after order by id limit :batch"
)
_UNTOLD = Sql(
    "select o.id, o.journal_stream, o.journal_seq from outbox o where not exists (select 1 from journal j where "
    "j.stream = o.journal_stream and j.seq = o.journal_seq) order by o.id limit :limit"
)
_LEVELS = Sql(
    "select w.cycle_id, w.no, e.deadline_no, count(*), max(e.level), count(distinct e.level) from escalation e "
    "join work_item w on w.id = e.item_id group by e.item_id, w.cycle_id, w.no, e.deadline_no "
    "having count(*) <> count(distinct e.level) or max(e.level) - min(e.level) + 1 <> count(*) limit :limit"
)
_ORDER = Sql(
    "select w.cycle_id, w.no, a.deadline_no, a.level, b.level from escalation a join escalation b on "
    "b.college_id = a.college_id and b.item_id = a.item_id and b.deadline_no = a.deadline_no and "
    "b.level = a.level + 1 and b.fired_at < a.fired_at join work_item w on w.id = a.item_id limit :limit"
)
_OPEN_IN_CLOSED = Sql(
    "select c.id, w.no, w.kind from cycle c join work_item w on w.cycle_id = c.id where "
    "c.status in ('closed', 'cancelled') and w.state in ('open', 'stopped') order by c.id, w.no limit :limit"
)
_IDLE = Sql(
    "select c.id, c.stage, c.leaf from cycle c where c.status = 'running' and c.next_due is null and not exists "
    "(select 1 from work_item w where w.cycle_id = c.id and w.state = 'open') order by c.id limit :limit"
)
_YEARS = Sql(
    "select c.key, y.year from calendar_year y join college c on c.id = y.college_id where not y.published "
    "order by c.key, y.year"
)
_RUNS_OUT = Sql(
    "select key, calendar_until from college where calendar_until is null or calendar_until < :day order by key"
)
_UNSTARTED = Sql(
    "select c.key, h.unstarted_reason, count(*) from schedule h join college c on c.id = h.college_id "
    "where h.unstarted_reason is not null group by c.key, h.unstarted_reason order by c.key, h.unstarted_reason"
)
_SEALED = Sql("select 1 from incident where kind = 'history' and ref = :ref and state <> 'solved'")
_ALL_SEALED = Sql("select ref from incident where kind = 'history' and state <> 'solved' order by ref")
_INTEGRITY = Sql("pragma integrity_check(20)")
_FOREIGN = Sql("pragma foreign_key_check")
_INDEXES = Sql(
    "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on "
    "n.oid = c.relnamespace where n.nspname = current_schema() and not (i.indisvalid and i.indisready) order by 1"
)
_KEYS = Sql(
    "select conname from pg_constraint where connamespace = current_schema()::regnamespace and not convalidated"
)
_AMCHECK = Sql("select 1 from pg_extension where extname = 'amcheck'")
_BTREES = Sql(
    "select c.relname, bt_index_check(c.oid, true) from pg_index i join pg_class c on c.oid = i.indexrelid "
    "join pg_am a on a.oid = c.relam join pg_namespace n on n.oid = c.relnamespace where a.amname = 'btree' and "
    "n.nspname = current_schema() and c.relpersistence <> 't' and i.indisvalid"
)
_CLOCK = Sql("select clock_timestamp()")
_TABLES = Sql(
    "select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace order by 1"
)


def unequal_counts(driver: Driver) -> list[tuple[str, int, int]]:
    """Return (stream, version on the row, entries in the journal) where they differ (I1)."""
    return driver.all(_COUNTS, {"limit": SHOWN})


def notifying(driver: Driver, kinds: Sequence[str]) -> Iterator[tuple[str, int, str, str, str]]:
    """Yield (stream, number, kind, actor, data) of the entries of kinds that tell somebody."""
    stream, seq = "", 0
    while page := driver.all(_NOTIFYING, {"stream": stream, "seq": seq, "kinds": list(kinds), "batch": PAGE}):
        yield from page
        stream, seq = page[-1][0], page[-1][1]


def told(driver: Driver) -> Iterator[tuple[str, int, int | None]]:
    """Yield (stream, number, person) of every notice."""
    after = 0
    while page := driver.all(_OUTBOX, {"after": after, "batch": PAGE}):
        yield from (row[1:] for row in page)
        after = page[-1][0]


def baseless(driver: Driver) -> list[tuple[int, str, int]]:
    """Return (notice, stream, number) of notices whose entry does not stand in the journal (I4)."""
    return driver.all(_UNTOLD, {"limit": SHOWN})


def levels_out_of_order(driver: Driver) -> list[tuple[Any, ...]]:
    """Return (cycle, work item, deadline number) whose levels repeat, leave one out or fired out of order (I6)."""
    key = {"limit": SHOWN}
    return [row[:3] for row in driver.all(_LEVELS, key)] + [row[:3] for row in driver.all(_ORDER, key)]


def open_in_closed(driver: Driver) -> list[tuple[int, int, str]]:
    """Return (cycle, work item, kind) of work still open in a cycle that has ended (I7)."""
    return driver.all(_OPEN_IN_CLOSED, {"limit": SHOWN})


def idle(driver: Driver) -> list[tuple[int, str, str]]:
    """Return (cycle, stage, leaf) of running cycles in which nobody owes anything and no timer waits (I7)."""
    return driver.all(_IDLE, {"limit": SHOWN})


def faulty_pages(driver: Driver) -> list[str]:
    """Return what the database says of its own pages, indexes and references; empty when all is well (I5)."""
    if driver.dialect == "sqlite":
        said = [row[0] for row in driver.all(_INTEGRITY) if row[0] != "ok"]
        return said + [
            f"{table} row {rowid} has no parent in {parent}" for table, rowid, parent, _ in driver.all(_FOREIGN)[:SHOWN]
        ]
    said = [f"index {row[0]} is not valid" for row in driver.all(_INDEXES)]
    said += [f"constraint {row[0]} is not validated" for row in driver.all(_KEYS)]
    try:
        if driver.value(_AMCHECK):
            driver.all(_BTREES)
        else:  # without the extension: every row is read once
            for (table,) in driver.all(_TABLES):
                driver.all(Sql(f'select count(t.*) from "{table}" t'))
    except DRIVER_ERRORS as error:
        said.append(str(error).strip())
    return said


def unpublished_years(driver: Driver) -> list[tuple[str, int]]:
    """Return (college, year) of years adopted before their make-up days were known."""
    return driver.all(_YEARS)


def calendars_ended(driver: Driver, day: str) -> list[tuple[str, str | None]]:
    """Return (college, last day) of calendars that do not reach a day."""
    return driver.all(_RUNS_OUT, {"day": day})


def unstarted(driver: Driver) -> list[tuple[str, str, int]]:
    """Return (college, reason, count) of cycles that should have started and did not."""
    return driver.all(_UNSTARTED)


def is_sealed(driver: Driver, cycle: int) -> bool:
    """Tell whether a cycle is read-only because its history does not prove what stands on it."""
    return driver.value(_SEALED, {"ref": f"cycle:{cycle}"}) is not None


def sealed(driver: Driver) -> list[str]:
    """Return the streams that are read-only."""
    return [row[0] for row in driver.all(_ALL_SEALED)]


def clock(driver: Driver) -> datetime | None:
    """Return what time it is for the database; None for SQLite, which has no clock of its own."""
    if driver.dialect == "sqlite":
        return None
    now: datetime = driver.value(_CLOCK)
    return now
