"""Keys of one-time codes, recovery codes, and what colleges ask of who signs in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class Factor(NamedTuple):
    """A person's key of one-time codes."""

    sealed: str
    made_at: str
    confirmed_at: str | None
    last_step: int | None


class Rule(NamedTuple):
    """What a college asks of who signs in."""

    second_factor: bool = False
    approval_minutes: int | None = None


_FACTOR = Sql("select sealed, made_at, confirmed_at, last_step from second_factor where person_id = :person")
_PUT = Sql(
    "insert into second_factor (person_id, sealed, made_at) values (:person, :sealed, :at) "
    "on conflict (person_id) do update set sealed = excluded.sealed, made_at = excluded.made_at, confirmed_at = null, "
    "last_step = null"
)
_CONFIRM = Sql("update second_factor set confirmed_at = :at where person_id = :person and confirmed_at is null")
_STEP = Sql("update second_factor set last_step = :step where person_id = :person and "
            "(last_step is null or last_step < :step)")  # fmt: skip
_DROP = Sql("delete from second_factor where person_id = :person")
_DROP_CODES = Sql("delete from recovery_code where person_id = :person")
_USE_CODE = Sql("update recovery_code set used_at = :at where hash = :hash and person_id = :person and used_at is null")
_LEFT = Sql("select count(*) from recovery_code where person_id = :person and used_at is null")
_RULE = Sql("select second_factor, approval_minutes from signin_rule where college_id = :college")
_PUT_RULE = Sql(
    "insert into signin_rule (college_id, second_factor, approval_minutes) values (:college, :factor, :minutes) "
    "on conflict (college_id) do update set second_factor = excluded.second_factor, "
    "approval_minutes = excluded.approval_minutes"
)
_LACKING = Sql(
    "select distinct p.id, p.login, p.name from role_grant g join person p on p.id = g.person_id "
    "left join second_factor f on f.person_id = p.id where g.college_id = :college and g.kind in :kinds[] and "
    "p.disabled_at is null and p.program_since is null and f.confirmed_at is null order by p.login limit :limit"
)


def factor(driver: Driver, person: int) -> Factor | None:
    """Return a person's key."""
    row = driver.one(_FACTOR, {"person": person})
    return None if row is None else Factor._make(row)


def put(driver: Driver, person: int, sealed: str, at: str) -> None:
    """Write a new key, which asks for nothing until it is confirmed."""
    driver.run(_PUT, {"person": person, "sealed": sealed, "at": at})


def confirm(driver: Driver, person: int, at: str) -> None:
    """Note that the person has the key."""
    driver.run(_CONFIRM, {"person": person, "at": at})


def take_step(driver: Driver, person: int, step: int) -> bool:
    """Take the code of a time step; False where it or a newer one was taken."""
    return driver.run(_STEP, {"person": person, "step": step}) == 1


def drop(driver: Driver, person: int) -> bool:
    """Take a person's key and codes away; False where there was none."""
    driver.run(_DROP_CODES, {"person": person})
    return driver.run(_DROP, {"person": person}) == 1


def put_codes(driver: Driver, person: int, digests: Sequence[str], at: str) -> None:
    """Write new recovery codes in the place of the former."""
    driver.run(_DROP_CODES, {"person": person})
    driver.insert_rows("recovery_code", ("hash", "person_id", "made_at"), [(one, person, at) for one in digests])


def use_code(driver: Driver, person: int, digest: str, at: str) -> bool:
    """Use a recovery code; False where there is none such, or it was used."""
    return driver.run(_USE_CODE, {"person": person, "hash": digest, "at": at}) == 1


def codes_left(driver: Driver, person: int) -> int:
    """Return how many recovery codes were not used."""
    return int(driver.value(_LEFT, {"person": person}))


def rule(driver: Driver, college: int) -> Rule:
    """Return what a college asks of who signs in."""
    row = driver.one(_RULE, {"college": college})
    return Rule() if row is None else Rule(bool(row[0]), row[1])


def put_rule(driver: Driver, college: int, rule: Rule) -> None:
    """Write what a college asks."""
    driver.run(_PUT_RULE, {"college": college, "factor": rule.second_factor, "minutes": rule.approval_minutes})


def lacking(driver: Driver, college: int, kinds: Sequence[str], limit: int) -> list[tuple[int, str, str]]:
    """Return (person, login, name) of those of some kinds of role who have no key."""
    return driver.all(_LACKING, {"college": college, "kinds": list(kinds), "limit": limit})
