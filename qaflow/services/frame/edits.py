"""A college's frame changed by hand: parts reworded, added, dropped and taken up again, and the kind of the college."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from qaflow.engine.definition import canonical
from qaflow.engine.diagnosis import BELOW, ITEM, LEFT_OUT, POINT
from qaflow.errors import Invalid, Missing, Stale
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college_stream import CollegeStream
from qaflow.services.cycles.acting import keep
from qaflow.services.places.organisation import Desk, desk
from qaflow.services.words import NAME_LENGTH, clean_code, clean_name, control_character
from qaflow.services.work import AnySession, Origin, transact
from qaflow.store import frame as store
from qaflow.store.db import Driver, reading
from qaflow.store.frame import Row

from . import tree as frames
from .tree import FRAME, Frame, digest, plain

CODE_LENGTH, TEXT_LENGTH, INDICATORS = 60, 2000, 100
STARS = ("", "*", "**")
Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A part as somebody wrote it; an indicator in both languages, one of them empty where it stands for both."""

    name_zh: str
    name_en: str
    star: str = ""
    requirement_zh: str = ""
    requirement_en: str = ""
    indicators: tuple[tuple[str, str], ...] = ()
    platform: tuple[str, ...] = ()
    teaching_units: bool = True


def words_of(row: Row) -> Wanted:
    """Return a part's words as they stand."""
    body = json.loads(row.body)
    requirement = body.get("requirement") or {}
    return Wanted(
        name_zh=row.name_zh, name_en=row.name_en, star=row.star, requirement_zh=requirement.get("zh", ""),
        requirement_en=requirement.get("en", ""), platform=tuple(body.get("platform") or ()),
        indicators=tuple((one["zh"], one["en"]) for one in body.get("indicators") or ()),
        teaching_units=body.get("teaching_units", True),
    )  # fmt: skip


def part(session: AnySession, origin: Origin, me: SignedIn, number: int) -> Row:
    """Return a part of one's own college's frame to whoever may change it."""
    found = next((row for row in editable(session, origin, me).rows if row.id == number), None)
    if found is None:
        raise Missing("frame.not_found", f"no part {number} of the frame")
    return found


def editable(session: AnySession, origin: Origin, me: SignedIn) -> Frame:
    """Return the frame to whoever may change it."""
    driver = reading(session)
    try:
        return frames.of(driver, desk(session, driver, origin, me, FRAME).college.id)
    finally:
        session.rollback()


def reword(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int, wanted: Wanted) -> Row:
    """Change the words of a part; `Stale` where somebody was faster, `Missing` where it is not one's college's."""

    def body(driver: Driver) -> Row:
        at = desk(session, driver, origin, me, FRAME)
        row = _held(at, number, version)
        new = plain(row) | _values(row.level, wanted, json.loads(row.body))
        return _written(at, origin, row, new, "edited")

    return transact(session, body)


def drop(session: AnySession, origin: Origin, me: SignedIn, number: int, version: int, dropped: bool) -> Row:
    """Drop a part, so that it and all below it is not asked, or take it up again."""

    def body(driver: Driver) -> Row:
        at = desk(session, driver, origin, me, FRAME)
        row = _held(at, number, version)
        return _written(at, origin, row, plain(row) | {"dropped": dropped}, "dropped" if dropped else "restored")

    return transact(session, body)


def add(session: AnySession, origin: Origin, me: SignedIn, code: str, parent: str, wanted: Wanted) -> Row:
    """Add a part of the college's own under another one, or an item under none."""
    named = clean_code(code)

    def body(driver: Driver) -> Row:
        at = desk(session, driver, origin, me, FRAME)
        rows = {row.code: row for row in store.rows(driver, at.college.id)}
        if not named or len(named) > CODE_LENGTH or control_character(named):
            raise Invalid("frame.code", f"a code has 1 to {CODE_LENGTH} characters")
        if named in rows:
            raise Invalid("frame.code_taken", f"{named} stands in the frame already")
        level = BELOW.get(rows[parent].level) if parent in rows else ITEM if not parent else None
        if level is None:
            raise Invalid("frame.parent", f"nothing can be put under {parent!r}: choose an item or element")
        new = {"code": named, "level": level, "parent": parent or None, "dropped": False,
               **_values(level, wanted, {"code": named})}  # fmt: skip
        stream, was = CollegeStream(driver, origin, at.college.id, at.college.key), digest(rows.values())
        store.add(driver, at.college.id, [new])
        return _told(at, stream, "added", named, was, None, new)

    return transact(session, body)


