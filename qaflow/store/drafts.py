"""Drafts: what somebody typed into a form and did not submit."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

_PUT = Sql(
    "insert into draft (college_id, cycle_id, person_id, stage, visit, revision, content, saved_at) values (:college, "
    ":cycle, :person, :stage, :visit, :revision, :content, :at) on conflict (college_id, cycle_id, person_id, stage, "
    "visit, revision) do update set content = excluded.content, saved_at = excluded.saved_at"
)
_OF = Sql(
    "select id, stage, visit, revision, content, saved_at from draft where college_id = :college and "
    "cycle_id = :cycle and person_id = :person order by saved_at desc, id desc"
)
_COUNT = Sql("select count(*) from draft where college_id = :college and cycle_id = :cycle and person_id = :person")
_DROP = Sql("delete from draft where college_id = :college and cycle_id = :cycle and person_id = :person and id = :id")
_DONE = Sql(
    "delete from draft where college_id = :college and cycle_id = :cycle and person_id = :person and stage = :stage "
    "and visit = :visit and revision = :revision"
)


class Row(NamedTuple):
    """One draft."""

    id: int
    stage: str
    visit: int
    revision: int
    content: str
    saved_at: str


def put(driver: Driver, key: dict[str, Any], content: str, at: str) -> None:
    """Keep a draft in place of the former one of the same form."""
    driver.run(_PUT, key | {"content": content, "at": at})


def of(driver: Driver, college: int, cycle: int, person: int) -> list[Row]:
    """Return a person's drafts in a cycle, the newest first."""
    return list(map(Row._make, driver.all(_OF, {"college": college, "cycle": cycle, "person": person})))


def count(driver: Driver, college: int, cycle: int, person: int) -> int:
    """Return how many drafts a person keeps in a cycle."""
    return int(driver.value(_COUNT, {"college": college, "cycle": cycle, "person": person}))


def drop(driver: Driver, college: int, cycle: int, person: int, number: int) -> int:
    """Delete a person's own draft."""
    return driver.run(_DROP, {"college": college, "cycle": cycle, "person": person, "id": number})


def done(driver: Driver, key: dict[str, Any]) -> int:
    """Delete the draft of a form that was handed in."""
    return driver.run(_DONE, key)
