"""People: a list, one with roles and work, added, renamed, given roles, disabled; many at once by login."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.pointing import by_code
from qaflow.api.resource import Resource
from qaflow.config import ADDRESS_LENGTH
from qaflow.engine.definition import LAYERS
from qaflow.errors import Missing
from qaflow.services import provisioning
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import directory, staffing
from qaflow.services.accounts.directory import STATES, Chosen, Held, Person
from qaflow.services.accounts.staffing import Term
from qaflow.services.provisioning import ACTS, Wanted
from qaflow.services.rehearsing import digest_of
from qaflow.store.directory import SORTS

resource = Resource("api_people", __name__, url_prefix="/people", description="People, their roles and their work")
REASON = 500
SCOPE = r"(college|(unit|layer|subject):\S.*)\Z"
AT_GRANT = {"ref.unknown_role": "role", "ref.unknown_subject": "scope", "ref.unknown_unit": "scope",
            "scope.invalid": "scope", "date.order": "ends"}  # fmt: skip
AT_PERSON = {"code.blank_inside": "login", "number.invalid": "login", "text.blank": "name",
             "mail.address": "mail"}  # fmt: skip
WHENS = ("now", "coming", "past")


class Role(s.Strict):
    """A role that somebody holds, for what, and whether it counts today."""

    id = s.ident(required=True)
    role = s.text(s.NAME, required=True)
    scope = s.choice(accounts.SCOPES, required=True)
    of = s.ident(required=True, allow_none=True)
    layer = s.choice(LAYERS, required=True, allow_none=True)
    starts = s.day(required=True, allow_none=True)
    ends = s.day(required=True, allow_none=True)
    when = s.choice(WHENS, required=True)


class Line(s.Strict):
    """A person of a list, or a program: how much they hold, and for how many subjects they answer."""

    id = s.ident(required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    disabled_at = s.instant(required=True, allow_none=True)
    items = s.whole(required=True)
    subjects = s.whole(required=True)
    program = s.flag(required=True)
    roles = s.many(Role, 1000, required=True)


class Whole(s.Strict):
    """One person: account, roles, the subjects they answer for, and how much work waits.

    `mail` is the address that the college keeps; `own_mail` tells that the person chose one of their own, which counts.
    """

    id = s.ident(required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    language = s.choice(accounts.LANGUAGES, required=True)
    created_at = s.instant(required=True)
    disabled_at = s.instant(required=True, allow_none=True)
    has_password = s.flag(required=True)
    program = s.flag(required=True)
    mail = s.text(ADDRESS_LENGTH, required=True, allow_none=True)
    own_mail = s.flag(required=True)
    items = s.whole(required=True)
    subjects = s.many(s.ident(), 1000, required=True)
    roles = s.many(Role, 1000, required=True)


class Filters(s.Strict):
    """By what the list can be narrowed and ordered."""

    text = s.text(80, load_default="")
    unit = s.ident(loose=True, load_default=0)
    role = s.text(s.NAME, load_default="")
    state = s.choice(STATES, load_default="active")
    sort = s.choice(SORTS, load_default="login")
    after = s.text(2000)


class New(s.Strict):
    """A person to be added."""

    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)
    language = s.choice(accounts.LANGUAGES, load_default="zh")
    mail = s.text(ADDRESS_LENGTH)


class Renamed(s.Strict):
    """Another name, language or mail address of the college's (null: none); what is left out stays."""

    name = s.text(s.NAME)
    language = s.choice(accounts.LANGUAGES)
    mail = s.text(ADDRESS_LENGTH, allow_none=True)


class Granted(s.Strict):
    """A role for the college, or for `unit:`, `layer:` or `subject:` with its code, between two days."""

    role = s.text(s.NAME, required=True)
    scope = s.text(s.NAME, pattern=SCOPE, load_default="college")
    starts = s.day(allow_none=True, load_default=None)
    ends = s.day(allow_none=True, load_default=None)


class Reason(s.Strict):
    """Why."""

    reason = s.text(REASON, 0, load_default="")


class Item(s.Strict):
    """What becomes of one person; the login is the key under which another system knows them."""

    act = s.choice(ACTS, required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, 0, load_default="")
    language = s.choice(accounts.LANGUAGES, load_default="zh")
    reason = s.text(REASON, 0, load_default="")


class Together(s.Strict):
    """Many at once, in this order; all of them or none, or each for itself."""

    items = s.many(Item, provisioning.MOST, 1, required=True)
    all_or_nothing = s.flag(load_default=False)


class Outcome(s.Strict):
    """What became of one of them."""

    login = s.text(s.NAME, required=True)
    id = s.ident(required=True, allow_none=True)
    done = s.flag(required=True)
    code = s.text(s.NAME, required=True, allow_none=True)
    message = s.text(s.TEXT, required=True, allow_none=True)


