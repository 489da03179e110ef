"""Sessions of the web door and tries at passwords."""

from __future__ import annotations

from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

GUESS_COLUMNS = ("account", "device", "address", "at", "fits")
_GRANT_COLUMNS = "id, role, kind, scope_kind, scope_id, scope_layer, starts, ends"


class Row(NamedTuple):
    """A session that has not ended, with the account as it stands now."""

    person: int
    device: str
    created_at: str
    seen_at: str
    secret_stamp: str
    roles_stamp: str
    college: int | None
    login: str
    name: str
    language: str
    disabled_at: str | None
    password_hash: str | None
    provider: str | None
    proven_at: str | None
    has_factor: bool
    asks_factor: bool  # whether the college asks its administrators and quality office for codes


class Held(NamedTuple):
    """A role as it is granted, whether or not it counts today."""

    id: int
    role: str
    kind: str
    scope: str
    scope_id: int | None
    scope_layer: str | None
    starts: str | None
    ends: str | None


_LIVE = Sql(
    "select s.person_id, s.device, s.created_at, s.seen_at, s.secret_stamp, s.roles_stamp, p.college_id, p.login, "
    "p.name, p.language, p.disabled_at, p.password_hash, s.provider, s.proven_at, f.confirmed_at is not null, "
    "coalesce(r.second_factor, false) from web_session s join person p on p.id = s.person_id "
    "left join second_factor f on f.person_id = p.id left join signin_rule r on r.college_id = p.college_id "
    "where s.hash = :hash and s.ended_at is null"
)
_WHY = Sql("select ended_why from web_session where hash = :hash and ended_at is not null")
_HELD = Sql(f"select {_GRANT_COLUMNS} from role_grant where college_id = :college and person_id = :person order by id")
_SECRET = Sql("select password_hash from person where id = :person")
_INSERT = (
    "hash", "person_id", "device", "address", "created_at", "seen_at", "secret_stamp", "roles_stamp", "ended_at",
    "ended_why", "provider", "provider_session", "sealed", "proven_at",
)  # fmt: skip
_SEEN = Sql("update web_session set seen_at = :at where hash = :hash and seen_at < :at and ended_at is null")
_END = Sql("update web_session set ended_at = :at, ended_why = :why where hash = :hash and ended_at is null")
_PROVEN = Sql("update web_session set proven_at = :at where hash = :hash and ended_at is null")
_SEALED = Sql("select provider, sealed from web_session where hash = :hash")
_END_OF = Sql(
    "update web_session set ended_at = :at, ended_why = 'provider' where provider = :provider and "
    "provider_session = :session and ended_at is null"
)
_END_ALL_OF = Sql(
    "update web_session set ended_at = :at, ended_why = 'provider' where provider = :provider and ended_at is null and "
    "person_id in (select person_id from linked_account where provider = :provider and subject = :subject)"
)
_END_PERSON = Sql(
    "update web_session set ended_at = :at, ended_why = :why where person_id = :person and ended_at is null"
)
_FORGET = Sql("delete from web_session where person_id = :person and created_at < :before")
_KNOWN = Sql("select count(*) from web_session where person_id = :person and device = :device and created_at >= :since")
_KNOWN_OF = Sql(
    "select count(*) from web_session where provider = :provider and device = :device and created_at >= :since"
)
_LOCK = Sql("select 1", postgresql="select pg_advisory_xact_lock(hashtext(:account))")
_TRIED = Sql(
    "select count(*), coalesce(sum(case when device = '' then 1 else 0 end), 0), "
    "coalesce(sum(case when device = :device then 1 else 0 end), 0), min(at) "
    "from sign_in_guess where account = :account and at > :since and not fits"
)
_FITS = Sql("update sign_in_guess set fits = true where id = :id")
_FORGET_GUESSES = Sql(
    "delete from sign_in_guess where id in (select id from sign_in_guess where at < :before order by at limit :limit)"
)


def put(driver: Driver, values: dict[str, Any]) -> None:
    """Write a new session."""
    row = values | {"seen_at": values["created_at"], "ended_at": None, "ended_why": None}
    driver.insert_rows("web_session", _INSERT, [tuple(row[name] for name in _INSERT)])


