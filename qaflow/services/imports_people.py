"""People from a file, with the roles that they hold: ``role@scope;role@scope``."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple, TypeVar

from qaflow.errors import Invalid
from qaflow.store import accounts as rows
from qaflow.store import subjects as places

from . import accounts
from .accounts import LANGUAGES, NewGrant, NewPerson
from .imports import Import, Kind
from .tabular import Column, Row, unique
from .words import clean_code

T = TypeVar("T")
COLUMNS = (
    Column(key="login", zh="登录名", what="code", required=True),
    Column(key="name", zh="姓名", required=True),
    Column(key="language", zh="语言", what="choice", choices=LANGUAGES),
    Column(key="roles", zh="角色", what="list", length=2000),
)


class Scope(NamedTuple):
    """What a role is held for: the college, a unit or subject by number, a layer by key."""

    kind: str
    id: int | None = None
    layer: str | None = None


class Scopes:
    """Reads the words of scopes: ``college``, ``unit:CODE``, ``layer:KEY``, ``subject:LAYER/CODE``."""

    def __init__(self, run: Import) -> None:
        """Look units and subjects up in the import's college."""
        self._run = run

    @cached_property
    def _units(self) -> dict[str, int]:
        return {code: unit.id for code, unit in places.units(self._run.driver, self._run.college.id).items()}

    @cached_property
    def _subjects(self) -> dict[str, int]:
        return {f"{s.layer}/{s.code}": s.id for s in places.subjects(self._run.driver, self._run.college.id)}

    def grant(self, text: str) -> tuple[str, Scope]:
        """Return (role, scope) of one ``role@scope``; a role alone holds for the college."""
        role, _, scope = (part.strip() for part in clean_code(text).partition("@"))
        known = self._run.college.config.role_by_key
        if role not in known:
            near = get_close_matches(role, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise Invalid("ref.unknown_role", f"no role {role!r}; {hint}")
        return role, self.read(scope or "college")

    def read(self, text: str) -> Scope:
        """Return the scope that a text means."""
        kind, _, which = (part.strip() for part in text.partition(":"))
        if kind == "college" and not which:
            return Scope("college")
        if kind == "unit" and which:
            return Scope("unit", _known(self._units, which, "unit"))
        if kind == "layer" and which:
            return Scope("layer", None, _known({x.key: x.key for x in self._run.college.config.layers}, which, "layer"))
        if kind == "subject" and which:
            return Scope("subject", _known(self._subjects, which, "subject"))
        raise Invalid("scope.invalid", f"{text!r}: a scope is college, unit:CODE, layer:KEY or subject:LAYER/CODE")


def _known(found: dict[str, T], name: str, what: str) -> T:
    """Return what a name stands for, or say that there is no such thing, and what is near."""
    if name not in found:
        near = get_close_matches(name, found, n=1)
        raise Invalid(f"ref.unknown_{what}", f"no {what} {name!r} in this college{f'; did you mean {near[0]}?' if near else ''}")
    return found[name]


def take(run: Import) -> None:
    """Add the people who are new, write those who differ, and give the roles that are not held yet."""
    named = unique(run.table, "login")
    standing = rows.by_logins(run.driver, [row["login"] for row in named])
    for row in named:
        _belongs(run, row, standing.get(row["login"]))
    wanted = _roles(run, named)
    run.table.faults.raise_any()
    fresh = [row for row in named if row["login"] not in standing]
    made = accounts.add_people(run.driver, run.writer, run.origin, run.college.id,
                               [NewPerson(row["login"], row["name"], row["language"] or "zh") for row in fresh])  # fmt: skip
    ids = {login: account.id for login, account in standing.items()}
    ids |= {row["login"]: person for row, person in zip(fresh, made, strict=True)}
    changes = [c for row in named if row["login"] in standing for c in _changes(run, row, standing[row["login"]])]
    accounts.rename(run.driver, run.writer, changes)
    gone = {login for login, account in standing.items() if account.disabled_at is not None}
    given = _grant(run, [(ids[login], role, scope) for login, role, scope in wanted if login not in gone])
    run.notices += [f"{login} is disabled: no role was given" for login, _, _ in wanted if login in gone]
    touched = given | {person for person, _, _ in changes}
    run.new = len(fresh)
    run.updated = len(touched - set(made))
    run.unchanged = len(named) - run.new - run.updated


def _belongs(run: Import, row: Row, account: rows.Account | None) -> None:
    if account is not None and (account.college_id != run.college.id or account.is_system):
        run.fault(row, "login", "login.taken", f"{account.login} is an account outside this college: choose another login")


def _changes(run: Import, row: Row, account: rows.Account) -> list[tuple[int, str, str]]:
    language = (row["language"] or account.language) if run.has("language") else account.language
    same = (row["name"], language) == (account.name, account.language)
    return [] if same else [(account.id, row["name"], language)]


def _roles(run: Import, named: list[Row]) -> list[tuple[str, str, Scope]]:
    scopes, found = Scopes(run), []
    for row in named:
        for text in row["roles"] or ():
            try:
                found.append((row["login"], *scopes.grant(text)))
            except Invalid as fault:
                run.fault(row, "roles", fault.code, fault.detail)
    return found


def _grant(run: Import, wanted: list[tuple[int, str, Scope]]) -> set[int]:
    """Give the roles that are not held yet; returns who got one."""
    held = rows.standing_grants(run.driver, run.college.id)
    new = [one for one in dict.fromkeys(wanted) if (one[0], one[1], one[2].kind, one[2].id, one[2].layer) not in held]
    grants = [NewGrant(person, role, scope.kind, scope.id, scope.layer) for person, role, scope in new]
    accounts.grant_many(run.driver, run.writer, run.origin, run.college, grants)
    run.granted = len(grants)
    return {one.person for one in grants}


PEOPLE = Kind(key="people", columns=COLUMNS, take=take)
