"""People as another system keeps them: made, renamed and disabled by login, many at once, each with its own result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qaflow.errors import Invalid, Missing, QaflowError, Refused
from qaflow.store import accounts as rows
from qaflow.store import directory
from qaflow.store.db import Driver

from .accounts import book as accounts
from .accounts import enrolling
from .accounts.directory import account
from .accounts.sessions import SignedIn
from .files.cells import cell_value
from .places.organisation import ACCOUNTS, Desk, desk
from .words import clean_code
from .work import AnySession, Origin, Writer, transact

CREATE, REPLACE, DISABLE = "create", "replace", "disable"
ACTS = (CREATE, REPLACE, DISABLE)
MOST = 200


class Wanted(NamedTuple):
    """What becomes of one person; the login is the key by which the other system knows them."""

    act: str
    login: str
    name: str = ""
    language: str = "zh"
    reason: str = ""


class Result(NamedTuple):
    """What became of one of them: the person's number, or why not."""

    login: str
    person: int | None
    refused: QaflowError | None


def disable(session: AnySession, origin: Origin, me: SignedIn, person: int, reason: str = "") -> None:
    """Disable an account of one's own college and leave what it holds to the leavers' list.

    Raises `Invalid` (``leave.self``) and `Refused` (``account.disabled``, ``office.last``, ``administrator.last``).
    """

    def body(driver: Driver) -> None:
        at = desk(session, driver, origin, me, ACCOUNTS)
        found = account(at, person)
        _disable(session, at, origin, me, accounts.find(driver, found.login), reason)

    transact(session, body)


def carry_out(session: AnySession, origin: Origin, me: SignedIn, wanted: Sequence[Wanted],
              whole: bool = False) -> list[Result]:  # fmt: skip
    """Do it: each with its own result, all in one transaction; with ``whole`` all of them or none.

    Raises `Refused` (``bulk.refused``, an error an item) where one of a ``whole`` is refused, and then does nothing.
    """

    def body(driver: Driver) -> list[Result]:
        at = desk(session, driver, origin, me, ACCOUNTS)
        results = [_tried(session, at, origin, me, one) for one in wanted]
        if whole and any(one.refused for one in results):
            raise Refused("bulk.refused", "not all of them can be done, so none is", errors=[
                {"pointer": f"/items/{n}", "code": one.refused.code, "message": one.refused.detail}
                for n, one in enumerate(results) if one.refused])  # fmt: skip
        return results

    return transact(session, body)


def _tried(session: AnySession, at: Desk, origin: Origin, me: SignedIn, one: Wanted) -> Result:
    """Do one of them; each act refuses before it writes, so that nothing of a refused one is left."""
    try:
        return Result(one.login, _done(session, at, origin, me, one), None)
    except (Invalid, Missing, Refused) as refused:
        return Result(one.login, None, refused)


def _done(session: AnySession, at: Desk, origin: Origin, me: SignedIn, one: Wanted) -> int:
    if one.act == DISABLE:
        found = _known(at, one.login)
        _disable(session, at, origin, me, found, one.reason)
        return found.id
    called: str = cell_value(enrolling.NAME, one.name)
    writer = Writer(at.driver, origin)
    if one.act == CREATE:
        login: str = cell_value(enrolling.LOGIN, one.login)
        number = accounts.add_person(at.driver, writer, origin, at.college.id, login, called, one.language)
    else:
        number = _known(at, one.login).id
        held = account(at, number)
        if (held.name, held.language) != (called, one.language):
            accounts.rename(at.driver, writer, [(number, called, one.language)])
    writer.flush()
    return number


def _known(at: Desk, login: str) -> rows.Account:
    """Return the account that a login names; one of another college is not there."""
    wanted = clean_code(login)
    found = rows.by_logins(at.driver, [wanted]).get(wanted)
    if found is None or directory.account(at.driver, at.college.id, found.id) is None:
        raise Missing("person.not_found", f"no account {wanted!r}")
    return found


def _disable(session: AnySession, at: Desk, origin: Origin, me: SignedIn, found: rows.Account, reason: str) -> None:
    if found.id == me.person:
        raise Invalid("leave.self", "another administrator disables your account")
    accounts.disable_within(session, at.driver, origin, found, reason)
