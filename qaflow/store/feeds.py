"""Private calendars: whose an address is, and the work items that stand in it."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Owner(NamedTuple):
    """Whose calendar an address is, with the account as it stands now."""

    person: int
    college: int
    language: str
    used_at: str | None


class Feed(NamedTuple):
    """A person's calendar as its owner sees it: without its address."""

    created_at: str
    used_at: str | None


class Item(NamedTuple):
    """A work item with a deadline, open or closed of late."""

    id: int
    cycle: int | None
    kind: str
    stage: str | None
    due: str
    deadline: int  # how often it was set
    state: str
    opened_at: str
    closed_at: str | None
    subject: str
    definition: str | None  # content hash


_OWNER = Sql(
    "select f.person_id, f.college_id, p.language, f.used_at from calendar_feed f join person p on p.id = f.person_id "
    "and p.college_id = f.college_id where f.hash = :hash and p.disabled_at is null and not p.is_system"
)
_OF = Sql("select created_at, used_at from calendar_feed where college_id = :college and person_id = :person")
_DROP = Sql("delete from calendar_feed where college_id = :college and person_id = :person")
_ADD = Sql(
    "insert into calendar_feed (hash, college_id, person_id, created_at) values (:hash, :college, :person, :at)"
)
_USED = Sql("update calendar_feed set used_at = :at where hash = :hash")
_ITEMS = Sql(
    "select i.id, i.cycle_id, i.kind, i.stage, i.due, i.deadline_no, i.state, i.opened_at, i.closed_at, s.name, d.hash "
    "from work_item i join subject s on s.id = i.subject_id left join cycle c on c.id = i.cycle_id "
    "left join definition d on d.id = c.definition_id where i.college_id = :college and i.holder_id = :person and "
    "i.due is not null and (i.state in ('open', 'stopped') or i.closed_at >= :since) order by i.id"
)


def owner(driver: Driver, digest: str) -> Owner | None:
    """Return whose calendar has an address of this hash; None where there is none, or the account is disabled."""
    row = driver.one(_OWNER, {"hash": digest})
    return None if row is None else Owner._make(row)


def of(driver: Driver, college: int, person: int) -> Feed | None:
    """Return a person's calendar, None without one."""
    row = driver.one(_OF, {"college": college, "person": person})
    return None if row is None else Feed._make(row)


def put(driver: Driver, college: int, person: int, digest: str, at: str) -> None:
    """Give a person's calendar a new address; the one before opens nothing any more."""
    drop(driver, college, person)
    driver.run(_ADD, {"hash": digest, "college": college, "person": person, "at": at})


def drop(driver: Driver, college: int, person: int) -> bool:
    """Take a person's calendar away; False where there was none."""
    return driver.run(_DROP, {"college": college, "person": person}) == 1


def used(driver: Driver, digest: str, at: str) -> None:
    """Note that a calendar was read."""
    driver.run(_USED, {"hash": digest, "at": at})


def items(driver: Driver, college: int, person: int, since: str) -> list[Item]:
    """Return the work items that a person holds and those closed since an instant, in the order of coming."""
    params = {"college": college, "person": person, "since": since}
    return list(map(Item._make, driver.all(_ITEMS, params)))
