"""An uploaded definition: checked as the command line checks a file, and published only as it was checked."""

from __future__ import annotations

from dataclasses import dataclass

from qaflow.engine import loader
from qaflow.engine.definition import Definition
from qaflow.engine.faults import Fault
from qaflow.errors import Invalid, Missing, Stale
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import CollegeView, view
from qaflow.services.work import AnySession, Origin
from qaflow.store import colleges
from qaflow.store.db import Driver, reading

from . import publishing

NAME = 120


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a file holds: its faults, and the definition where there is no error among them."""

    faults: tuple[Fault, ...]
    definition: Definition | None = None
    published: bool = False  # this very content is published already
    newest: int = 0  # the newest version of this definition that is published


def require(session: AnySession, origin: Origin, me: SignedIn) -> None:
    """Require the right to publish here (engine rules, 5)."""
    driver = reading(session)
    try:
        _college(session, driver, origin, me)
    finally:
        session.rollback()


def check(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes) -> Checked:
    """Check a file's content and store nothing; the right is that of publishing (engine rules, 5)."""
    driver = reading(session)
    try:
        return _check(session, driver, origin, me, shown(name), data)
    finally:
        session.rollback()


def publish(session: AnySession, origin: Origin, me: SignedIn, name: str, data: bytes, digest: str) -> Definition:
    """Publish what was checked: content with another digest than the one that was shown is refused."""
    checked = check(session, origin, me, name, data)
    if checked.definition is None:
        raise Invalid("def.invalid", f"{shown(name)} has {len(checked.faults)} faults")
    if checked.definition.hash != digest:
        raise Stale("definition.other_content", "this is not the content that was checked")
    publishing.publish(session, origin, checked.definition)
    return checked.definition


def shown(name: str) -> str:
    """Return a file's name fit to be shown in a message."""
    plain = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    return plain[:NAME] or "definition.yaml"


def _college(session: AnySession, driver: Driver, origin: Origin, me: SignedIn) -> CollegeView:
    if me.college is None:
        raise Missing("college.not_found", f"{me.login} belongs to no college")
    seen = view(session, driver, me.college)
    policy.require_role(driver, me.college, me.person, "publish", seen.calendar.local_day(origin.now).isoformat())
    return seen


def _check(session: AnySession, driver: Driver, origin: Origin, me: SignedIn, name: str, data: bytes) -> Checked:
    seen = _college(session, driver, origin, me)
    loaded = loader.read(data, name, roles=seen.config.roles)
    found = loaded.value
    if found is not None and not isinstance(found, Definition):
        told = f"the file is of kind {loaded.kind}"
        return Checked(faults=(Fault(name, 1, 1, "def.not_definition", told, "give a file of kind definition"),))
    if found is None:
        return Checked(faults=loaded.faults)
    return _stored(driver, seen.key, name, found, loaded)


def _stored(driver: Driver, college: str, name: str, found: Definition, loaded: loader.Loaded) -> Checked:
    """Say whether a sound definition may be published here under its key and version."""
    line, col = loaded.marks.at(("key",))
    if found.key.partition(".")[0] != college:
        told = f'the key "{found.key}" belongs to another college'
        fault = Fault(name, line, col, "def.other_college", told, f"begin it with {college}.")
        return Checked(faults=(*loaded.faults, fault))
    newest, same = colleges.newest(driver, found.key), colleges.newest(driver, found.key, found.version)
    if same is not None and same[1] != found.hash:
        line, col = loaded.marks.at(("version",))
        told = f"version {found.version} is published with other content"
        remedy = f"raise `version:` to {newest[2] + 1 if newest else 1}"
        return Checked(faults=(*loaded.faults, Fault(name, line, col, "definition.version_taken", told, remedy)))
    latest = newest[2] if newest else 0
    return Checked(faults=loaded.faults, definition=found, published=same is not None, newest=latest)