class Outcomes(s.Strict):
    """What became of each, in the order in which they were named."""

    done = s.whole(required=True)
    refused = s.whole(required=True)
    results = s.many(Outcome, provisioning.MOST, required=True)


@resource.get("", asks=Filters, gives=s.listing(Line, s.LISTED, total=s.whole(required=True)))
def listed(call: Call) -> dict[str, Any]:
    """List the college's people, by login unless told."""
    after = call.after()
    chosen = Chosen(**call.query | {"after": after and tuple(after)})
    found = directory.people(call.session, call.origin, call.me, chosen)
    return call.page(lines(found.lines), found.following) | {"total": found.total}


@resource.post("", scope="admin", takes=New, gives=Whole, status=201)
def add(call: Call) -> Answer:
    """Add a person."""
    with by_code(AT_PERSON):
        number = staffing.add(call.session, call.origin, call.me, **call.body)
    return replace(_shown(call, number), location=f"/api/v1/people/{number}")


@resource.post("/bulk", scope="admin", takes=Together, gives=Outcomes)
def bulk(call: Call) -> dict[str, Any]:
    """Add, rename and disable many by login."""
    wanted = [Wanted(**one) for one in call.body["items"]]
    found = provisioning.carry_out(call.session, call.origin, call.me, wanted, call.body["all_or_nothing"])
    told = [{"login": one.login, "id": one.person, "done": one.refused is None,
             "code": one.refused and one.refused.code, "message": one.refused and one.refused.detail}
            for one in found]  # fmt: skip
    done = sum(one.refused is None for one in found)
    return {"done": done, "refused": len(found) - done, "results": told}


@resource.get("/<int:number>", gives=Whole)
def show(call: Call, number: int) -> Answer:
    """Show a person."""
    return _shown(call, number)


@resource.patch("/<int:number>", scope="admin", takes=Renamed, gives=Whole)
def rename(call: Call, number: int) -> Answer:
    """Give somebody another name, language or mail address."""
    account = _held(call, number).account
    named = {"name": account.name, "language": account.language} | call.body
    if "mail" in named:
        named["mail"] = named["mail"] or ""  # null takes it away
    with by_code(AT_PERSON):
        staffing.rename(call.session, call.origin, call.me, number, **named)
    return _shown(call, number)


@resource.post("/<int:number>/disable", scope="admin", takes=Reason, gives=Whole, matches=True)
def disable(call: Call, number: int) -> Answer:
    """Disable an account; what it holds stays, and is listed among the leavers."""
    _held(call, number)
    provisioning.disable(call.session, call.origin, call.me, number, call.body["reason"])
    return _shown(call, number)


@resource.post("/<int:number>/roles", scope="admin", takes=Granted, gives=Whole)
def grant(call: Call, number: int) -> Answer:
    """Let somebody hold a role; their sessions end."""
    asked = call.body
    term = Term(asked["role"], asked["scope"], as_text(asked["starts"]), as_text(asked["ends"]))
    with by_code(AT_GRANT):
        staffing.grant(call.session, call.origin, call.me, number, term)
    return _shown(call, number)


@resource.delete("/<int:number>/roles/<int:grant>", scope="admin")
def revoke(call: Call, number: int, grant: int) -> Answer:
    """Take a role away; their sessions end."""
    held = directory.one(call.session, call.origin, call.me, number)
    staffing.revoke(call.session, call.origin, call.me, number, grant)
    if grant not in {one.row.id for one in held.roles}:
        raise Missing("grant.not_found", f"no grant {grant}")
    return Answer(body=None)


def lines(found: Iterable[tuple[Any, tuple[Held, ...]]]) -> list[dict[str, Any]]:
    """Return people as a list shows them."""
    return [row._asdict() | {"roles": [_role(one) for one in roles]} for row, roles in found]


def as_text(day: Any) -> str:
    """Return a day as services take it."""
    return day.isoformat() if day else ""


def tag_of(person: Person) -> str:
    """Return the tag of a person: the hash of their account and their roles."""
    return digest_of([list(person.account), [list(one.row) for one in person.roles]])[:32]


def _held(call: Call, number: int) -> Person:
    """Return a person who still is as they were read."""
    call.hold(f"person:{number}")
    found = directory.one(call.session, call.origin, call.me, number)
    call.require(tag_of(found))
    return found


def _shown(call: Call, number: int) -> Answer:
    found = directory.one(call.session, call.origin, call.me, number)
    more = {"items": found.items, "subjects": [one.id for one in found.subjects],
            "roles": [_role(one) for one in found.roles]}  # fmt: skip
    return Answer(body=found.account._asdict() | more, tag=tag_of(found))


def _role(one: Held) -> dict[str, Any]:
    row = one.row
    return {"id": row.id, "role": row.role, "scope": row.scope, "of": row.scope_id, "layer": row.layer,
            "starts": row.starts, "ends": row.ends, "when": one.when}  # fmt: skip