def set_kind(session: AnySession, origin: Origin, me: SignedIn, kind: str) -> None:
    """Set the kind of the college (院校类别), which switches the points with stars (003 annex 1, note 3)."""

    def body(driver: Driver) -> None:
        at = desk(session, driver, origin, me, FRAME)
        if kind not in LEFT_OUT:
            raise Invalid("value.unknown", f"kind {kind!r}: one of {', '.join(LEFT_OUT)}")
        before = store.kind(driver, at.college.id)
        if kind != before:
            stream = CollegeStream(driver, origin, at.college.id, at.college.key)
            store.set_kind(driver, at.college.id, kind)
            whole = digest(store.rows(driver, at.college.id))
            stream.fact("FrameChanged", {"change": "kind", "before": before, "after": kind, "was": whole,
                                         "digest": whole})  # fmt: skip
            stream.close()

    transact(session, body)


def _held(at: Desk, number: int, version: int) -> Row:
    row = next((one for one in store.rows(at.driver, at.college.id) if one.id == number), None)
    if row is None:
        raise Missing("frame.not_found", f"no part {number} of the frame")
    if row.version != version:
        raise Stale("frame.stale", f"{row.code} was changed meanwhile; it is at version {row.version}")
    return row


def _written(at: Desk, origin: Origin, row: Row, new: Data, change: str) -> Row:
    """Write a part anew and tell it; what stands so already is left alone."""
    old = plain(row)
    if new == old:
        return row
    stream = CollegeStream(at.driver, origin, at.college.id, at.college.key)
    was = digest(store.rows(at.driver, at.college.id))
    if not store.change(at.driver, at.college.id, [new | {"version": row.version}]):
        raise Stale("frame.stale", f"{row.code} was changed meanwhile")
    return _told(at, stream, change, row.code, was, old, new)


def _told(at: Desk, stream: CollegeStream, change: str, code: str, was: str, old: Data | None, new: Data) -> Row:
    rows = {row.code: row for row in store.rows(at.driver, at.college.id)}
    texts = {"before": old and keep(at.driver, canonical(old)), "after": keep(at.driver, canonical(new))}
    stream.fact("FrameChanged", {"change": change, "code": code, **texts, "was": was, "digest": digest(rows.values())})
    stream.close()
    return rows[code]


def _values(level: str, wanted: Wanted, body: Data) -> Data:
    """Return the columns of a part as it was written; what the form does not hold stays in the body."""
    name = {"zh": _text("name_zh", wanted.name_zh, NAME_LENGTH), "en": _text("name_en", wanted.name_en, NAME_LENGTH)}
    for key, text in name.items():
        if not text:
            raise _unfit("text.blank", f"name_{key} is blank", f"name_{key}")
    if wanted.star not in STARS:
        raise _unfit("value.unknown", f"star {wanted.star!r}: one of *, **", "star")
    found = body | {"name": name}
    if level == ITEM:
        found |= {"teaching_units": wanted.teaching_units}
    if level == POINT:
        found |= _of_point(wanted)
    star = wanted.star if level == POINT else ""
    return {"name_zh": name["zh"], "name_en": name["en"], "star": star, "body": canonical(found)}


def _of_point(wanted: Wanted) -> Data:
    zh = _text("requirement_zh", wanted.requirement_zh, TEXT_LENGTH)
    en = _text("requirement_en", wanted.requirement_en, TEXT_LENGTH)
    if len(wanted.indicators) > INDICATORS:
        raise _unfit("frame.indicators", f"at most {INDICATORS} indicators", "indicators")
    return {
        "star": wanted.star, "requirement": {"zh": zh or en, "en": en or zh} if zh or en else None,
        "indicators": [_both(*(_text("indicators", one, NAME_LENGTH) for one in pair)) for pair in wanted.indicators],
        "platform": [_text("platform", one, NAME_LENGTH) for one in wanted.platform],
    }  # fmt: skip


def _both(zh: str, en: str) -> dict[str, str]:
    if not zh and not en:
        raise _unfit("text.blank", "an indicator is blank", "indicators")
    return {"zh": zh or en, "en": en or zh}


def _text(name: str, text: str, most: int) -> str:
    found = clean_name(" ".join(text.split()))
    if len(found) > most:
        raise _unfit("text.too_long", f"{name}: longer than {most} characters", name)
    if control_character(found):
        raise _unfit("text.control_character", f"{name} holds {control_character(found)}", name)
    return found


def _unfit(code: str, told: str, field: str) -> Invalid:
    return Invalid(code, told, errors=[{"pointer": field, "code": code}])
