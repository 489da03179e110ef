"""Accounts: add, rename, grant and revoke roles, disable; who leaves work behind (engine rules, 5).

Everything stands as facts in the person's own stream; names and mail addresses are kept as erasable content.
What a batch adds is written with set statements.  The caller flushes the writer it hands in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from qaflow.engine.college import College
from qaflow.errors import Invalid, Missing, Refused
from qaflow.services import policy
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.streams import PersonStreams, person_fact
from qaflow.services.words import NAME_LENGTH, clean_code, clean_name
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import accounts as rows
from qaflow.store import content, journal, people
from qaflow.store.db import Driver, utc

LANGUAGES = ("zh", "en")
SCOPES = ("college", "unit", "layer", "subject")
LISTED = 10_000


class Last(NamedTuple):
    """Kinds of role of which a college always keeps one holder, and the refusal of losing the last."""

    kinds: frozenset[str]
    code: str
    detail: str


LAST = (
    Last(policy.OFFICE, "office.last", "nobody else is of the quality office, to whom all work falls in the end"),
    Last(policy.ADMINISTRATORS, "administrator.last", "nobody else is an administrator, who lets others in"),
)


class NewPerson(NamedTuple):
    """A person to be added, or a program."""

    login: str
    name: str
    language: str = "zh"
    program: bool = False


class NewGrant(NamedTuple):
    """A role to be held by a person for a scope: the college, a unit or subject by number, a layer by key."""

    person: int
    role: str
    scope: str = "college"
    scope_id: int | None = None
    layer: str | None = None
    starts: date | str | None = None
    ends: date | str | None = None
    provider: str | None = None  # by what a provider says


def add_person(driver: Driver, writer: Writer, origin: Origin, college_id: int | None, login: str, name: str,
               language: str = "zh") -> int:  # fmt: skip
    """Add one person and return their number; without a college they belong to the installation."""
    return add_people(driver, writer, origin, college_id, [NewPerson(login, name, language)])[0]


def add_people(driver: Driver, writer: Writer, origin: Origin, college_id: int | None,
               persons: Sequence[NewPerson | tuple[str, ...]]) -> list[int]:  # fmt: skip
    """Add many persons, given as (login, name, language, program), and return their numbers in order.

    Raises `Invalid` for a login or name that cannot be, `Refused` where a login is taken.
    """
    if not persons:
        return []
    checked = [_checked(NewPerson(*person)) for person in persons]
    logins = [p.login for p in checked]
    twice = [x for x, n in Counter(map(str.casefold, logins)).most_common(1) if n > 1]
    taken = sorted({*rows.by_logins(driver, logins), *rows.alike(driver, logins).values()}) or twice
    if taken:
        raise Refused("login.taken", f"there is an account {taken[0]} already; choose another login", login=taken[0])
    ids = driver.reserve("person", len(checked))
    names = content.put_many(driver, [(p.name, content.new_salt()) for p in checked])
    at, made = utc(origin.now), []
    for person, one, name in zip(ids, checked, names, strict=True):
        data = {"college": college_id, "login": one.login, "name": name, "language": one.language}
        data |= {"program": True} if one.program else {}
        head = writer.fact(f"person:{person}", 1, journal.GENESIS, "PersonAdded", data)
        made.append((person, college_id, one.login, one.name, one.language, at, head, one.program))
    rows.insert(driver, made)
    return list(ids)


def _checked(person: NewPerson) -> NewPerson:
    login, name = clean_code(person.login), clean_name(person.name)
    if not login or not name:
        raise Invalid("text.blank", "a person needs a login and a name")
    if len(login) > NAME_LENGTH or len(name) > NAME_LENGTH:
        raise Invalid("text.too_long", f"a login or name has at most {NAME_LENGTH} characters")
    if person.language not in LANGUAGES:
        raise Invalid("value.unknown", f"language {person.language!r}: one of {', '.join(LANGUAGES)}")
    return person._replace(login=login, name=name)


def rename(driver: Driver, writer: Writer, changes: Sequence[tuple[int, str, str]]) -> None:
    """Write (person, name, language) with a fact each."""
    streams = PersonStreams(driver, writer, [c[0] for c in changes])
    kept = content.put_many(driver, [(name, content.new_salt()) for _, name, _ in changes]) if changes else []
    for (person, _, language), digest in zip(changes, kept, strict=True):
        streams.fact(person, "PersonRenamed", {"name": digest, "language": language})
    streams.save()
    rows.rename(driver, [{"id": p, "name": name, "language": language} for p, name, language in changes])


def readdress(driver: Driver, writer: Writer, changes: Sequence[tuple[int, str | None]]) -> None:
    """Write (person, mail address or None) with a fact each; like a name, an address is kept as erasable content."""
    if not changes:
        return
    streams = PersonStreams(driver, writer, [person for person, _ in changes])
    kept = iter(content.put_many(driver, [(mail, content.new_salt()) for _, mail in changes if mail is not None]))
    for person, mail in changes:
        streams.fact(person, "MailAddressSet", {"mail": None if mail is None else next(kept)})
    streams.save()
    rows.readdress(driver, changes)


def grant(driver: Driver, writer: Writer, origin: Origin, college: CollegeView, person: int, role: str,
          scope: str = "college", scope_id: int | None = None, layer: str | None = None,
          starts: date | str | None = None, ends: date | str | None = None) -> int:  # fmt: skip
    """Let a person hold a role for a scope; returns the grant's number."""
    one = NewGrant(person, role, scope, scope_id, layer, starts, ends)
    return grant_many(driver, writer, origin, college, [one])[0]


