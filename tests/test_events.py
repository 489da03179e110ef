"""The stream of events: complete for every poller, ordered, without personal data, as far as its reader may see."""

import json
import threading
from dataclasses import dataclass

import pytest
from flask import Flask

from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.errors import Invalid
from qaflow.services.cycles.acts import fire
from qaflow.services.events import events
from qaflow.services.events import stream as event_stream
from qaflow.store import events as rows
from qaflow.store.db import db, driver
from qaflow.testing import World, spiral

WRITERS = 8
ACTS = 40
FIRST_AN_ID = """create function first_an_id() returns trigger language plpgsql as $$ begin
if pg_current_xact_id_if_assigned() is null then raise exception 'the journal was written first'; end if;
return null; end $$"""
ON_THE_JOURNAL = ("create trigger first_an_id before insert on journal for each statement "
                  "execute function first_an_id()")  # fmt: skip


@dataclass(frozen=True)
class Me:
    """A reader."""

    person: int
    college: int | None


@pytest.fixture
def world(store_app: Flask) -> World:
    """A tiny college on each of the two databases."""
    return World(db.session, spiral(stages=("goal", "implement", "improve")))


def everything(college: int) -> list[rows.Row]:
    found = rows.after(driver(db.session), college, 0, 10**6)
    db.session.rollback()
    return found


def told() -> set[tuple[str, int]]:
    """What the journal holds of told kinds, asked of it directly."""
    found = db.session.execute(db.text("select stream, seq, kind from journal where stream not like 'person:%'")).all()
    db.session.rollback()
    return {(stream, seq) for stream, seq, kind in found if kind in events.TOLD}


def test_every_told_fact_has_one_position_without_gaps_in_the_order_of_its_stream(world: World) -> None:
    cycle = world.start()
    event_stream.relay(db.session)
    world.fire(cycle, "submit", "lead", content={"note": "x"})
    world.fire(cycle, "approve", "major")
    event_stream.relay(db.session)

    found = everything(world.college)

    assert [row.position for row in found] == list(range(1, len(found) + 1))
    assert {(row.stream, row.seq) for row in found} == told()
    assert [row.seq for row in found if row.cycle == cycle] == sorted(row.seq for row in found if row.cycle == cycle)
    assert event_stream.relay(db.session) == 0


def test_what_is_committed_late_under_a_smaller_number_is_not_missed(world: World) -> None:
    """A writer draws its number of the journal first and commits last; whoever goes by the number misses it."""
    if driver(db.session).dialect == "sqlite":  # writers wait for each other: numbers come in the order of commits
        db.session.rollback()
        return
    slow, fast = world.start("C1"), world.start("C9")
    event_stream.relay(db.session)
    copy = ("insert into journal (stream, seq, kind, format, at, recorded_at, actor, door, data, prev, hash) select "
            "stream, seq + 1, 'CycleSuspended', format, at, recorded_at, actor, door, '{}', hash, 'x' from journal "
            "where stream = :s returning id")  # fmt: skip
    before = everything(world.college)
    with db.engine.connect() as late:
        late.execute(db.text("update cycle set version = version where id = :c"), {"c": slow})
        small = late.execute(db.text(copy), {"s": f"cycle:{slow}"}).scalar_one()
        with db.engine.begin() as early:
            early.execute(db.text("update cycle set version = version where id = :c"), {"c": fast})
            great = early.execute(db.text(copy), {"s": f"cycle:{fast}"}).scalar_one()
        event_stream.relay(db.session)
        event_stream.relay(db.session)
        naive = db.session.execute(db.text("select max(id) from journal")).scalar_one()
        db.session.rollback()
        late.commit()
    event_stream.relay(db.session)

    assert small < great == naive  # "after the highest I saw" would never find the small one
    assert [row.cycle for row in everything(world.college)[len(before):]] == [fast, slow]


def test_no_poller_misses_an_event_of_eight_writers(world: World, store_settings: Settings) -> None:
    cycles = [world.start(code) for code in codes(world)]
    if driver(db.session).dialect == "postgresql":
        db.session.execute(db.text(FIRST_AN_ID))
        db.session.execute(db.text(ON_THE_JOURNAL))
    db.session.commit()
    failed: list[Exception] = []
    apps = [create_app(store_settings) for _ in range(WRITERS + 2)]  # here: Python 3.11 parses in one thread at a time
    writers = [threading.Thread(target=write, args=(app, world, cycle, failed))
               for app, cycle in zip(apps, cycles, strict=False)]  # fmt: skip
    done = threading.Event()
    seen: list[list[int]] = [[], []]
    pollers = [threading.Thread(target=follow, args=(app, world, done, one))
               for app, one in zip(apps[WRITERS:], seen, strict=True)]  # fmt: skip
    for thread in (*writers, *pollers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in pollers:
        thread.join()

    found = everything(world.college)
    assert failed == []
    assert len([row for row in found if row.kind in ("StageSubmitted", "StageWithdrawn")]) == WRITERS * ACTS
    assert {(row.stream, row.seq) for row in found} == told()
    assert seen == [[row.position for row in found]] * 2


def codes(world: World) -> list[str]:
    found = [f"W{n}" for n in range(WRITERS)]
    world.courses(found, "section", "lead")
    return found


def write(app: Flask, world: World, cycle: int, failed: list[Exception]) -> None:
    """Submit and withdraw in turn, in a program of its own."""
    with app.app_context():
        try:
            for turn in range(ACTS):
                args = {"content": {"note": str(turn)}} if turn % 2 == 0 else {}
                fire(db.session, world.origin("lead"), cycle, "withdraw" if turn % 2 else "submit", args)
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)
        finally:
            db.session.remove()
            db.engine.dispose()


