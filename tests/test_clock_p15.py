"""P15: the clock leaps an hour, a day, ten years, back and forth: nothing early, doubled or lost, and people see it."""

import datetime as dt
import json
import random
import time
from dataclasses import replace

import pytest
from flask import Flask
from processes import tell

from qaflow import scheduler, testing
from qaflow.adapters.clock import StoppedClock, Watch
from qaflow.config import Settings
from qaflow.engine.definition import Deadline
from qaflow.services.ports import Ports
from qaflow.services.running import installation
from qaflow.services.sweeping import tick
from qaflow.services.sweeping.waking import Waker
from qaflow.services.work import Origin
from qaflow.store import journal
from qaflow.store.db import db, instant, utc

NONE = dt.timedelta(0)
SKEW = dt.timedelta(seconds=120)
MINUTE, HOUR, DAY, YEAR = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=365)
EIGHT = dt.datetime(2025, 9, 8, 0, tzinfo=dt.UTC)  # Monday 08:00 in Shanghai: the first level
SEED = 15


class Machine:
    """A machine with a true time, a clock that may err, and one process of `qaflow run` on it."""

    def __init__(self, settings: Settings, at: dt.datetime, skew: dt.timedelta = NONE, name: str = "a") -> None:
        """Start the process."""
        self.true, self.error = at, skew
        self.clock = StoppedClock(at + skew)
        self.waker = Waker(Ports(settings=settings, clock=self.clock), Watch(self.clock, self.true_seconds), name)

    def true_seconds(self) -> float:
        """Return the steady time."""
        return self.true.timestamp()

    def at(self, true: dt.datetime) -> tick.Report | None:
        """Let it be a true time, and wake the tick."""
        self.true = true
        self.clock.instant = true + self.error
        return self.waker.wake(db.session)


@pytest.fixture
def world(store_app: Flask) -> testing.World:
    """Return a college whose courses owe their goals by Friday."""
    made = testing.spiral(stages=(testing.stage("goal", deadline=Deadline(date="09-05")), testing.stage("improve")))
    world = testing.World(db.session, made)
    world.courses([f"S{n}" for n in range(18)], "section", "lead")
    world.tick(testing.MONDAY)
    return world


def fired(world: testing.World) -> int:
    """Return how many levels have fired."""
    return int(world.query("select count(*) from escalation")[0][0])


def incidents(world: testing.World) -> list[tuple[str, str]]:
    """Return (what, state) of the clock's incidents."""
    return world.query("select ref, state from incident where kind = 'clock' order by id")  # type: ignore[return-value]


def test_an_hour_ahead_fires_nothing_early_and_is_shown_once(world: testing.World, settings: Settings) -> None:
    machine = Machine(settings, EIGHT - 2 * HOUR)
    machine.at(EIGHT - 2 * HOUR)
    machine.error = HOUR
    for minutes in range(90, 0, -10):
        machine.at(EIGHT - minutes * MINUTE)
        assert fired(world) == 0
    assert incidents(world) == [("forward", "open")]

    machine.at(EIGHT + MINUTE)

    assert fired(world) == 20  # by the time before the leap, neither early nor lost
    assert {at for (at,) in world.query("select fired_at from escalation")} == {utc(EIGHT + MINUTE)}


def test_a_clock_that_comes_back_from_a_leap_is_believed_again(world: testing.World, settings: Settings) -> None:
    machine = Machine(settings, EIGHT - 3 * HOUR)
    machine.error = HOUR
    machine.at(EIGHT - 2 * HOUR)
    machine.error = dt.timedelta(0)
    machine.at(EIGHT - HOUR)
    assert incidents(world) == [("forward", "solved")]

    machine.at(EIGHT + MINUTE)

    assert fired(world) == 20


def test_a_confirmed_leap_is_the_time_from_then_on(world: testing.World, settings: Settings) -> None:
    machine = Machine(settings, EIGHT - 3 * HOUR)
    machine.error = 4 * HOUR
    machine.at(EIGHT - 2 * HOUR)
    other = Ports(settings=settings, clock=machine.clock)

    waits = tick.run(db.session, other, door="tick")
    goes = tick.run(db.session, other, door="tick", confirm=True)
    machine.at(EIGHT - 2 * HOUR + MINUTE)

    assert waits.done == {} and waits.notice is not None and "--confirm" in waits.notice
    assert goes.done == {"escalated": 20}
    assert incidents(world) == [("forward", "solved")]
    assert world.query("select max(to_at) from tick_run") == [(utc(machine.clock.instant),)]


