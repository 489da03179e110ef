"""Whom to tell, and when: a person's choices, the hours of digests, overdue work, and who else is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store import sight
from qaflow.store.db import Driver, Sql


class Choice(NamedTuple):
    """Whether, where and at which hour a person wants mail."""

    mail: bool
    address: str | None
    hour: int


class Fresh(NamedTuple):
    """A notice that is in no message yet, with its cycle's definition where it has one."""

    id: int
    person: int
    kind: str
    stream: str
    seq: int
    payload: str


_FRESH = Sql(
    "select o.id, o.person_id, o.kind, o.journal_stream, o.journal_seq, o.payload from outbox o where "
    "o.state = 'waiting' and o.available_at <= :now and o.college_id = :college and o.person_id is not null and "
    "not exists (select 1 from message m where m.college_id = o.college_id and m.key = o.message_id and "
    "m.state = 'waiting') order by o.id"
)
_LATER = Sql("update outbox set available_at = :at where id in :ids[] and state = 'waiting'")
_JOIN = Sql("update outbox set message_id = :key, state = 'waiting' where id in :ids[]")
_TRIED = Sql("update outbox set tries = :tries where id in :ids[]")
_CHOICES = Sql("select person_id, mail, address, hour from notice_choice where college_id = :college and "
               "person_id in :persons[]")  # fmt: skip
_TOPICS = Sql("select person_id, topic, how from notice_topic where college_id = :college and person_id in :persons[]")
_CHOOSE = Sql(
    "insert into notice_choice (college_id, person_id, mail, address, hour, changed_at) values (:college, :person, "
    ":mail, :address, :hour, :now) on conflict (college_id, person_id) do update set mail = excluded.mail, "
    "address = excluded.address, hour = excluded.hour, changed_at = excluded.changed_at"
)
_UNCHOOSE = Sql("delete from notice_topic where college_id = :college and person_id = :person")
_SLOTS = Sql("select hour, next_at from digest_slot where college_id = :college")
_SLOT = Sql(
    "insert into digest_slot (college_id, hour, next_at) values (:college, :hour, :at) "
    "on conflict (college_id, hour) do update set next_at = excluded.next_at"
)
_OVERDUE = Sql(
    "select i.holder_id, count(*) from work_item i join cycle c on c.id = i.cycle_id where i.college_id = :college and "
    "i.state = 'open' and i.due < :floor and c.status = 'running' and i.holder_id is not null group by i.holder_id"
)
_OVERDUE_OF = Sql(
    "select count(*) from work_item i join cycle c on c.id = i.cycle_id where i.college_id = :college and "
    "i.holder_id in :persons[] and i.state = 'open' and i.due < :floor and c.status = 'running'"
)
_CYCLES = Sql(
    "select c.id, d.hash, c.layer, c.subject_id, c.unit_id from cycle c join definition d on d.id = c.definition_id "
    "where c.college_id = :college and c.id in :ids[]"
)
_SEEN = Sql(f"select c.id from cycle c where c.college_id = :college and c.id in :ids[] and {sight.SEEN}")
_TOLD = Sql("select person_id from outbox where journal_stream = :stream and journal_seq = :seq")
_ACTOR = Sql("select actor from journal where stream = :stream and seq = :seq")
_RUNNING = Sql("select distinct d.hash from cycle c join definition d on d.id = c.definition_id where "
               "c.college_id = :college and c.status = 'running'")  # fmt: skip
_UNDER = (
    "with recursive under(id) as (select id from unit where college_id = :college and id = :unit union "
    "select u.id from unit u join under on u.parent_id = under.id) "
)
_GROUP = (
    "select coalesce(sum(case when i.due < :floor then 1 else 0 end), 0), "
    "coalesce(sum(case when i.due >= :floor and i.due <= :today then 1 else 0 end), 0) "
    "from work_item i join cycle c on c.id = i.cycle_id where i.college_id = :college and i.state = 'open' and "
    "c.status = 'running'"
)
_GROUP_WARNINGS = (
    "select count(*) from warning w join subject s on s.id = w.subject_id where w.college_id = :college and "
    "w.state not in ('closed', 'dismissed')"
)
_OF_COLLEGE = (Sql(_GROUP), Sql(_GROUP_WARNINGS))
_OF_UNIT = (Sql(f"{_UNDER}{_GROUP} and i.unit_id in (select id from under)"),
            Sql(f"{_UNDER}{_GROUP_WARNINGS} and s.unit_id in (select id from under)"))  # fmt: skip
_UNITS = Sql("select id, name_zh, name_en from unit where college_id = :college order by name_zh, id")


