"""People from a file, with the roles that they hold (``role@scope;role@scope``) and their mail addresses."""

from __future__ import annotations

from qaflow.errors import Invalid
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts.book import LANGUAGES, NewGrant, NewPerson
from qaflow.services.accounts.enrolling import MAIL
from qaflow.services.scopes import Scope, Scopes
from qaflow.store import accounts as rows
from qaflow.store import telling

from .cells import Column
from .imports import Import, Kind
from .tabular import Row, unique

COLUMNS = (
    Column(key="login", zh="登录名", what="code", required=True),
    Column(key="name", zh="姓名", required=True),
    Column(key="language", zh="语言", what="choice", choices=LANGUAGES),
    Column(key="roles", zh="角色", what="list", length=2000),
    MAIL,
)
NAMED = 10
"""So many logins a notice names; of more it says how many there are."""


def take(run: Import) -> None:
    """Add the people who are new, write those who differ, and give the roles that are not held yet."""
    named = unique(run.table, "login")
    standing = rows.by_logins(run.driver, [row["login"] for row in named])
    for row in named:
        _belongs(run, row, standing.get(row["login"]))
    _one_spelling(run, [row for row in named if row["login"] not in standing])
    wanted = _roles(run, named)
    run.table.faults.raise_any()
    fresh = [row for row in named if row["login"] not in standing]
    persons = [NewPerson(row["login"], row["name"], row["language"] or "zh") for row in fresh]
    made = accounts.add_people(run.driver, run.writer, run.origin, run.college.id, persons)
    ids = {login: account.id for login, account in standing.items()}
    ids |= {row["login"]: person for row, person in zip(fresh, made, strict=True)}
    changes = [c for row in named if row["login"] in standing for c in _changes(run, row, standing[row["login"]])]
    accounts.rename(run.driver, run.writer, changes)
    addressed = _addresses(run, named, standing, ids)
    accounts.readdress(run.driver, run.writer, addressed)
    gone = {login for login, account in standing.items() if account.disabled_at is not None}
    given = _grant(run, [(ids[login], role, scope) for login, role, scope in wanted if login not in gone])
    run.notices += [f"{login} is disabled: no role was given" for login, _, _ in wanted if login in gone]
    touched = given | {person for person, _, _ in changes} | {person for person, _ in addressed}
    run.new = len(fresh)
    run.updated = len(touched - set(made))
    run.unchanged = len(named) - run.new - run.updated


def _one_spelling(run: Import, fresh: list[Row]) -> None:
    """Refuse a new login that differs from another in case alone: people would take one for the other."""
    known = rows.alike(run.driver, [row["login"] for row in fresh])
    for row in fresh:
        former = known.setdefault(row["login"].casefold(), row["login"])
        if former != row["login"]:
            run.fault(row, "login", "login.taken", f"{row['login']} differs from {former} in capitals alone")


def _belongs(run: Import, row: Row, account: rows.Account | None) -> None:
    if account is not None and (account.college_id != run.college.id or account.is_system):
        told = f"{account.login} is an account outside this college: choose another login"
        run.fault(row, "login", "login.taken", told)


def _changes(run: Import, row: Row, account: rows.Account) -> list[tuple[int, str, str]]:
    language = (row["language"] or account.language) if run.has("language") else account.language
    same = (row["name"], language) == (account.name, account.language)
    return [] if same else [(account.id, row["name"], language)]


def _addresses(run: Import, named: list[Row], standing: dict[str, rows.Account],
               ids: dict[str, int]) -> list[tuple[int, str | None]]:  # fmt: skip
    """Return the addresses that differ; who chose another on the profile is named, for theirs goes on counting."""
    if not run.has("mail"):
        return []
    chosen = telling.choices(run.driver, run.college.id, [account.id for account in standing.values()])
    own = {login: chosen[one.id].address for login, one in standing.items() if one.id in chosen}
    kept = [row["login"] for row in named if row["mail"] and own.get(row["login"]) not in (None, row["mail"])]
    if kept:
        more = f" and {len(kept) - NAMED} more" if len(kept) > NAMED else ""
        told = "chose another mail address on the profile, which goes on counting"
        run.notices.append(f"{', '.join(kept[:NAMED])}{more} {told}")
    before = {login: account.mail for login, account in standing.items()}
    return [(ids[row["login"]], row["mail"]) for row in named if row["mail"] != before.get(row["login"])]


def _roles(run: Import, named: list[Row]) -> list[tuple[str, str, Scope]]:
    scopes, found = Scopes(run.driver, run.college), []
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
    new = [(person, role, scope) for person, role, scope in dict.fromkeys(wanted) if (person, role, *scope) not in held]
    grants = [NewGrant(person, role, scope.kind, scope.id, scope.layer) for person, role, scope in new]
    accounts.grant_many(run.driver, run.writer, run.origin, run.college, grants)
    run.granted = len(grants)
    return {one.person for one in grants}


PEOPLE = Kind(key="people", columns=COLUMNS, take=take)
