"""Positions of what is told outside: given by one relay at a time, without gaps, to what was committed.

The journal's own numbers are no positions: on PostgreSQL a smaller one may be committed later, and who polls "after
the highest I saw" would miss it. The relay gives each told entry that it sees a position of its own, under a lock.
It looks through all entries above `settled` that have none yet. `settled` moves up to a mark once every transaction
that could still hold a number below the mark has ended: the mark is the highest number drawn so far, noted together
with the noting transaction's own id, and a writer has an id before it draws a number, for each moves the head of its
stream before it writes into the journal. On SQLite writers wait for each other, and the highest number is settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql
from qaflow.store.sight import SEEN

RELAY = "journal"


class Row(NamedTuple):
    """One event: its position, and the entry that it tells."""

    position: int
    college: str  # key
    stream: str
    seq: int
    kind: str
    at: str
    data: str
    cycle: int | None


_OPEN = Sql("insert into event_relay (name, settled, mark, mark_xid) values (:name, 0, 0, 0) on conflict do nothing")
_LOCK = Sql("select settled, mark, mark_xid from event_relay where name = :name",
            postgresql="select settled, mark, mark_xid from event_relay where name = :name for update")  # fmt: skip
_DRAWN = Sql("select coalesce(max(id), 0) from journal",
             postgresql="select case when is_called then last_value else 0 end from journal_id_seq")  # fmt: skip
_OWN = Sql("select 0", postgresql="select pg_current_xact_id()::text::bigint")
_OLDEST = Sql("select 1", postgresql="select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_GIVE = Sql(
    "insert into event (id, college_id, journal_id, stream, cycle_id) "
    "select (select coalesce(max(id), 0) from event) + row_number() over (order by f.id), f.college, f.id, f.stream, "
    "f.cycle from (select j.id, j.stream, coalesce(c.college_id, k.id) as college, c.id as cycle from journal j "
    "left join cycle c on c.id = case when j.stream like 'cycle:%' then cast(substr(j.stream, 7) as bigint) end "
    "left join college k on j.stream like 'college:%' and k.key = substr(j.stream, 9) "
    "where j.id > :settled and j.kind in :kinds[] and (c.id is not null or k.id is not null) and not exists "
    "(select 1 from event e where e.college_id = coalesce(c.college_id, k.id) and e.journal_id = j.id) "
    "order by j.id limit :most) as f"
)
_REACHED = Sql("select journal_id from event where id = (select max(id) from event)")
_MOVE = Sql("update event_relay set settled = :settled, mark = :mark, mark_xid = :xid where name = :name")
_LAST = Sql("select coalesce(max(id), 0) from event where college_id = :college")
_ROW = ("select e.id, k.key, j.stream, j.seq, j.kind, j.at, j.data, e.cycle_id from event e join journal j on "
        "j.id = e.journal_id join college k on k.id = e.college_id ")  # fmt: skip
_AFTER = Sql(_ROW + "where e.college_id = :college and e.id > :after order by e.id limit :most")
_SOME = Sql(_ROW + "where e.college_id = :college and e.id in :ids[] order by e.id")


def relay(driver: Driver, kinds: Sequence[str], most: int) -> int:
    """Give positions to at most so many entries that have none; returns to how many.

    It is the first of its transaction: the mark must be read before that has an id of its own.
    """
    drawn = driver.value(_DRAWN)
    driver.run(_OPEN, {"name": RELAY})
    settled, mark, xid = driver.all(_LOCK, {"name": RELAY})[0]
    sure = driver.dialect == "sqlite" or (xid > 0 and driver.value(_OLDEST) > xid)
    given = driver.run(_GIVE, {"settled": settled, "kinds": list(kinds), "most": most})
    # A full batch may have left some below the mark; they are all above the last one that it took.
    reach = (drawn if driver.dialect == "sqlite" else mark) if sure else settled
    if given == most:
        reach = min(reach, driver.value(_REACHED))
    settled = max(settled, reach)
    fresh = mark <= settled
    if fresh or sure:
        driver.run(_MOVE, {"name": RELAY, "settled": settled, "mark": drawn if fresh else mark,
                           "xid": driver.value(_OWN) if fresh else xid})  # fmt: skip
    return given


def last(driver: Driver, college: int) -> int:
    """Return the position of a college's newest event, 0 without one."""
    return int(driver.value(_LAST, {"college": college}))


def after(driver: Driver, college: int, position: int, most: int) -> list[Row]:
    """Return a college's events after a position, in order."""
    return list(map(Row._make, driver.all(_AFTER, {"college": college, "after": position, "most": most})))


def some(driver: Driver, college: int, ids: Sequence[int]) -> dict[int, Row]:
    """Return events by their positions."""
    rows = driver.all(_SOME, {"college": college, "ids": list(ids)})
    return {row[0]: Row(*row) for row in rows}


_SEEN = Sql("select e.id from event e join cycle c on c.id = e.cycle_id where e.college_id = :college and "
            f"e.id in :ids[] and {SEEN}")  # fmt: skip


def visible(driver: Driver, college: int, ids: Sequence[int], sight: Mapping[str, Any]) -> set[int]:
    """Return those of the events whose cycle lies within somebody's sight."""
    return {row[0] for row in driver.all(_SEEN, {"college": college, "ids": list(ids), **sight})}