@pytest.mark.parametrize("back", [HOUR, DAY])
def test_a_clock_that_went_back_does_nothing_until_it_has_caught_up(world: testing.World, settings: Settings,
                                                                    back: dt.timedelta) -> None:  # fmt: skip
    machine = Machine(settings, EIGHT - MINUTE)
    machine.at(EIGHT - MINUTE)
    machine.error = -back
    held = machine.at(EIGHT + MINUTE)
    assert held is not None and held.notice is not None
    assert fired(world) == 0
    assert incidents(world) == [("back", "open")]

    machine.at(EIGHT + back + MINUTE)

    assert fired(world) == 20
    assert incidents(world) == [("back", "solved")]


def test_ten_years_ahead_and_back_waits_for_a_person(world: testing.World, settings: Settings) -> None:
    """The leap happened while nothing ran: only the gap tells."""
    ahead = Machine(settings, EIGHT - HOUR, skew=10 * YEAR)
    found = ahead.at(EIGHT - HOUR)
    assert found is not None and found.notice is not None
    right = Machine(settings, EIGHT - HOUR, name="b")
    still = right.at(EIGHT + MINUTE)
    assert still is not None, "a lease from the year 2035 binds nobody"
    assert still.notice is not None and fired(world) == 0
    assert incidents(world) == [("gap", "open")]

    confirmed = tick.run(db.session, Ports(settings=settings, clock=right.clock), door="tick", confirm=True)

    assert confirmed.done == {"escalated": 20}
    assert incidents(world) == [("gap", "solved")]
    assert {at[:4] for (at,) in world.query("select at from journal")} == {"2025"}


