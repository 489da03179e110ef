"""Persons, roles by scope and deputies: the questions that rights are decided by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

MAX_CHAIN = 10  # deputies of deputies, units above units


class Person(NamedTuple):
    """One account."""

    id: int
    college_id: int | None
    login: str
    name: str
    language: str
    disabled_at: str | None
    mail: str | None


class Grant(NamedTuple):
    """One role held for a scope."""

    person: int
    role: str
    kind: str
    scope: str
    scope_id: int | None
    scope_layer: str | None


_PERSON = "select id, college_id, login, name, language, disabled_at, mail from person"
_BY_LOGIN = Sql(f"{_PERSON} where login = :login")
_BY_ID = Sql(f"{_PERSON} where id = :id")
_NAMES = Sql("select id, name, login from person where id in :ids[]")
_GRANTS = Sql(
    "select person_id, role, kind, scope_kind, scope_id, scope_layer from role_grant where college_id = :college and "
    "person_id in :persons[] and (starts is null or starts <= :day) and (ends is null or ends >= :day)"
)
_LINE = (
    "with recursive line(id, depth) as (select cast(:unit as bigint), 1 union all "
    "select u.parent_id, line.depth + 1 from unit u join line on u.id = line.id where u.parent_id is not null and "
    f"line.depth < {MAX_CHAIN}) "
)
_BELOW = Sql(
    "with recursive under(id) as (select id from unit where college_id = :college and id in :roots[] union "
    "select u.id from unit u join under on u.parent_id = under.id) select id from under order by id"
)
_ABOVE = Sql(_LINE + "select id from line order by depth")
_TREE = Sql("select id, parent_id from unit where college_id = :college")
_HOLDERS = Sql(
    _LINE
    + "select g.person_id, case g.scope_kind when 'subject' then 0 when 'unit' then line.depth when 'layer' then 50 "
    "else 60 end as distance from role_grant g left join line on g.scope_kind = 'unit' and line.id = g.scope_id "
    "join person p on p.id = g.person_id where g.id in ("  # two searches: an `or` would read all grants of the college
    "select id from role_grant where college_id = :college and role = :role union all "
    "select id from role_grant where college_id = :college and kind = :role) and "
    "p.disabled_at is null and (g.starts is null or g.starts <= :day) and (g.ends is null or g.ends >= :day) and "
    "(g.scope_kind = 'college' or (g.scope_kind = 'unit' and line.id is not null) or "
    "(g.scope_kind = 'subject' and g.scope_id = :subject) or (g.scope_kind = 'layer' and g.scope_layer = :layer)) "
    "order by distance, g.person_id"
)
_SUBJECTS_WITH = Sql("select distinct scope_id from role_grant where college_id = :college and scope_kind = "
                     "'subject' and "
                     "(role = :role or kind = :role)")  # fmt: skip
_TOOK_PART = Sql(
    "select 1 from work_item where cycle_id = :cycle and college_id = :college and :person in (holder_id, owner_id) "
    "union all select 1 from signature where cycle_id = :cycle and person_id = :person limit 1"
)
_DEPUTY_OF = Sql(
    "select person_id, role, layer from deputy where college_id = :college and deputy_id = :person and starts <= :day "
    "and ends >= :day and ended_at is null"
)
_DEPUTIES = Sql(
    "select deputy_id, role, layer from deputy where college_id = :college and person_id = :person and starts <= :day "
    "and ends >= :day and ended_at is null order by id"
)


def took_part(driver: Driver, college: int, cycle: int, person: int) -> bool:
    """Tell whether a person ever owed or signed something in a cycle."""
    return driver.value(_TOOK_PART, {"college": college, "cycle": cycle, "person": person}) is not None


def by_login(driver: Driver, login: str) -> Person | None:
    """Return the account of a login name."""
    row = driver.one(_BY_LOGIN, {"login": login})
    return Person._make(row) if row else None


def by_id(driver: Driver, person: int) -> Person | None:
    """Return an account by its number."""
    row = driver.one(_BY_ID, {"id": person})
    return Person._make(row) if row else None


def names(driver: Driver, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return (name, login) of persons."""
    return {row[0]: (row[1], row[2]) for row in driver.all(_NAMES, {"ids": list(ids)})}


def grants(driver: Driver, college: int, persons: Sequence[int], day: str) -> list[Grant]:
    """Return the roles that persons hold on a day."""
    key = {"college": college, "persons": list(persons), "day": day}
    return driver.once(("grants", college, *persons, day), lambda: list(map(Grant._make, driver.all(_GRANTS, key))))


def units_above(driver: Driver, unit: int) -> list[int]:
    """Return a unit and those above it, nearest first."""
    return driver.once(("above", unit), lambda: [row[0] for row in driver.all(_ABOVE, {"unit": unit})])


def units_below(driver: Driver, college: int, roots: Sequence[int]) -> list[int]:
    """Return units and all those under them."""
    return [row[0] for row in driver.all(_BELOW, {"college": college, "roots": list(roots)})]


def units_under(driver: Driver, college: int) -> dict[int, set[int]]:
    """Return each unit of a college with itself and those under it, as deep as `units_above` climbs."""
    above: dict[int, int | None] = dict(driver.all(_TREE, {"college": college}))
    found: dict[int, set[int]] = {number: set() for number in above}
    for number in above:
        upper: int | None = number
        for _ in range(MAX_CHAIN):
            if upper not in found:
                break
            found[upper].add(number)
            upper = above[upper]
    return found


def holders(
    driver: Driver, college: int, role: str, subject: int, layer: str, unit: int, day: str
) -> list[tuple[int, int]]:
    """Return (person, distance) of the holders of a role (or neutral kind) for a subject, nearest scope first."""
    key = {"college": college, "role": role, "subject": subject, "layer": layer, "unit": unit, "day": day}
    return driver.all(_HOLDERS, key)


def subjects_with(driver: Driver, college: int, role: str) -> set[int]:
    """Return the subjects for which somebody holds a role (or neutral kind) by name."""
    return {row[0] for row in driver.all(_SUBJECTS_WITH, {"college": college, "role": role})}


def _deputy_of(driver: Driver, college: int, person: int, day: str) -> list[tuple[Any, ...]]:
    key = {"college": college, "person": person, "day": day}
    return driver.once(("deputy", college, person, day), lambda: driver.all(_DEPUTY_OF, key))


def stands_in_for(
    driver: Driver, college: int, person: int, day: str, layer: str | None = None
) -> list[tuple[int, str | None]]:
    """Return (absent person, role or None) for whom a person acts on a day, chains followed, nearest first."""
    found: dict[int, str | None] = {}
    asked = [person]
    for _ in range(MAX_CHAIN):
        following = []
        for one in asked:
            for absent, role, of_layer in _deputy_of(driver, college, one, day):
                if (
                    absent != person
                    and absent not in found
                    and (of_layer is None or layer is None or of_layer == layer)
                ):
                    found[absent] = role
                    following.append(absent)
        asked = following
        if not asked:
            break
    return list(found.items())


def deputies(driver: Driver, college: int, person: int, day: str) -> list[int]:
    """Return who stands in for a person on a day."""
    return [row[0] for row in driver.all(_DEPUTIES, {"college": college, "person": person, "day": day})]
