"""Watched cycles: who watches what, and why."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Watched(NamedTuple):
    """One cycle that a person watches."""

    cycle: int
    why: str
    since: str


_ADD = Sql(
    "insert into watch (college_id, person_id, cycle_id, why, since) values (:college, :person, :cycle, :why, :at) "
    "on conflict (college_id, person_id, cycle_id) do nothing"
)
_CHOOSE = Sql("update watch set why = 'chosen' where college_id = :college and person_id = :person and cycle_id = "
              ":cycle and why <> 'chosen'")  # fmt: skip
_DROP = Sql("delete from watch where college_id = :college and person_id = :person and cycle_id = :cycle")
_TRIM = Sql(
    "delete from watch where college_id = :college and person_id = :person and id in (select id from watch where "
    "college_id = :college and person_id = :person order by case why when 'chosen' then 0 else 1 end, since desc, "
    "id desc limit 1000 offset :most)"
)
_ALL = Sql(
    "select cycle_id, why, since from watch where college_id = :college and person_id = :person order by cycle_id"
)


def add(driver: Driver, college: int, person: int, cycle: int, why: str, at: str) -> None:
    """Let a person watch a cycle; whoever watches it already does so since then."""
    driver.run(_ADD, {"college": college, "person": person, "cycle": cycle, "why": why, "at": at})


def choose(driver: Driver, college: int, person: int, cycle: int) -> None:
    """Mark a watched cycle as chosen by the person."""
    driver.run(_CHOOSE, {"college": college, "person": person, "cycle": cycle})


def drop(driver: Driver, college: int, person: int, cycle: int) -> None:
    """Let a person watch a cycle no more."""
    driver.run(_DROP, {"college": college, "person": person, "cycle": cycle})


def trim(driver: Driver, college: int, person: int, most: int) -> None:
    """Keep so many watched cycles of a person at most: those chosen before others, then the newest."""
    driver.run(_TRIM, {"college": college, "person": person, "most": most})


def of(driver: Driver, college: int, person: int) -> list[Watched]:
    """Return what a person watches."""
    return list(map(Watched._make, driver.all(_ALL, {"college": college, "person": person})))
