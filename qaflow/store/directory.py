"""People as the organisation's pages list them: roles with their dates, open work, subjects, deputies, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from qaflow.store import keyset
from qaflow.store.db import Driver, Sql
from qaflow.store.keyset import Place
from qaflow.store.organisation import GRANTED, PEOPLE_OF
from qaflow.store.profile import Appointment


class Listed(NamedTuple):
    """One person of a list: how much they hold and for how many subjects they answer."""

    id: int
    login: str
    name: str
    disabled_at: str | None
    items: int
    subjects: int
    program: bool


class Role(NamedTuple):
    """A role that somebody holds; `unit` and `subject` name its scope."""

    id: int
    person: int
    role: str
    kind: str
    scope: str
    scope_id: int | None
    layer: str | None
    starts: str | None
    ends: str | None
    unit: str | None
    unit_en: str | None
    subject: str | None
    provider: str | None  # by what a provider says


class Account(NamedTuple):
    """One person's account."""

    id: int
    login: str
    name: str
    language: str
    created_at: str
    disabled_at: str | None
    has_password: bool
    program: bool
    mail: str | None
    own_mail: bool  # whether they chose an address of their own, which counts before it


class Open(NamedTuple):
    """A live work item of a person."""

    id: int
    cycle: int
    no: int
    kind: str
    stage: str | None
    due: str | None
    state: str
    subject: int
    code: str
    name: str
    layer: str
    holder: int | None
    definition: str


class Session(NamedTuple):
    """A browser in which somebody is signed in."""

    begun: str
    seen: str
    address: str


_LIVE = "state in ('open', 'stopped')"
_COUNTS = (
    f"(select count(*) from work_item w where w.college_id = p.college_id and w.holder_id = p.id and w.{_LIVE}), "
    "(select count(*) from subject s where s.college_id = p.college_id and s.responsible_id = p.id and not s.ended), "
    "p.program_since is not null"
)
_CHOSEN = (
    "p.college_id = :college and not p.is_system and (cast(:text as text) = '' or lower(p.login) like :like escape '!' "
    "or lower(p.name) like :like escape '!') and (cast(:state as text) = 'all' or (:state = 'active' and "
    "p.disabled_at is null) or (:state = 'disabled' and p.disabled_at is not null)) and (cast(:role as text) = '' or "
    f"exists (select 1 from role_grant g where g.college_id = :college and g.person_id = p.id and g.role = :role and "
    f"{GRANTED})) and (cast(:unit as bigint) = 0 or p.id in (select x.person from ({PEOPLE_OF}) x "
    "where x.unit = :unit))"
)
SORTS = keyset.both_ways({"login": ("p.login",), "name": ("p.name", "p.login")})
"""In what order the list can stand; a login is one person's alone."""
_COUNT = Sql(f"select count(*) from person p where {_CHOSEN}")
_LEFT = (
    "p.college_id = :college and p.disabled_at is not null and not p.is_system and (exists (select 1 from work_item w "
    f"where w.college_id = :college and w.holder_id = p.id and w.{_LIVE}) or exists (select 1 from subject s where "
    "s.college_id = :college and s.responsible_id = p.id and not s.ended))"
)
_LEAVERS = Sql(f"select p.id, p.login, p.name, p.disabled_at, {_COUNTS} from person p where {_LEFT} "
               "order by p.disabled_at, p.id limit :limit")  # fmt: skip
_ROLES = Sql(
    "select g.id, g.person_id, g.role, g.kind, g.scope_kind, g.scope_id, g.scope_layer, g.starts, g.ends, u.name_zh, "
    "u.name_en, s.name, g.provider from role_grant g left join unit u on g.scope_kind = 'unit' and u.id = g.scope_id "
    "left join subject s on g.scope_kind = 'subject' and s.id = g.scope_id "
    "where g.college_id = :college and g.person_id in :persons[] order by g.person_id, g.id"
)
_ONE = Sql("select id, login, name, language, created_at, disabled_at, password_hash is not null, "
           "program_since is not null, mail, exists (select 1 from notice_choice n where n.college_id = :college and "
           "n.person_id = person.id and n.address is not null) from person "
           "where id = :id and college_id = :college and not is_system")  # fmt: skip
_OPEN_ITEMS = (
    "select i.id, i.cycle_id, i.no, i.kind, i.stage, i.due, i.state, i.subject_id, s.code, s.name, i.layer, "
    "i.holder_id, d.hash from work_item i join subject s on s.id = i.subject_id join cycle c on c.id = i.cycle_id "
    "join definition d on d.id = c.definition_id where i.college_id = :college and "
)
_OPEN = Sql(
    _OPEN_ITEMS + f"i.holder_id = :person and i.{_LIVE} and (cast(:last as text) is null or i.due <= :last) and "
    "i.id > :after order by i.id limit :limit"
)
_OPEN_COUNT = Sql(f"select count(*) from work_item where college_id = :college and holder_id = :person and {_LIVE} and "
                  "(cast(:last as text) is null or due <= :last)")  # fmt: skip