def follow(app: Flask, world: World, done: threading.Event, seen: list[int]) -> None:
    """Poll from the beginning until the writers have ended and nothing more comes."""
    with app.app_context():
        while True:
            last = done.is_set()
            event_stream.relay(db.session)
            seen += [row.position for row in rows.after(driver(db.session), world.college, (seen or [0])[-1], 1000)]
            db.session.rollback()
            if last:
                break
        db.session.remove()
        db.engine.dispose()


def test_an_event_is_a_cloudevent_that_never_changes(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={"note": "SECRET-WORDS"})
    first = [events.envelope(row) for row in polled(world)]
    world.fire(cycle, "approve", "major", comment="SECRET-WORDS")

    found = [events.envelope(row) for row in polled(world)]
    submitted = next(e for e in found if e["type"] == "qaflow.cycle.stage-submitted")

    assert found[: len(first)] == first
    assert submitted["specversion"] == "1.0" and submitted["subject"] == f"cycles/{cycle}"
    assert submitted["id"] == f"cycle:{cycle}:2" and submitted["source"] == "urn:qaflow:college:tiny"
    assert submitted["data"]["stage"] == "goal" and submitted["data"]["items"][0]["kind"] == "decide"


def polled(world: World) -> list[rows.Row]:
    event_stream.relay(db.session)
    return everything(world.college)


def test_no_event_names_a_person_or_holds_words(world: World) -> None:
    """Whatever stands in a fact, only the fields of the table come out, and none of them is a person's or a text's."""
    personal = {"by", "for", "holder", "signer", "signers", "responsible", "assessor", "recorded_by", "acknowledged_by",
                "owner_id", "reason", "comment", "text", "content", "measure", "cause", "name", "login", "missing",
                "raised", "title", "account"}  # fmt: skip

    for kind, how in events.TOLD.items():
        assert not personal & set(how.carries), kind
    whole = {name: dict.fromkeys(personal, "x") for name in ("enter", "warning", "sheet", "set")}
    whole["items"] = [dict.fromkeys(personal, "x")]  # type: ignore[assignment]
    for kind in events.TOLD:
        assert "x" not in json.dumps(events.carried(kind, whole)).replace("exit", ""), kind


def test_a_reader_gets_the_events_of_what_they_may_see_and_no_trace_of_others(world: World) -> None:
    near, far = world.start("C1"), world.start("C9")

    def cycles(login: str) -> set[str]:
        me = Me(person=world.persons[login], college=world.college)
        page = event_stream.poll(db.session, world.origin(login), me)
        return {event["subject"] for event in page.items if event["subject"].startswith("cycles/")}

    assert cycles("lead") == {f"cycles/{near}"}
    assert cycles("far_lead") == {f"cycles/{far}"}
    assert cycles("guest") == set()
    assert cycles("office") == {f"cycles/{near}", f"cycles/{far}"}


def test_pages_follow_each_other_without_gap_or_overlap(world: World) -> None:
    for code in codes(world):
        world.start(code)
    me, origin = Me(person=world.persons["office"], college=world.college), world.origin("office")
    whole = event_stream.poll(db.session, origin, me, most=500)
    found: list[str] = []
    page = event_stream.poll(db.session, origin, me, most=3)
    while True:
        found += [event["id"] for event in page.items]
        if not page.more:
            break
        page = event_stream.poll(db.session, origin, me, page.after, most=3)

    assert found == [event["id"] for event in whole.items]
    assert len(found) > WRITERS


def test_one_type_can_be_asked_for_and_an_unknown_one_is_named(world: World) -> None:
    world.start()
    me, origin = Me(person=world.persons["office"], college=world.college), world.origin("office")

    page = event_stream.poll(db.session, origin, me, types=("qaflow.cycle.started",))
    with pytest.raises(Invalid) as caught:
        event_stream.poll(db.session, origin, me, types=("qaflow.cycle.begun",))

    assert {event["type"] for event in page.items} == {"qaflow.cycle.started"}
    assert caught.value.code == "event.unknown_type"