def fresh(driver: Driver, college: int, now: str) -> list[Fresh]:
    """Return a college's notices that may be told now and are in no message that waits."""
    return list(map(Fresh._make, driver.all(_FRESH, {"college": college, "now": now})))


def later(driver: Driver, ids: Sequence[int], at: str) -> None:
    """Let notices wait."""
    driver.run(_LATER, {"ids": list(ids), "at": at})


def join(driver: Driver, ids: Sequence[int], key: str) -> None:
    """Put notices into a message."""
    driver.run(_JOIN, {"ids": list(ids), "key": key})


def tried(driver: Driver, ids: Sequence[int], tries: int) -> None:
    """Note on notices how often their message was tried."""
    driver.run(_TRIED, {"ids": list(ids), "tries": tries})


def choices(driver: Driver, college: int, persons: Sequence[int]) -> dict[int, Choice]:
    """Return what persons chose; who chose nothing is not among them."""
    found = driver.all(_CHOICES, {"college": college, "persons": list(persons)})
    return {person: Choice(bool(mail), address, hour) for person, mail, address, hour in found}


def topics(driver: Driver, college: int, persons: Sequence[int]) -> dict[tuple[int, str], str]:
    """Return how persons want to be told, by (person, topic)."""
    found = driver.all(_TOPICS, {"college": college, "persons": list(persons)})
    return {(person, topic): how for person, topic, how in found}


def choose(driver: Driver, college: int, person: int, choice: Choice, hows: dict[str, str], now: str) -> None:
    """Keep what a person chose."""
    key = {"college": college, "person": person}
    driver.run(_CHOOSE, key | choice._asdict() | {"now": now})
    driver.run(_UNCHOOSE, key)
    rows = [(college, person, topic, how) for topic, how in hows.items()]
    driver.insert_rows("notice_topic", ("college_id", "person_id", "topic", "how"), rows)


def slots(driver: Driver, college: int) -> dict[int, str]:
    """Return when the digests of each hour leave next."""
    return dict(driver.all(_SLOTS, {"college": college}))


def set_slot(driver: Driver, college: int, hour: int, at: str) -> None:
    """Say when the digests of an hour leave next."""
    driver.run(_SLOT, {"college": college, "hour": hour, "at": at})


def overdue(driver: Driver, college: int, floor: str) -> dict[int, int]:
    """Return how much overdue work each person holds: due before a day, in running cycles."""
    return dict(driver.all(_OVERDUE, {"college": college, "floor": floor}))


def overdue_of(driver: Driver, college: int, persons: Sequence[int], floor: str) -> int:
    """Count the overdue work that persons hold."""
    return int(driver.value(_OVERDUE_OF, {"college": college, "persons": list(persons), "floor": floor}) or 0)


def cycles(driver: Driver, college: int, ids: Sequence[int]) -> dict[int, tuple[str, str, int, int]]:
    """Return the definition's hash, layer, subject and unit of cycles."""
    found = driver.all(_CYCLES, {"college": college, "ids": list(ids)})
    return {number: (digest, layer, subject, unit) for number, digest, layer, subject, unit in found}


def seen(driver: Driver, college: int, ids: Sequence[int], reach: dict[str, Any]) -> set[int]:
    """Return those of some cycles that a person may see, by the parameters of `policy.Reach`."""
    return {row[0] for row in driver.all(_SEEN, {"college": college, "ids": list(ids), **reach})}


def told(driver: Driver, stream: str, seq: int) -> set[int]:
    """Return whom a fact told."""
    return {row[0] for row in driver.all(_TOLD, {"stream": stream, "seq": seq})}


def actor(driver: Driver, stream: str, seq: int) -> str | None:
    """Return who acted."""
    found = driver.value(_ACTOR, {"stream": stream, "seq": seq})
    return None if found is None else str(found)


def running(driver: Driver, college: int) -> list[str]:
    """Return the hashes of the definitions by which a college's cycles run."""
    return [row[0] for row in driver.all(_RUNNING, {"college": college})]


def group(driver: Driver, college: int, unit: int | None, floor: str, today: str) -> tuple[int, int, int]:
    """Return overdue work, work due today and open warnings of a college, or of a unit with those under it."""
    place: dict[str, Any] = {"college": college} if unit is None else {"college": college, "unit": unit}
    items, warnings = _OF_COLLEGE if unit is None else _OF_UNIT
    late, due = driver.all(items, place | {"floor": floor, "today": today})[0]
    return int(late), int(due), int(driver.value(warnings, place) or 0)


def units(driver: Driver, college: int) -> list[tuple[int, str, str]]:
    """Return a college's units with their names in both languages."""
    return driver.all(_UNITS, {"college": college})
