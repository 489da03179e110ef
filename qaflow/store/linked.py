"""Accounts at providers, the roles that providers give, and what a browser is between two steps of signing in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.store.db import Driver, Sql

_LINK_COLUMNS = ("person_id", "provider", "subject", "made_person", "linked_at", "last_at")
_STEP_COLUMNS = ("hash", "kind", "sealed", "at")


class Link(NamedTuple):
    """One account at a provider."""

    id: int
    person: int
    provider: str
    subject: str
    made_person: bool
    linked_at: str
    last_at: str


class Given(NamedTuple):
    """A role that a person holds; `provider` is None where people gave it."""

    id: int
    role: str
    scope: str
    scope_id: int | None
    layer: str | None
    provider: str | None


class Idle(NamedTuple):
    """A person who has not signed in for long, or never did."""

    id: int
    login: str
    name: str
    last_at: str | None
    providers: int


class Waiting(NamedTuple):
    """A person whom a provider brought and whom nobody gave a role yet."""

    id: int
    login: str
    name: str
    provider: str
    since: str


_LINK = f"select id, {', '.join(_LINK_COLUMNS)} from linked_account where "
_BY_SUBJECT = Sql(_LINK + "provider = :provider and subject = :subject")
_OF_PERSON = Sql(_LINK + "person_id = :person order by id")
_UNLINK = Sql("delete from linked_account where id = :id and person_id = :person")
_SEEN = Sql("update linked_account set last_at = :at where id = :id and last_at < :at")
_GIVEN = Sql(
    "select id, role, scope_kind, scope_id, scope_layer, provider from role_grant where college_id = :college and "
    "person_id = :person order by id"
)
_WAITING = Sql(
    "select p.id, p.login, p.name, l.provider, l.linked_at from linked_account l join person p on p.id = l.person_id "
    "where p.college_id = :college and l.made_person and p.disabled_at is null and not exists "
    "(select 1 from role_grant g where g.college_id = :college and g.person_id = p.id) and not exists "
    "(select 1 from subject s where s.college_id = :college and s.responsible_id = p.id) order by l.id limit :limit"
)
_IDLE = Sql(
    "select p.id, p.login, p.name, max(s.created_at), (select count(*) from linked_account l where l.person_id = p.id) "
    "from person p left join web_session s on s.person_id = p.id where p.college_id = :college and "
    "p.disabled_at is null and not p.is_system and p.program_since is null and p.created_at < :since "
    "group by p.id, p.login, p.name having max(s.created_at) is null or max(s.created_at) < :since "
    "order by 4 nulls first, p.login limit :limit"
)
_LAST = Sql("select max(created_at) from web_session where person_id = :person")
_STEP = Sql("select kind, sealed, at from sign_in_step where hash = :hash")
_TAKE_STEP = Sql("delete from sign_in_step where hash = :hash")
_OLD_STEPS = Sql(
    "delete from sign_in_step where hash in (select hash from sign_in_step where at < :before order by at limit :limit)"
)


def by_subject(driver: Driver, provider: str, subject: str) -> Link | None:
    """Return the account of a provider's stable id."""
    row = driver.one(_BY_SUBJECT, {"provider": provider, "subject": subject})
    return None if row is None else _link(row)


def of_person(driver: Driver, person: int) -> list[Link]:
    """Return a person's accounts at providers."""
    return list(map(_link, driver.all(_OF_PERSON, {"person": person})))


def _link(row: Sequence[object]) -> Link:
    link = Link._make(row)
    return link._replace(made_person=bool(link.made_person))


def put(driver: Driver, person: int, provider: str, subject: str, made: bool, at: str) -> None:
    """Write a link."""
    driver.insert_rows("linked_account", _LINK_COLUMNS, [(person, provider, subject, made, at, at)])


def drop(driver: Driver, link: int, person: int) -> bool:
    """Take a person's link away; False where it is gone already."""
    return driver.run(_UNLINK, {"id": link, "person": person}) == 1


def seen(driver: Driver, link: int, at: str) -> None:
    """Note that the provider let the person in."""
    driver.run(_SEEN, {"id": link, "at": at})


def given(driver: Driver, college: int, person: int) -> list[Given]:
    """Return every role of a person with who gave it."""
    return list(map(Given._make, driver.all(_GIVEN, {"college": college, "person": person})))


def waiting(driver: Driver, college: int, limit: int) -> list[Waiting]:
    """Return the people whom providers brought and who hold nothing yet, longest first."""
    return list(map(Waiting._make, driver.all(_WAITING, {"college": college, "limit": limit})))


def idle(driver: Driver, college: int, since: str, limit: int) -> list[Idle]:
    """Return the people who have not signed in since an instant, those who never did first."""
    return list(map(Idle._make, driver.all(_IDLE, {"college": college, "since": since, "limit": limit})))


def last(driver: Driver, person: int) -> str | None:
    """Return when a person last signed in."""
    found: str | None = driver.value(_LAST, {"person": person})
    return found


def put_step(driver: Driver, digest: str, kind: str, sealed: str, at: str, before: str, limit: int) -> None:
    """Remember a step, and forget some of those that are over."""
    driver.run(_OLD_STEPS, {"before": before, "limit": limit})
    driver.insert_rows("sign_in_step", _STEP_COLUMNS, [(digest, kind, sealed, at)])


def step(driver: Driver, digest: str) -> tuple[str, str, str] | None:
    """Return (kind, sealed, since when) of a step that stands."""
    return driver.one(_STEP, {"hash": digest})


def take_step(driver: Driver, digest: str) -> bool:
    """Take a step; False where somebody took it before."""
    return driver.run(_TAKE_STEP, {"hash": digest}) == 1
