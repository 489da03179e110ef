"""A unit of work: what several calls did stands together or not at all; each of them ends as if it were alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from qaflow.errors import Busy, Invalid, Refused
from qaflow.services import repeats
from qaflow.services.repeats import Reply
from qaflow.services.work import LostRace, Origin, together, transact
from qaflow.store import installation, unit
from qaflow.store import repeats as rows
from qaflow.store.db import Duplicate, Sql, db, driver, reading, utc

NOW = datetime(2025, 9, 1, tzinfo=UTC)
PUT = Sql("insert into content (hash) values (:hash)")


def put(key: str) -> None:
    """Write one row in a transaction of its own."""
    transact(db.session, lambda d: d.run(PUT, {"hash": key}))


def there() -> set[str]:
    """Return the rows that stand, as another reader sees them."""
    try:
        return {row[0] for row in reading(db.session).all(Sql("select hash from content"))}
    finally:
        db.session.rollback()


def stored() -> set[str]:
    """Return the rows that are committed."""
    db.session.remove()
    return there()


def failing(key: str, error: Exception) -> None:
    """Write one row and fail."""

    def body(d: Any) -> None:
        d.run(PUT, {"hash": key})
        raise error

    transact(db.session, body)


def test_what_readers_roll_back_is_nothing_that_was_kept(store_app: Flask) -> None:
    def body(_: Any) -> None:
        put("a")
        assert there() == {"a"}
        put("b")
        assert there() == {"a", "b"}

    together(db.session, body)

    assert stored() == {"a", "b"}


def test_a_call_that_fails_takes_back_its_own_and_nothing_else(store_app: Flask) -> None:
    def body(_: Any) -> None:
        put("a")
        with pytest.raises(Refused):
            failing("b", Refused())
        put("c")

    together(db.session, body)

    assert stored() == {"a", "c"}


def test_what_is_tried_out_is_taken_back(store_app: Flask) -> None:
    def body(_: Any) -> None:
        driver(db.session).run(PUT, {"hash": "tried"})
        db.session.rollback()  # a preview does what it tells of, and takes it back
        put("a")

    together(db.session, body)

    assert stored() == {"a"}


def test_a_unit_that_fails_leaves_nothing(store_app: Flask) -> None:
    def body(_: Any) -> None:
        put("a")
        raise KeyError

    with pytest.raises(KeyError):
        together(db.session, body)

    assert stored() == set()
    put("b")  # and the session goes on without it
    assert stored() == {"b"}


@pytest.mark.parametrize("error", [LostRace(), Duplicate()])
def test_a_lost_race_is_decided_again_as_a_whole_even_where_it_is_swallowed(store_app: Flask, error: Exception) -> None:
    tries = []

    def body(_: Any) -> None:
        put("a")
        tries.append(1)
        if len(tries) < 3:
            with pytest.raises(LostRace):
                failing("b", error)

    together(db.session, body)

    assert (len(tries), stored()) == (3, {"a"})


def test_a_race_that_is_always_lost_is_told(store_app: Flask) -> None:
    with pytest.raises(Busy):
        together(db.session, lambda _: failing("a", LostRace()))

    assert stored() == set()


def test_a_request_that_ends_within_a_unit_leaves_none_open(store_app: Flask) -> None:
    session = db.session()
    with unit.opened(session):
        put("a")
        db.session.remove()

    assert unit.of(session) is None
    assert stored() == set()


def person() -> Origin:
    """Return the origin of somebody's act."""
    transact(db.session, lambda d: installation.add_account(d, "somebody", "x", "2025-09-01T00:00:00.000000Z"))
    number = reading(db.session).value(Sql("select id from person"))
    db.session.rollback()
    return Origin(now=NOW, recorded=NOW, door="test", person=number)


def once(app: Flask, origin: Origin, act: Any, key: str = "k", body: bytes = b"") -> Reply:
    """Do something once."""
    asked = repeats.asked(key, "token", body)
    refused = lambda error: Reply(status=error.status, headers={}, body=error.code)  # noqa: E731
    return repeats.once(db.session, app.extensions["qaflow"], origin, asked, act, refused)


