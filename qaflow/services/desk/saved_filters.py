"""Kept filters of the inbox (已存筛选): lists as somebody narrowed and ordered them, under names of theirs."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, NamedTuple

from qaflow.errors import Invalid, Missing, Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.words import clean_name, control_character
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import saved_filters as rows
from qaflow.store.db import Driver, reading, utc

from .inbox import BOXES, SORTS, Chosen

MOST = 20
SIGNS = 40  # of a name, which stands in a narrow list
KEPT = tuple(f.name for f in fields(Chosen) if f.name != "after")


class Saved(NamedTuple):
    """One kept filter, with the list that it opens."""

    id: int
    name: str
    chosen: Chosen


def mine(session: AnySession, me: SignedIn) -> list[Saved]:
    """Return one's own filters by name."""
    if me.college is None:
        return []
    try:
        found = rows.of(reading(session), me.college, me.person)
        return [Saved(one.id, one.name, _read(one.query)) for one in found]
    finally:
        session.rollback()


def save(session: AnySession, origin: Origin, me: SignedIn, name: str, chosen: Chosen) -> None:
    """Keep a list under a name; one of the same name is written over."""
    text, college = _name(name), _college(me)
    query = json.dumps({key: getattr(chosen, key) for key in KEPT}, ensure_ascii=False, sort_keys=True)

    def body(driver: Driver) -> None:
        held = rows.of(driver, college, me.person)
        if len(held) >= MOST and all(one.name != text for one in held):
            raise Refused("filter.too_many", f"{MOST} filters are kept already")
        rows.put(driver, college, me.person, text, query, utc(origin.now))

    transact(session, body)


def rename(session: AnySession, me: SignedIn, number: int, name: str) -> None:
    """Give a filter another name that no other of one's filters has."""
    text, college = _name(name), _college(me)

    def body(driver: Driver) -> None:
        held = rows.of(driver, college, me.person)
        if any(one.name == text and one.id != number for one in held):
            raise Invalid("filter.taken", f"another filter is called {text!r}")
        if not rows.rename(driver, college, me.person, number, text):
            raise _missing(number)

    transact(session, body)


def drop(session: AnySession, me: SignedIn, number: int) -> None:
    """Take a filter away; `Missing` where it is not there, or not theirs."""
    college = _college(me)

    def body(driver: Driver) -> None:
        if not rows.drop(driver, college, me.person, number):
            raise _missing(number)

    transact(session, body)


def _name(name: str) -> str:
    text = clean_name(name)
    if not text:
        raise Invalid("text.blank", "a filter needs a name")
    if control_character(text):
        raise Invalid("text.control_character", "a name holds no control character")
    if len(text) > SIGNS:
        raise Invalid("text.too_long", f"a name has at most {SIGNS} characters")
    return text


def _college(me: SignedIn) -> int:
    if me.college is None:
        raise Missing("object.not_found", "no inbox without a college")
    return me.college


def _missing(number: int) -> Missing:
    return Missing("object.not_found", f"no filter {number}")


def _read(query: str) -> Chosen:
    """Return the list of a kept query; of a box or an order that is no longer there, the usual one."""
    found: dict[str, Any] = {k: v for k, v in json.loads(query).items() if k in KEPT}
    box, sort = found.pop("box", ""), found.pop("sort", "")
    return Chosen(box=box if box in BOXES else "mine", sort=sort if sort in SORTS else "due", **found)