def live(driver: Driver, digest: str) -> Row | None:
    """Return a session that was not ended, whatever its age."""
    found = driver.one(_LIVE, {"hash": digest})
    return None if found is None else Row._make((*found[:14], bool(found[14]), bool(found[15])))


def why_ended(driver: Driver, digest: str) -> str | None:
    """Return why a session ended, None where it is not known."""
    found: str | None = driver.value(_WHY, {"hash": digest})
    return found


def held(driver: Driver, college: int | None, person: int) -> list[Held]:
    """Return every role granted to a person, past and coming ones too."""
    if college is None:
        return []
    return list(map(Held._make, driver.all(_HELD, {"college": college, "person": person})))


def secret(driver: Driver, person: int) -> str | None:
    """Return the hash of a person's password."""
    found: str | None = driver.value(_SECRET, {"person": person})
    return found


def seen(driver: Driver, digest: str, at: str) -> None:
    """Note that the person was here."""
    driver.run(_SEEN, {"hash": digest, "at": at})


def end(driver: Driver, digest: str, at: str, why: str) -> None:
    """End a session; one that ended before keeps its reason."""
    driver.run(_END, {"hash": digest, "at": at, "why": why})


def proven(driver: Driver, digest: str, at: str) -> None:
    """Note that the person proved anew who they are."""
    driver.run(_PROVEN, {"hash": digest, "at": at})


def sealed(driver: Driver, digest: str) -> tuple[str, str] | None:
    """Return (provider, sealed proof) of a session that a provider let in."""
    row = driver.one(_SEALED, {"hash": digest})
    return None if row is None or row[0] is None else (row[0], row[1] or "")


def end_of(driver: Driver, provider: str, at: str, session: str = "", subject: str = "") -> int:
    """End the sessions of one session at a provider, or of all that one of its people began; return how many."""
    key = {"provider": provider, "at": at}
    if session:
        return driver.run(_END_OF, key | {"session": session})
    return driver.run(_END_ALL_OF, key | {"subject": subject})


def end_person(driver: Driver, person: int, at: str, why: str) -> None:
    """End every session of a person."""
    driver.run(_END_PERSON, {"person": person, "at": at, "why": why})


def forget(driver: Driver, person: int, before: str) -> None:
    """Drop a person's sessions that began long ago."""
    driver.run(_FORGET, {"person": person, "before": before})


def knows(driver: Driver, person: int, device: str, since: str) -> bool:
    """Tell whether a person has signed in from a browser before."""
    return bool(driver.value(_KNOWN, {"person": person, "device": device, "since": since}))


def knows_of(driver: Driver, provider: str, device: str, since: str) -> bool:
    """Tell whether somebody has signed in by a provider from a browser before."""
    return bool(driver.value(_KNOWN_OF, {"provider": provider, "device": device, "since": since}))


def tried(driver: Driver, account: str, device: str, since: str) -> tuple[int, int, int, str | None]:
    """Return the wrong tries at an account: all, those of strangers, those of one device, when the first was.

    Others that count for the same account wait until this transaction ends, so that none is counted past the limit.
    """
    driver.one(_LOCK, {"account": account})
    found: Any = driver.one(_TRIED, {"account": account, "device": device, "since": since})
    return int(found[0]), int(found[1]), int(found[2]), found[3]


def put_guess(driver: Driver, account: str, device: str, address: str, at: str) -> int:
    """Write a try, wrong until `fits` says otherwise; returns its number."""
    (number,) = driver.reserve("sign_in_guess", 1)
    driver.insert_rows("sign_in_guess", ("id", *GUESS_COLUMNS), [(number, account, device, address, at, False)])
    return number


def fits(driver: Driver, guess: int) -> None:
    """Note that a try was right."""
    driver.run(_FITS, {"id": guess})


def forget_guesses(driver: Driver, before: str, limit: int) -> None:
    """Drop some of the oldest tries."""
    driver.run(_FORGET_GUESSES, {"before": before, "limit": limit})