_BY_ID = Sql(_OPEN_ITEMS + "i.id in :ids[] order by i.cycle_id, i.no")
_SESSIONS = Sql("select created_at, seen_at, address from web_session where person_id = :person and ended_at is null "
                "and seen_at > :since order by seen_at desc limit :limit")  # fmt: skip
_DEPUTIES = Sql(
    "select d.id, d.person_id, a.name, d.deputy_id, b.name, d.role, d.layer, d.starts, d.ends from deputy d "
    "join person a on a.id = d.person_id join person b on b.id = d.deputy_id where d.college_id = :college and "
    "d.person_id in :persons[] and d.ended_at is null and d.starts <= :last and d.ends >= :first "
    "order by d.starts, d.id"
)


def _key(college: int, day: str, chosen: dict[str, Any]) -> dict[str, Any]:
    text = str(chosen["text"]).lower()
    plain = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return {"college": college, "day": day, **chosen, "like": f"%{plain}%"}


@cache
def _page(sort: str, begins: bool) -> Sql:
    order = SORTS[sort]
    behind = "" if begins else f"and {order.beyond} "
    return Sql(f"select p.id, p.login, p.name, p.disabled_at, {_COUNTS}, {order.selected} from person p where "
               f"{_CHOSEN} {behind}order by {order.by} limit :limit")  # fmt: skip


def people(driver: Driver, college: int, day: str, sort: str, after: Place | None, limit: int,
           **chosen: Any) -> list[tuple[Listed, Place]]:  # fmt: skip
    """Return the next persons after a place, each with its own; `chosen` are text, role, unit and state."""
    given = _key(college, day, chosen) | keyset.after(after) | {"limit": limit}
    width = len(Listed._fields)
    found = driver.all(_page(sort, after is None), given)
    return [(_listed(row), tuple(row[width:])) for row in found]


def _listed(row: Sequence[Any]) -> Listed:
    return Listed._make((*row[:6], bool(row[6])))


def count(driver: Driver, college: int, day: str, **chosen: Any) -> int:
    """Return how many persons the filters let through."""
    return int(driver.value(_COUNT, _key(college, day, chosen)))


def leavers(driver: Driver, college: int, limit: int) -> list[Listed]:
    """Return the disabled persons who still hold work or answer for subjects, longest first."""
    return list(map(_listed, driver.all(_LEAVERS, {"college": college, "limit": limit})))


def roles(driver: Driver, college: int, persons: Sequence[int]) -> list[Role]:
    """Return every role of persons, past and coming ones too."""
    return list(map(Role._make, driver.all(_ROLES, {"college": college, "persons": list(persons)})))


def account(driver: Driver, college: int, person: int) -> Account | None:
    """Return an account of a college."""
    row = driver.one(_ONE, {"college": college, "id": person})
    return None if row is None else Account._make((*row[:6], bool(row[6]), bool(row[7]), row[8], bool(row[9])))


def open_items(driver: Driver, college: int, person: int, limit: int, after: int = 0,
               last: str | None = None) -> list[Open]:  # fmt: skip
    """Return the live work of a person, by number after one; all of it, or what is due by a day."""
    key = {"college": college, "person": person, "after": after, "limit": limit, "last": last}
    return list(map(Open._make, driver.all(_OPEN, key)))


def open_count(driver: Driver, college: int, person: int, last: str | None = None) -> int:
    """Return how much live work a person holds."""
    return int(driver.value(_OPEN_COUNT, {"college": college, "person": person, "last": last}))


def items(driver: Driver, college: int, ids: Sequence[int]) -> list[Open]:
    """Return work items by number, as they stand."""
    return list(map(Open._make, driver.all(_BY_ID, {"college": college, "ids": list(ids)})))


def sessions(driver: Driver, person: int, since: str, limit: int) -> list[Session]:
    """Return where a person is signed in and was seen since an instant."""
    rows = driver.all(_SESSIONS, {"person": person, "since": since, "limit": limit})
    return list(map(Session._make, rows))


def deputies(driver: Driver, college: int, persons: Sequence[int], first: str, last: str) -> list[Appointment]:
    """Return who stands in for persons within some days."""
    key = {"college": college, "persons": list(persons), "first": first, "last": last}
    return list(map(Appointment._make, driver.all(_DEPUTIES, key)))