def grant_many(driver: Driver, writer: Writer, origin: Origin, college: CollegeView,
               grants: Sequence[NewGrant]) -> list[int]:  # fmt: skip
    """Let persons hold roles; the role's neutral kind comes from the college's file."""
    if not grants:
        return []
    if origin.person is not None and any(one.person == origin.person for one in grants):
        raise Refused("grant.self", "nobody gives a role to themselves: another administrator does")
    kinds = [_kind(college.config, one) for one in grants]
    streams = PersonStreams(driver, writer, [one.person for one in grants])
    ids, made = driver.reserve("role_grant", len(grants)), []
    for number, one, kind in zip(ids, grants, kinds, strict=True):
        starts, ends = _day(one.starts), _day(one.ends)
        data: dict[str, Any] = {"grant": number, "role": one.role, "kind": kind, "scope": one.scope}
        more = {"scope_id": one.scope_id, "layer": one.layer, "starts": starts, "ends": ends,
                "provider": one.provider}  # fmt: skip
        streams.fact(one.person, "RoleGranted", data | {k: v for k, v in more.items() if v is not None})
        made.append((number, college.id, one.person, one.role, kind, one.scope, one.scope_id, one.layer, starts, ends,
                     one.provider))
    rows.put_grants(driver, made)
    streams.save()
    return list(ids)


def _kind(college: College, one: NewGrant) -> str:
    role = college.role_by_key.get(one.role)
    if role is None:
        raise Invalid("ref.unknown_role", f"no role {one.role!r}; one of {', '.join(college.role_by_key)}")
    needs = {"college": True, "unit": one.scope_id is not None, "subject": one.scope_id is not None,
             "layer": one.layer in {layer.key for layer in college.layers}}  # fmt: skip
    if not needs.get(one.scope, False):
        raise Invalid("scope.invalid", f"scope {one.scope!r} is none of {', '.join(SCOPES)}, or does not say of what")
    return role.is_


