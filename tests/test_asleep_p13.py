"""P13: the machine sleeps from Friday 17:00 to Monday 17:30, or for 400 days; all that came due is made good once."""

import datetime as dt
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from processes import spawn, tell, until

from qaflow import scheduler, testing
from qaflow.adapters.mail import FileMailer
from qaflow.config import Settings
from qaflow.engine.definition import Deadline, Level
from qaflow.services.ports import Notice
from qaflow.services.sweeping import tick
from qaflow.services.work import Origin
from qaflow.store import sweep
from qaflow.store.db import Sql, checkpoint, db, utc

ITEMS = 20_000
LADDER = (Level(after=1, to="supervisor"), Level(after=2, to="leader"), Level(after=3, to="quality_office"))
ASLEEP = dt.datetime(2025, 9, 5, 9, tzinfo=dt.UTC)  # Friday 17:00 in Shanghai
AWAKE = ASLEEP + dt.timedelta(hours=72, minutes=30)
LIMIT = dt.timedelta(days=400)
DRAINED = 300  # seconds on one core
FIRST_TICK = 60


class Counting(FileMailer):
    """The file mailer, and to whom it sent how often."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sent: Counter[str] = Counter()

    def send(self, notice: Notice) -> None:
        """Write the message and count it."""
        super().send(notice)
        self.sent[notice.to] += 1


def college(days: Sequence[str], count: int) -> testing.World:
    """Return a college whose courses run one track for each day on which the first stage is due."""
    forms = [testing.spiral(key=f"tiny.due{n}", ladder=LADDER, stages=(
        testing.stage("goal", deadline=Deadline(date=day)), testing.stage("improve")))
        for n, day in enumerate(days)]  # fmt: skip
    tracks = [testing.track(key=f"due{n}", definition=form.key) for n, form in enumerate(forms)]
    world = testing.World(db.session, *forms, tracks=tracks)
    world.courses([f"S{n}" for n in range(count // len(days) - 2)], "section", "lead")
    return world


def swept(world: testing.World, at: dt.datetime, mailer: FileMailer | None = None,
          confirm: bool = False) -> tick.Report:  # fmt: skip
    """Sweep at an instant, as an installation does."""
    world.now = at
    return tick.swept(db.session, Origin(now=at, recorded=at, door="test"), limit=LIMIT, mailer=mailer, confirm=confirm)


def test_a_weekend_asleep_is_made_good_in_order_with_one_message_each(app: Flask, settings: Settings) -> None:
    days = ("09-03", "09-04", "09-05")  # on Monday their third, second and first level have come
    world = college(days, ITEMS + 4)
    swept(world, testing.MONDAY)
    for day in (4, 5):
        swept(world, dt.datetime(2025, 9, day, 1, tzinfo=dt.UTC))
    before = world.query("select count(*) from escalation")[0][0]
    swept(world, ASLEEP)
    world.within(lambda d: d.run(Sql("update outbox set state = 'sent'")))
    due = world.query("select count(*) from work_item where next_level_at <= :now", now=utc(AWAKE))[0][0]
    started = world.query("select count(*) from cycle")[0][0]
    db.session.remove()
    checkpoint(db.session)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])

    began = time.monotonic()
    process = spawn(settings, "fast", AWAKE.isoformat(), str(time.time()), "1", "yes", "run", "--port", port)
    try:
        ticked = "select done from tick_run where door = 'scheduler' and ended_at is not null order by id"
        until(lambda: bool(world.query("select 1 from tick_run where door = 'scheduler'")), FIRST_TICK)
        until(lambda: bool(world.query(ticked)), DRAINED)
        until(lambda: "messages" in json.loads(world.query(ticked)[0][0]))
        tell(f"drained {due} items in {time.monotonic() - began:.1f} s")
    finally:
        process.terminate()
        process.communicate(timeout=30)

    woken = "select level, count(*) from escalation where fired_at >= :at group by level"
    levels = dict(world.query(woken, at=utc(AWAKE)))
    assert due == started >= ITEMS  # the floor: at least 20,000 over three levels
    assert sum(levels.values()) == due and set(levels) == {1, 2, 3} and before > 0
    assert world.query("select count(*) from work_item where next_level_at <= :now", now=utc(AWAKE)) == [(0,)]
    mails = [file.read_text().split("\n")[1] for file in (settings.home / "mail").iterdir()]
    assert sorted(mails) == sorted({*mails}) and {"To: head", "To: vp"} <= {*mails}
    in_order(world)


def in_order(world: testing.World) -> None:
    """Assert that the levels of each deadline follow each other without a gap."""
    fired: dict[tuple[int, int], list[int]] = {}
    for item, number, level in world.query("select item_id, deadline_no, level from escalation order by id"):
        fired.setdefault((item, number), []).append(level)
    assert all(levels == list(range(1, len(levels) + 1)) for levels in fired.values())


def test_after_400_days_everything_is_made_good_in_one_sweep(store_app: Flask, tmp_path: Path) -> None:
    world = college(("09-05",), 502)
    swept(world, testing.MONDAY)
    late = [row[0] for row in world.query("select id from work_item")]
    mailer = Counting(tmp_path / "mail")

    report = swept(world, testing.MONDAY + LIMIT, mailer)

    assert len(late) == 502 and report.notice is None
    fired = Counter(item for (item,) in world.query("select item_id from escalation"))
    assert all(fired[item] == 3 for item in late)
    in_order(world)
    assert report.done["periods_ended"] == 502
    assert report.done["started"] == 502
    assert set(mailer.sent.values()) == {1}
    assert {"head", "vp", "office"} <= set(mailer.sent)
    assert swept(world, testing.MONDAY + LIMIT, mailer).done == {}


def test_a_gap_of_more_than_400_days_waits_for_a_person(app: Flask) -> None:
    world = college(("09-05",), 5)
    swept(world, testing.MONDAY)
    beyond = testing.MONDAY + LIMIT + dt.timedelta(seconds=1)

    waiting = [swept(world, beyond), swept(world, beyond + dt.timedelta(days=1))]

    for report in waiting:
        assert report.notice is not None and "--confirm" in report.notice
        assert report.done == {}
    assert world.query("select count(*) from escalation") == [(0,)]
    assert world.query("select kind, ref, state from incident") == [("clock", "gap", "open")]
    assert [json.loads(s) for (s,) in world.query("select skipped from tick_run order by id")] == [
        {}, {"paused": 400}, {"paused": 401}]  # fmt: skip

    report = swept(world, beyond + dt.timedelta(days=2), confirm=True)

    assert report.done["escalated"] > 0
    assert world.query("select state from incident") == [("solved",)]
    assert swept(world, beyond + dt.timedelta(days=3)).notice is None


def diagnosing(policy: str) -> testing.World:
    """Return a college whose two courses fill a sheet each month, with a policy for those that were missed."""
    sheets = (testing.sheet("self", "responsible"),)
    made = testing.spiral(stages=("implement", "improve"), catch_up=policy, sheets=sheets)
    monthly = testing.track(diagnoses=(testing.Diagnosis(kind="self", every="monthly"),))
    return testing.World(db.session, made, tracks=(monthly,))


@pytest.mark.parametrize(("policy", "issued", "dropped"), [("all", 10, 0), ("once", 1, 9), ("skip", 1, 9)])
def test_sheets_of_a_time_asleep_follow_the_definition(app: Flask, policy: str, issued: int, dropped: int) -> None:
    world = diagnosing(policy)
    cycle = world.start("C1")
    planned = world.query("select count(*) from sheet where state = 'planned'")
    swept(world, testing.MONDAY + dt.timedelta(days=1))
    assert planned == [(12,)]

    report = swept(world, dt.datetime(2026, 6, 25, 1, tzinfo=dt.UTC))

    states = Counter(state for (state,) in world.query("select state from sheet where cycle_id = :c", c=cycle))
    assert (states["open"], states["dropped"]) == (issued, dropped)
    assert report.done["sheets"] == 2 * issued  # there are two courses
    assert report.skipped.get("sheets", 0) == 2 * dropped
    last = world.query("select skipped from tick_run order by id desc limit 1")
    assert [json.loads(skipped) for (skipped,) in last] == [report.skipped]


def test_a_tick_that_was_killed_does_not_hide_that_time_was_missed(app: Flask) -> None:
    world = diagnosing("skip")
    world.start("C1")
    swept(world, testing.MONDAY)
    later = dt.datetime(2026, 6, 25, 1, tzinfo=dt.UTC)
    world.within(lambda d: tick.ticks.begin(d, utc(testing.MONDAY), utc(later), utc(later), "test"))

    report = swept(world, later + dt.timedelta(seconds=30))

    assert report.skipped == {"sheets": 18}


# The planted defects


def alarm(grace: int | None, calls: list[float]) -> BackgroundScheduler:
    """Return an alarm clock whose first wake-up lay three days ago."""
    made = BackgroundScheduler(timezone=dt.UTC, executors={"default": ThreadPoolExecutor(1)})
    first = dt.datetime.now(dt.UTC) - dt.timedelta(hours=72, minutes=30)
    made.add_job(lambda: calls.append(0), "interval", seconds=3600, next_run_time=first, coalesce=True, max_instances=1,
                 misfire_grace_time=grace)  # fmt: skip
    made.start()
    return made


def test_the_alarm_clock_wakes_the_tick_at_once_after_a_sleep() -> None:
    woken = threading.Event()
    made = scheduler.start(woken.set, 3600, dt.datetime.now(dt.UTC) - dt.timedelta(hours=72, minutes=30))
    try:
        assert woken.wait(10)
    finally:
        made.shutdown()


def test_an_alarm_clock_with_a_second_of_grace_is_caught() -> None:
    """The planted defect `misfire_grace_time=1`: what the test above asserts would fail."""
    right: list[float] = []
    wrong: list[float] = []
    with closing(_Stopping(alarm(None, right))), closing(_Stopping(alarm(1, wrong))):
        until(lambda: bool(right), 10)
        time.sleep(0.5)

    assert wrong == []


class _Stopping:
    """Something to be closed that is shut down."""

    def __init__(self, made: BackgroundScheduler) -> None:
        self.close = made.shutdown


def test_a_tick_that_looks_at_today_alone_is_caught(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: a sweep that asks only for what came due today loses what came due while it slept."""
    world = college(("09-03", "09-04"), 10)
    swept(world, testing.MONDAY)
    right = sweep.items_late
    today = utc(AWAKE)[:10]
    monkeypatch.setattr(sweep, "items_late", lambda *args: [i for i in right(*args) if i.level_at.startswith(today)])

    swept(world, AWAKE)

    assert world.query("select count(*) from work_item where next_level_at <= :now", now=utc(AWAKE))[0][0] > 0
