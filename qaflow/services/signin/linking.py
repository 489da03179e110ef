"""Whom a provider let in: known by its stable id alone, linked where the mapping says so, else a person without rights.

A mail address, a name or a login that happens to be the same links nobody.  Whatever changes stands as a fact in the
person's own stream; the provider's id is kept as erasable content.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from qaflow.errors import Invalid, Missing, Unproven, Usage
from qaflow.providers import Provider
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.directory import account
from qaflow.services.accounts.enrolling import LOGIN, NAME
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.cycles.acting import keep
from qaflow.services.files.cells import cell_value
from qaflow.services.files.imports import chosen_college
from qaflow.services.places.organisation import ACCOUNTS, desk
from qaflow.services.ports import Identity
from qaflow.services.streams import person_fact
from qaflow.services.work import AnySession, Origin, Writer, transact
from qaflow.store import accounts as account_rows
from qaflow.store import linked as rows
from qaflow.store import people
from qaflow.store import sessions as session_rows
from qaflow.store.db import Driver, utc

from . import provider_roles

DIGEST = 12


class Admitted(NamedTuple):
    """Who was let in, and whether they wait for an administrator to give them anything to do."""

    person: int
    login: str
    waits: bool


def admitted(session: AnySession, origin: Origin, of: Provider, identity: Identity) -> Admitted:
    """Return the person of an identity, after what the provider says of them is written.

    Raises `Unproven` (``account.disabled``, ``signin.link_taken``) and what `chosen_college` raises.
    """

    def body(driver: Driver) -> Admitted:
        college = college_of(session, driver, of)
        writer = Writer(driver, origin)
        link = rows.by_subject(driver, of.key, identity.subject)
        made = link.made_person if link is not None else False
        if link is None:
            person, made = _found(driver, writer, origin, college, of, identity)
        else:
            person = link.person
            rows.seen(driver, link.id, utc(origin.recorded))
        standing = people.by_id(driver, person)
        assert standing is not None
        if standing.disabled_at is not None:
            raise Unproven("account.disabled", f"{standing.login} is disabled")
        provider_roles.settle(driver, writer, origin, college, of, person, identity.attributes)
        writer.flush()
        waits = made and not rows.given(driver, college.id, person)
        return Admitted(person, standing.login, waits)

    return transact(session, body)


def college_of(session: AnySession, driver: Driver, of: Provider) -> CollegeView:
    """Return the college whose people a provider knows; raise Unproven (``signin.college``) where none is meant."""
    try:
        return view(session, driver, chosen_college(driver, of.college or None).id)
    except (Usage, Missing) as error:
        raise Unproven("signin.college", f"the provider {of.key} names no college of this installation") from error


def _found(driver: Driver, writer: Writer, origin: Origin, college: CollegeView, of: Provider,
           identity: Identity) -> tuple[int, bool]:  # fmt: skip
    """Return the person of an identity that comes for the first time, and whether they were added for it."""
    known = _imported(driver, college, of, identity)
    person = known if known is not None else _added(driver, writer, origin, college, of, identity)
    data = {"provider": of.key, "subject": keep(driver, identity.subject)}
    person_fact(driver, writer, person, "AccountLinked", data)
    rows.put(driver, person, of.key, identity.subject, known is None, utc(origin.recorded))
    return person, known is None


def _imported(driver: Driver, college: CollegeView, of: Provider, identity: Identity) -> int | None:
    """Return the person whose login the mapping's attribute is; never one who is somebody else at the provider."""
    values = identity.attributes.get(of.link, ()) if of.link else ()
    if len(values) != 1:
        return None
    found = account_rows.by_logins(driver, values).get(values[0])
    if found is None or found.college_id != college.id or found.is_system or found.program_since:
        return None
    if found.disabled_at is not None:
        raise Unproven("account.disabled", f"{found.login} is disabled")
    if any(link.provider == of.key for link in rows.of_person(driver, found.id)):
        raise Unproven("signin.link_taken", f"{found.login} is another account of {of.key}")
    return found.id


def _added(driver: Driver, writer: Writer, origin: Origin, college: CollegeView, of: Provider,
           identity: Identity) -> int:  # fmt: skip
    login = _login(driver, of, identity)
    name = _cell(NAME, _first(identity, of.full_name)) or login
    person = accounts.add_person(driver, writer, origin, college.id, login, name)
    writer.flush()  # what follows is written beside it
    return person


def _login(driver: Driver, of: Provider, identity: Identity) -> str:
    """Return a login that is free: the mapping's attribute, else the provider's id under the provider's name."""
    digest = hashlib.sha256(identity.subject.encode()).hexdigest()[:DIGEST]
    wanted = (_first(identity, of.login), f"{of.key}.{identity.subject}", f"{of.key}.{digest}")
    for text in wanted:
        login = _cell(LOGIN, text)
        if login and not account_rows.by_logins(driver, [login]) and not account_rows.alike(driver, [login]):
            return login
    raise Unproven("signin.link_taken", f"no login is free for this account of {of.key}")


def _first(identity: Identity, attribute: str) -> str:
    values = identity.attributes.get(attribute, ()) if attribute else ()
    return values[0] if len(values) == 1 else ""


def _cell(column: object, text: str) -> str:
    """Return a login or name as an import takes it, "" where it would not."""
    try:
        found: str = cell_value(column, text) if text.strip() else ""  # type: ignore[arg-type]
    except Invalid:
        return ""
    return found


def unlink(session: AnySession, origin: Origin, me: SignedIn, person: int, number: int) -> bool:
    """Take a link away with the roles that came by it, and end its sessions.

    One that is gone already stays gone: False.
    """

    def body(driver: Driver) -> bool:
        at = desk(session, driver, origin, me, ACCOUNTS)
        account(at, person)
        link = next((one for one in rows.of_person(driver, person) if one.id == number), None)
        if link is None:
            return False
        writer = Writer(driver, origin)
        provider_roles.take_all(driver, writer, at.college, person, link.provider, at.day)
        session_rows.end_of(driver, link.provider, utc(origin.recorded), subject=link.subject)
        rows.drop(driver, number, person)
        person_fact(driver, writer, person, "AccountUnlinked", {"provider": link.provider})
        writer.flush()
        return True

    return transact(session, body)