def _day(day: date | str | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day


def revoke(session: AnySession, origin: Origin, grant_id: int, reason: str = "") -> None:
    """Take a role away; neither the quality office nor the administrators are ever left without anybody."""

    def body(driver: Driver) -> None:
        found = rows.one_grant(driver, grant_id)
        if found is None:
            raise Missing("grant.not_found", f"no grant {grant_id}")
        require_right(session, driver, origin, found["college_id"])
        if found["scope_kind"] == "college":
            day = _today(session, driver, origin, found["college_id"])
            for last in LAST:
                if found["kind"] in last.kinds:
                    _keep(driver, last, found["college_id"], day, grant=grant_id)
        writer = Writer(driver, origin)
        data = {"grant": grant_id, "role": found["role"], "scope": found["scope_kind"]}
        person_fact(driver, writer, found["person_id"], "RoleRevoked", data | _reason(driver, reason))
        rows.drop_grant(driver, grant_id)
        writer.flush()

    transact(session, body)


def disable(session: AnySession, origin: Origin, login: str, reason: str = "") -> list[rows.Orphan]:
    """Disable an account and its tokens; returns the live work items that it leaves behind.

    They stay on record, are seen by the quality office (`orphaned`) and go up their ladders; `handover` passes them on.
    Raises `Refused` for the last of the quality office, to whom everything falls in the end, and for the last
    administrator, who lets others in.
    """

    def body(driver: Driver) -> list[rows.Orphan]:
        account = find(driver, login)
        disable_within(session, driver, origin, account, reason)
        college = account.college_id
        left = rows.orphaned(driver, college, LISTED) if college is not None else []
        return [item for item in left if item.holder == account.id]

    return transact(session, body)


def disable_within(session: AnySession, driver: Driver, origin: Origin, account: rows.Account, reason: str) -> None:
    """Disable an account within a transaction that does more."""
    require_right(session, driver, origin, account.college_id)
    if account.disabled_at is not None:
        raise Refused("account.disabled", f"{account.login} is disabled already")
    if account.is_system:
        raise Refused("account.system", f"{account.login} is the program's own account and stays")
    if account.college_id is not None:
        day = _today(session, driver, origin, account.college_id)
        for last in LAST:
            if rows.holds(driver, account.college_id, account.id, day, last.kinds):
                _keep(driver, last, account.college_id, day, person=account.id)
    writer = Writer(driver, origin)
    person_fact(driver, writer, account.id, "PersonDisabled", _reason(driver, reason))
    rows.disable(driver, account.id, writer.at)
    writer.flush()


def _keep(driver: Driver, last: Last, college: int, day: str, person: int = 0, grant: int = 0) -> None:
    if not rows.held_without(driver, college, day, last.kinds, person, grant):
        raise Refused(last.code, f"{last.detail}: give somebody that role first")


def _reason(driver: Driver, reason: str) -> dict[str, str]:
    return {"reason": keep(driver, reason)} if reason.strip() else {}


def _today(session: AnySession, driver: Driver, origin: Origin, college: int) -> str:
    return view(session, driver, college).calendar.local_day(origin.now).isoformat()


def orphaned(driver: Driver, college: int, limit: int = LISTED) -> list[rows.Orphan]:
    """Return the live work items that nobody holds who can act: they fall to the quality office."""
    return rows.orphaned(driver, college, limit)


def find(driver: Driver, login: str) -> rows.Account:
    """Return the account of a login; `Missing` where there is none."""
    wanted = clean_code(login)
    found = rows.by_logins(driver, [wanted]).get(wanted)
    if found is None:
        raise Missing("person.not_found", f"no account {wanted!r}")
    return found


def require_right(session: AnySession, driver: Driver, origin: Origin, college: int | None) -> None:
    """Require an administrator of the college, or the operator at the command line (who is no person)."""
    if origin.person is None:
        return
    acting = people.by_id(driver, origin.person)
    if college is None or acting is None or acting.college_id != college:
        raise Missing("person.not_found", "no such account")
    policy.require_role(driver, college, origin.person, "accounts", _today(session, driver, origin, college))
