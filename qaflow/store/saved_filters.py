"""Kept filters of the inbox: plain rows, each person's own."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Kept(NamedTuple):
    """One kept filter."""

    id: int
    name: str
    query: str


_ALL = Sql("select id, name, query from saved_filter where college_id = :college and person_id = :person order by name")
_PUT = Sql(
    "insert into saved_filter (college_id, person_id, name, query, made_at) values (:college, :person, :name, :query, "
    ":at) on conflict (college_id, person_id, name) do update set query = excluded.query, made_at = excluded.made_at"
)
_RENAME = Sql("update saved_filter set name = :name where id = :id and college_id = :college and person_id = :person")
_DROP = Sql("delete from saved_filter where id = :id and college_id = :college and person_id = :person")


def of(driver: Driver, college: int, person: int) -> list[Kept]:
    """Return a person's filters by name."""
    return list(map(Kept._make, driver.all(_ALL, {"college": college, "person": person})))


def put(driver: Driver, college: int, person: int, name: str, query: str, at: str) -> None:
    """Keep a filter; one of the same name is written over."""
    driver.run(_PUT, {"college": college, "person": person, "name": name, "query": query, "at": at})


def rename(driver: Driver, college: int, person: int, number: int, name: str) -> int:
    """Give a filter another name; returns how many there were."""
    return driver.run(_RENAME, {"college": college, "person": person, "id": number, "name": name})


def drop(driver: Driver, college: int, person: int, number: int) -> int:
    """Take a filter away; returns how many there were."""
    return driver.run(_DROP, {"college": college, "person": person, "id": number})
