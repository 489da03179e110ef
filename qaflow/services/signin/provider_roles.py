"""Roles by what a provider says: the mapping's rules give and take only roles that are marked as the provider's.

What people here gave stands whatever the provider says; the last administrator and the last of the quality office keep
their role.
"""

from __future__ import annotations

from collections.abc import Mapping

from qaflow import logs
from qaflow.errors import Invalid
from qaflow.providers import Provider
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.book import LAST, NewGrant
from qaflow.services.college import CollegeView
from qaflow.services.scopes import Scope, Scopes
from qaflow.services.streams import person_fact
from qaflow.services.work import Origin, Writer
from qaflow.store import accounts as account_rows
from qaflow.store import linked as rows
from qaflow.store.db import Driver
from qaflow.store.linked import Given

log = logs.get("qaflow.signin")
Attributes = Mapping[str, tuple[str, ...]]


def settle(driver: Driver, writer: Writer, origin: Origin, college: CollegeView, of: Provider, person: int,
           said: Attributes) -> None:  # fmt: skip
    """Give the roles that the rules now give, and take those of this provider that they give no more."""
    wanted = _wanted(driver, college, of, said)
    held = rows.given(driver, college.id, person)
    there = {_what(one) for one in held}
    day = college.calendar.local_day(origin.now).isoformat()
    for one in held:
        if one.provider == of.key and _what(one) not in wanted:
            _take(driver, writer, college, person, one, day)
    new = [NewGrant(person, role, scope.kind, scope.id, scope.layer, provider=of.key)
           for role, scope in wanted if (role, scope) not in there]  # fmt: skip
    writer.flush()
    accounts.grant_many(driver, writer, origin, college, new)


def take_all(driver: Driver, writer: Writer, college: CollegeView, person: int, provider: str, day: str) -> None:
    """Take every role of a provider's from a person."""
    for one in rows.given(driver, college.id, person):
        if one.provider == provider:
            _take(driver, writer, college, person, one, day)


def _wanted(driver: Driver, college: CollegeView, of: Provider, said: Attributes) -> dict[tuple[str, Scope], None]:
    """Return the roles of the rules that are met; a rule that names what is not there gives nothing and is logged."""
    scopes = Scopes(driver, college)
    found: dict[tuple[str, Scope], None] = {}
    for rule in of.roles:
        if rule.value not in said.get(rule.attribute, ()):
            continue
        try:
            found[scopes.grant(rule.role)] = None
        except Invalid as fault:
            log.warning("signin.rule", provider=of.key, role=rule.role, why=fault.code)
    return found


def _what(one: Given) -> tuple[str, Scope]:
    return one.role, Scope(one.scope, one.scope_id, one.layer)


def _take(driver: Driver, writer: Writer, college: CollegeView, person: int, one: Given, day: str) -> None:
    kind = college.config.role_by_key[one.role].is_ if one.role in college.config.role_by_key else ""
    for last in LAST:
        if one.scope != "college" or kind not in last.kinds:
            continue
        if not account_rows.held_without(driver, college.id, day, last.kinds, grant=one.id):
            log.warning("signin.role_kept", provider=one.provider, person=person, role=one.role, why=last.code)
            return
    data = {"grant": one.id, "role": one.role, "scope": one.scope, "provider": one.provider}
    person_fact(driver, writer, person, "RoleRevoked", data)
    account_rows.drop_grant(driver, one.id)