def test_a_thousand_seconds_to_and_fro_and_a_frozen_clock_change_nothing(
    world: testing.World, settings: Settings
) -> None:
    dice = random.Random(SEED)
    tell(f"seed {SEED}")
    machine = Machine(settings, EIGHT - MINUTE)
    woken = 0
    for step in range(1000):
        machine.error = dt.timedelta(seconds=dice.choice((-1, 0, 1)))
        true = EIGHT - MINUTE + dt.timedelta(seconds=min(step // 4, 120))  # frozen from the 480th on
        machine.at(true)
        woken += 1
        assert fired(world) == 0 or true >= EIGHT - SKEW

    assert (woken, fired(world)) == (1000, 20)
    assert incidents(world) == []


def test_two_processes_ninety_seconds_apart_fire_once_and_within_the_bound(
    world: testing.World, settings: Settings
) -> None:
    fast = Machine(settings, EIGHT - 10 * MINUTE, skew=dt.timedelta(seconds=90), name="fast")
    slow = Machine(settings, EIGHT - 10 * MINUTE, name="slow")
    for second in range(-600, 300, 30):
        for machine in (fast, slow):
            machine.true = EIGHT + dt.timedelta(seconds=second)
            machine.clock.instant = machine.true + machine.error
            tick.run(db.session, Ports(settings=settings, clock=machine.clock), door="test")  # both, lease or no lease
            assert fired(world) == 0 or machine.true >= EIGHT - SKEW

    assert fired(world) == 20
    assert incidents(world) == []


def test_history_goes_by_number_not_by_time(world: testing.World) -> None:
    cycle = world.query("select c.id from cycle c join subject s on s.id = c.subject_id where s.code = 'C1'")[0][0]
    world.now = testing.MONDAY + 2 * HOUR
    world.fire(cycle, "comment", "lead", text="first")
    world.now = testing.MONDAY + HOUR  # the clock went back
    world.fire(cycle, "submit", "lead", content={})
    world.now = testing.MONDAY - DAY
    world.fire(cycle, "approve", "major")

    entries = world.within(lambda d: journal.read(d, f"cycle:{cycle}"))

    kinds = ["CycleStarted", "Commented", "StageSubmitted", "StageApproved"]
    assert [e.kind for e in entries] == kinds
    assert chained(entries)
    wrong = sorted(entries, key=lambda e: e.at)  # the planted defect: order by timestamp
    assert [e.kind for e in wrong] != kinds
    assert not chained(wrong)


def chained(entries: list[journal.Entry]) -> bool:
    """Tell whether each entry names the one before and is what its hash says."""
    prev = journal.GENESIS
    for entry in entries:
        if entry.prev != prev or journal.digest(entry.prev, *entry[:12]) != entry.hash:
            return False
        prev = entry.hash
    return True


def test_the_watch_sees_how_far_a_clock_leapt_and_not_how_long_it_ran() -> None:
    clock, seconds = StoppedClock(EIGHT), [0.0]
    watch = Watch(clock, lambda: seconds[0])
    clock.instant, seconds[0] = EIGHT + 3 * HOUR, 3 * 3600.0
    assert watch.ahead() == dt.timedelta(0)
    clock.instant += HOUR
    assert watch.ahead() == HOUR
    watch.trust()
    assert watch.ahead() == dt.timedelta(0)


# On the command line


@pytest.fixture
def installed(app: Flask) -> None:
    """Make the database of `runner` an installation, not a sandbox."""
    now = dt.datetime.now(dt.UTC)
    installation.create(db.session, Origin(now=now, recorded=now, door="test"), False)
    db.session.remove()


def test_a_tick_later_than_the_clock_is_refused_on_an_installation(installed: None, runner: object) -> None:
    later = (dt.datetime.now(dt.UTC) + HOUR).isoformat()

    result = runner("tick", "--at", later, "--json")  # type: ignore[operator]

    assert result.exit_code == 4
    assert json.loads(result.stdout)["code"] == "clock.future"


def test_a_tick_earlier_than_the_last_does_nothing_and_says_so(installed: None, runner: object) -> None:
    assert runner("tick", "--json").exit_code == 0  # type: ignore[operator]
    earlier = (dt.datetime.now(dt.UTC) - HOUR).isoformat()

    result = runner("tick", "--at", earlier, "--json")  # type: ignore[operator]

    assert result.exit_code == 0
    assert "lies before the last tick" in json.loads(result.stdout)["notice"]


def test_in_a_sandbox_a_tick_may_be_of_any_time(world: testing.World, store_settings: Settings) -> None:
    ports = Ports(settings=store_settings, clock=StoppedClock(testing.MONDAY))

    later = tick.run(db.session, ports, door="tick", at=EIGHT)
    earlier = tick.run(db.session, ports, door="tick", at=EIGHT - DAY)

    assert later.done == {"escalated": 20}
    assert earlier.notice is None


def test_a_lease_goes_to_one_until_it_ends_or_is_given_up(app: Flask) -> None:
    def elect(holder: str, at: dt.datetime) -> bool:
        return tick.elect(db.session, holder, at)

    assert [elect("a", EIGHT), elect("b", EIGHT + MINUTE), elect("a", EIGHT + MINUTE)] == [True, False, True]
    assert not elect("b", EIGHT + 3 * MINUTE)  # renewed a minute ago
    assert elect("b", EIGHT + 4 * MINUTE)
    tick.resign(db.session, "b", EIGHT + 4 * MINUTE)
    assert elect("a", EIGHT + 4 * MINUTE + dt.timedelta(microseconds=1))
    assert instant(utc(EIGHT)) == EIGHT


def test_a_long_interval_keeps_its_lease_between_two_ticks(app: Flask, settings: Settings) -> None:
    hourly = replace(settings, tick_seconds=3600)

    assert tick.elect(db.session, "a", EIGHT, hourly.tick_seconds)
    assert not tick.elect(db.session, "b", EIGHT + HOUR, hourly.tick_seconds)


# The alarm clock itself


def woken_after(leap: dt.timedelta, steady: bool) -> int:
    """Return how often the tick was woken in two seconds after the machine's clock had been set by `leap`."""
    calls: list[int] = []
    now = dt.datetime.now(dt.UTC)
    clock = (lambda: dt.datetime.now(dt.UTC)) if steady else None
    made = scheduler.start(lambda: calls.append(1), 1, now - leap, clock)
    try:
        time.sleep(2.5)
    finally:
        made.shutdown()
    return len(calls)


def test_an_alarm_clock_whose_turn_lies_ten_years_ahead_goes_on_at_once() -> None:
    """The clock was ten years ahead when the next turn was set, and came back."""
    assert woken_after(-10 * YEAR, steady=True) >= 2
    assert woken_after(-10 * YEAR, steady=False) == 0  # the planted defect: it would sleep for ten years


def test_an_alarm_clock_that_missed_ten_years_wakes_once_and_then_at_its_pace() -> None:
    assert 2 <= woken_after(10 * YEAR, steady=True) <= 4