def test_a_fault_of_the_program_leaves_neither_effect_nor_key(store_app: Flask) -> None:
    origin = person()

    def broken() -> Reply:
        put("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(store_app, origin, broken)
    assert stored() == set()

    def sound() -> Reply:
        put("a")
        return Reply(status=200, headers={"ETag": '"1"'}, body="é")

    assert once(store_app, origin, sound) == once(store_app, origin, sound)
    assert stored() == {"a"}


def test_a_refusal_keeps_what_was_done_before_it_and_is_told_again(store_app: Flask) -> None:
    origin = person()

    def half() -> Reply:
        put("a")
        failing("b", Refused("no.more"))
        raise AssertionError

    first, again = once(store_app, origin, half), once(store_app, origin, half)

    assert first == again == Reply(status=409, headers={}, body="no.more")
    assert stored() == {"a"}


def apart(app: Flask, origin: Origin, act: Any, body: bytes = b"") -> Reply:
    """Do something once, in transactions of its own."""
    asked = repeats.asked("k", "token", body)
    refused = lambda error: Reply(status=error.status, headers={}, body=error.code)  # noqa: E731
    return repeats.apart(db.session, app.extensions["qaflow"], origin, asked, act, refused)


def done(name: str) -> Reply:
    """Do something in a transaction of its own."""
    put(name)
    return told(name)


def told(name: str) -> Reply:
    """Return what is answered when something was done."""
    return Reply(status=200, headers={"ETag": '"1"'}, body=name)


def test_what_is_done_apart_commits_by_itself_and_is_answered_alike(store_app: Flask) -> None:
    origin, opened = person(), []

    def act() -> Reply:
        opened.append(unit.of(db.session()))
        return done("a" if len(opened) == 1 else "again")

    assert apart(store_app, origin, act) == apart(store_app, origin, act) == told("a")
    assert opened == [None] and stored() == {"a"}
    with pytest.raises(Invalid, match="another request"):
        apart(store_app, origin, act, body=b"other")


def test_the_same_is_refused_while_it_is_done_apart_and_answered_as_before_after(store_app: Flask) -> None:
    origin, heard = person(), []

    def act() -> Reply:
        with pytest.raises(Refused) as refused:
            apart(store_app, origin, lambda: done("inner"))
        heard.append((refused.value.code, refused.value.data["headers"]))
        return done("a")

    assert apart(store_app, origin, act) == apart(store_app, origin, act) == told("a")
    assert heard == [("idempotency.under_way", {"Retry-After": "5"})] and stored() == {"a"}


def test_a_refusal_apart_keeps_what_was_done_before_it_and_is_told_again(store_app: Flask) -> None:
    origin = person()

    def half() -> Reply:
        put("a")
        failing("b", Refused("no.more"))
        raise AssertionError

    first, again = apart(store_app, origin, half), apart(store_app, origin, lambda: done("c"))

    assert first == again == Reply(status=409, headers={}, body="no.more")
    assert stored() == {"a"}


def test_a_fault_apart_gives_the_key_back(store_app: Flask) -> None:
    origin = person()

    def broken() -> Reply:
        put("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        apart(store_app, origin, broken)

    assert apart(store_app, origin, lambda: done("b")) == told("b")
    assert stored() == {"a", "b"}


def test_what_broke_off_with_its_process_is_done_again_after_ten_minutes(store_app: Flask) -> None:
    origin = person()
    asked = repeats.asked("k", "token", b"")
    transact(db.session, lambda d: rows.claim(d, origin.person or 0, "k", asked.digest, utc(NOW)))
    soon, late = (replace(origin, recorded=NOW + timedelta(minutes=m)) for m in (9, 11))

    with pytest.raises(Refused, match="still being answered"):
        apart(store_app, soon, lambda: done("a"))

    assert apart(store_app, late, lambda: done("a")) == apart(store_app, late, lambda: done("b"))
    assert stored() == {"a"}


def test_the_sweep_forgets_keys_after_a_day(store_app: Flask) -> None:
    origin = person()
    once(store_app, origin, lambda: Reply(status=200, headers={}, body=""))
    later = Origin(now=NOW, recorded=NOW + repeats.KEPT * 1.1, door="tick")

    assert transact(db.session, lambda d: repeats.forget(d, origin)) == 0
    assert transact(db.session, lambda d: repeats.forget(d, later)) == 1
