"""P18 for webhooks: whatever the receiver does and wherever the sender dies, no event is lost or out of order."""

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from receiving import Receiver
from standardwebhooks import Webhook, WebhookVerificationError

from qaflow.adapters.clock import StoppedClock
from qaflow.adapters.targets import Guard
from qaflow.adapters.webhooks import Sender
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.errors import Forbidden, Invalid, Missing, QaflowError
from qaflow.services.events import delivering, webhooks
from qaflow.services.ports import Answer, Ports
from qaflow.services.sweeping import tick
from qaflow.store.db import db
from qaflow.testing import World, spiral

KILLS = 30


def loopback(whole: float = 5.0) -> Sender:
    """A sender that may reach receivers on this machine: no setting makes one."""
    return Sender(guard=Guard(loopback=True, ports=False), whole=whole)


class Desk:
    """The administrator of a tiny college with webhooks, and the tick that sends."""

    def __init__(self, app: Flask, sender: Any) -> None:
        self.world = World(db.session, spiral(stages=("goal", "implement", "improve")))
        self.ports: Ports = replace(app.extensions["qaflow"], poster=sender, clock=StoppedClock(self.world.now))
        self.me = Me(self.world.persons["admin"], self.world.college)
        self.cycle = self.world.start("C1")
        self.other = self.world.start("C9")

    def add(self, url: str, types: tuple[str, ...] = ()) -> tuple[int, str]:
        return webhooks.add(db.session, self.ports, self.world.origin("admin"), self.me, "mining", url, types)

    def deliver(self, minutes: float = 0, budget: float = 10.0) -> dict[str, int]:
        self.world.now += dt.timedelta(minutes=minutes)
        return delivering.deliver(db.session, self.ports, self.world.origin(), True, budget)

    def turns(self, cycle: int, count: int, lead: str = "lead") -> None:
        """Submit and withdraw in turn: one event each."""
        for turn in range(count):
            if turn % 2:
                self.world.fire(cycle, "withdraw", lead)
            else:
                self.world.fire(cycle, "submit", lead, content={"note": str(turn)})

    def act(self, name: str, *args: Any, login: str = "admin") -> Any:
        me = Me(self.world.persons[login], self.world.college)
        return getattr(webhooks, name)(db.session, self.world.origin(login), me, *args)

    def rotate(self, hook: int) -> str:
        return webhooks.rotate(db.session, self.ports, self.world.origin("admin"), self.me, hook)

    def resume(self, hook: int) -> None:
        webhooks.resume(db.session, self.ports, self.world.origin("admin"), self.me, hook)

    def look(self, hook: int) -> Any:
        return self.act("look", hook)


class Me:
    """Who asks."""

    def __init__(self, person: int, college: int) -> None:
        self.person, self.college = person, college


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, loopback())


def in_order(receiver: Receiver) -> bool:
    """Within each history the first arrival of every event comes after those of the events before it."""
    seen: dict[str, list[int]] = {}
    for one in receiver.taken:
        stream, _, seq = one.id.rpartition(":")
        if int(seq) not in seen.setdefault(stream, []):
            seen[stream].append(int(seq))
    return all(numbers == sorted(numbers) for numbers in seen.values())


def test_events_since_the_registration_arrive_signed_and_in_order(desk: Desk) -> None:
    with Receiver() as receiver:
        desk.add(receiver.url)
        desk.turns(desk.cycle, 4)
        desk.turns(desk.other, 3, "far_lead")

        assert desk.deliver() == {"sent": 7}

    wanted = [f"cycle:{desk.cycle}:{n}" for n in range(2, 6)] + [f"cycle:{desk.other}:{n}" for n in range(2, 5)]
    assert sorted(one.id for one in receiver.taken) == sorted(wanted)
    assert in_order(receiver)
    assert all(one.event["id"] == one.id for one in receiver.taken)
    assert receiver.taken[0].headers["content-type"] == "application/cloudevents+json"


def test_independent_code_verifies_the_signature_and_refuses_a_changed_body(desk: Desk) -> None:
    desk.world.now = now_of_this_machine()
    with Receiver() as receiver:
        _, secret = desk.add(receiver.url)
        desk.turns(desk.cycle, 1)
        desk.deliver()
    (one,) = receiver.taken

    Webhook(secret).verify(one.body, one.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(one.body.replace(b"goal", b"gaol"), one.headers)


def now_of_this_machine() -> dt.datetime:
    """The receiver compares with its own clock: a day in term that is far from now would be refused as too old."""
    return dt.datetime.now(dt.UTC)


def test_while_a_secret_is_renewed_both_verify_and_afterwards_only_the_new_one(desk: Desk) -> None:
    desk.world.now = now_of_this_machine()
    with Receiver() as receiver:
        hook, old = desk.add(receiver.url)
        new = desk.rotate(hook)
        desk.act("trial", hook)
        desk.deliver()
        during = receiver.taken[0]
        for secret in (old, new):
            Webhook(secret).verify(during.body, during.headers)

        desk.world.now += dt.timedelta(hours=25)
        desk.act("trial", hook)
        desk.deliver()
    assert during.headers["webhook-signature"].count("v1,") == 2
    assert receiver.taken[1].headers["webhook-signature"].count("v1,") == 1


@pytest.mark.parametrize("fault", [500, 503, 302, 404, "drop"])
def test_what_fails_comes_again_under_the_same_id_and_nothing_overtakes_it(desk: Desk, fault: int | str) -> None:
    with Receiver(plan=[fault, fault]) as receiver:
        desk.add(receiver.url)
        desk.turns(desk.cycle, 4)
        done = [desk.deliver(), desk.deliver(0.5), desk.deliver(1), desk.deliver(5)]

    ids = [one.id for one in receiver.taken]
    assert done == [{"failed": 1}, {}, {"failed": 1}, {"sent": 4}]  # in the half minute it is left alone
    assert ids == [f"cycle:{desk.cycle}:{n}" for n in (2, 2, 2, 3, 4, 5)]


def test_a_target_that_stalls_takes_bounded_time_and_holds_no_other_up(app: Flask) -> None:
    desk = Desk(app, loopback(whole=0.3))
    with Receiver(plan=["stall"]) as slow, Receiver() as quick:
        desk.add(slow.url)
        desk.add(quick.url)
        desk.turns(desk.cycle, 6)
        began = os.times().elapsed
        done = desk.deliver()
        took = os.times().elapsed - began

    assert done == {"sent": 6, "failed": 1}
    assert took < 3
    assert len(quick.taken) == 6


def test_a_target_that_is_down_for_ten_minutes_gets_all_when_it_is_back(desk: Desk) -> None:
    with Receiver() as receiver:
        url = receiver.url
        hook, _ = desk.add(url)
    desk.turns(desk.cycle, 5)
    done = [desk.deliver(minutes) for minutes in (0, 1, 5)]
    assert done == [{"failed": 1}] * 3
    with Receiver() as receiver:
        db.session.execute(db.text("update webhook set url = :u"), {"u": receiver.url})
        db.session.commit()

        assert desk.deliver(15) == {"sent": 5}
    shown, log = desk.look(hook)
    assert (shown.failures, shown.state, {one.state for one in log}) == (0, "active", {"sent"})


def test_one_event_that_is_always_refused_holds_up_its_own_history_alone(desk: Desk) -> None:
    with Receiver() as receiver:
        desk.add(receiver.url)
        desk.turns(desk.cycle, 2)
        receiver.plan = [400]
        assert desk.deliver() == {"failed": 1}
        desk.turns(desk.other, 2, "far_lead")
        receiver.plan = [200, 200, 400]
        assert desk.deliver(1) == {"sent": 2, "failed": 1}

    assert [one.id for one in receiver.taken[1:3]] == [f"cycle:{desk.other}:{n}" for n in (2, 3)]


def test_after_repeated_failure_it_is_paused_with_an_incident_and_goes_on_where_it_stood(desk: Desk) -> None:
    with Receiver(plan=[500] * 9) as receiver:
        hook, _ = desk.add(receiver.url)
        desk.turns(desk.cycle, 2)
        desk.deliver()
        for pause in delivering.BACK_OFF:
            desk.deliver(pause.total_seconds() / 60)
        shown, _ = desk.look(hook)
        incidents = desk.world.query("select kind, ref, state from incident")
        tried = len(receiver.taken)
        desk.deliver(10_000)

        assert (shown.state, shown.why, tried, len(receiver.taken)) == ("paused", "HTTP 500", 9, 9)
        assert incidents == [("webhook", f"webhook:{hook}", "open")]
        desk.resume(hook)
        assert desk.deliver() == {"sent": 2}
    assert desk.world.query("select state from incident") == [("solved",)]


def test_a_target_that_is_gone_is_paused_at_once(desk: Desk) -> None:
    with Receiver(plan=[410]) as receiver:
        hook, _ = desk.add(receiver.url)
        desk.turns(desk.cycle, 1)
        desk.deliver()

    assert desk.look(hook)[0].state == "paused"


class Killed:
    """A sender that dies right after the request left, before anything is marked."""

    def __init__(self, after: int) -> None:
        self._sender, self._left = loopback(), after

    def check(self, url: str, plain: bool) -> None:
        self._sender.check(url, plain)

    def post(self, *args: Any) -> Answer:
        found = self._sender.post(*args)
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


def send_and_die(made: Settings, desk: Desk, after: int) -> None:
    app = create_app(made)
    with app.app_context():
        ports = replace(app.extensions["qaflow"], poster=Killed(after))
        delivering.deliver(db.session, ports, desk.world.origin(), True)


def killed(desk: Desk, settings: Settings, send: Callable[..., None]) -> Receiver:
    with Receiver() as receiver:
        desk.add(receiver.url)
        desk.turns(desk.cycle, KILLS)
        desk.turns(desk.other, KILLS, "far_lead")
        db.session.remove()
        db.engine.dispose()
        for number in range(KILLS):
            child = multiprocessing.get_context("fork").Process(target=send, args=(settings, desk, 1 + number % 3))
            child.start()
            child.join()
            assert child.exitcode == -signal.SIGKILL
            desk.world.now += dt.timedelta(minutes=3)
        desk.deliver(3)
        desk.deliver(3)
    return receiver


def test_thirty_deaths_between_sending_and_marking_lose_nothing_and_double_at_most_as_much(
    desk: Desk, settings: Settings
) -> None:
    receiver = killed(desk, settings, send_and_die)

    ids = [one.id for one in receiver.taken]
    wanted = {f"cycle:{c}:{n}" for c in (desk.cycle, desk.other) for n in range(2, KILLS + 2)}
    assert set(ids) == wanted
    assert len(ids) - len(wanted) <= KILLS
    assert in_order(receiver)


def test_who_marks_before_sending_loses_events(desk: Desk, settings: Settings) -> None:
    """The mutant that the deaths must catch."""

    class MarksFirst(Killed):
        def post(self, *args: Any) -> Answer:
            self._left -= 1
            if self._left == 0:
                return Answer(200, 0)  # marked as sent; then it dies without having sent
            return self._sender.post(*args)

    def mark_and_die(made: Settings, desk: Desk, after: int) -> None:
        app = create_app(made)
        with app.app_context():
            ports = replace(app.extensions["qaflow"], poster=MarksFirst(after))
            delivering.deliver(db.session, ports, desk.world.origin(), True, 0.05)
        os.kill(os.getpid(), signal.SIGKILL)

    receiver = killed(desk, settings, mark_and_die)

    assert len({one.id for one in receiver.taken}) < 2 * KILLS


def test_the_tick_sends_after_its_commits_and_a_dead_target_breaks_nothing(desk: Desk) -> None:
    with Receiver() as receiver:
        desk.add(receiver.url)
        desk.add("http://127.0.0.1:9/")
        desk.turns(desk.cycle, 1)
        report = tick.run(db.session, desk.ports, door="test", at=desk.world.now)

    assert report.done["events_sent"] == 1 and report.done["events_failed"] == 1
    assert len(receiver.taken) == 1


def test_only_chosen_types_are_sent_and_a_trial_tells_nothing(desk: Desk) -> None:
    with Receiver() as receiver:
        hook, _ = desk.add(receiver.url, ("qaflow.cycle.stage-withdrawn",))
        desk.turns(desk.cycle, 2)
        desk.act("trial", hook)
        desk.deliver()

    assert sorted(one.event["type"] for one in receiver.taken) == ["qaflow.cycle.stage-withdrawn", "qaflow.trial"]


def test_a_delivery_is_sent_again_by_hand_under_its_id_and_the_log_forgets_after_a_month(desk: Desk) -> None:
    with Receiver() as receiver:
        hook, _ = desk.add(receiver.url)
        desk.turns(desk.cycle, 1)
        desk.deliver()
        (one,) = desk.look(hook)[1]
        desk.act("again", hook, one.id)
        desk.deliver()
        assert [t.id for t in receiver.taken] == [one.message] * 2
        desk.deliver(60 * 24 * 29)
        assert len(desk.look(hook)[1]) == 1
        desk.deliver(60 * 24 * 2)
    assert desk.look(hook)[1] == []


def test_the_secret_is_shown_once_and_lies_sealed(desk: Desk) -> None:
    with Receiver() as receiver:
        hook, secret = desk.add(receiver.url)
    (stored,) = desk.world.query("select secret from webhook")[0]

    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(stored)
    assert "secret" not in vars(desk.look(hook)[0])


def test_with_another_key_of_the_installation_it_is_paused_and_says_why(desk: Desk) -> None:
    with Receiver() as receiver:
        hook, _ = desk.add(receiver.url)
        desk.turns(desk.cycle, 1)
        other = replace(desk.ports.settings, secret_key="another-key-than-before-0123456789-abcdefg")
        desk.ports = replace(desk.ports, settings=other)
        desk.deliver()

    assert receiver.taken == []
    assert desk.look(hook)[0].state == "paused"


@pytest.mark.parametrize("login", ["lead", "office", "head", "guest"])
def test_webhooks_are_the_administrators(desk: Desk, login: str) -> None:
    with Receiver() as receiver:
        hook, _ = desk.add(receiver.url)
    for name, args in (("listed", ()), ("look", (hook,)), ("pause", (hook,)), ("remove", (hook,)), ("trial", (hook,))):
        with pytest.raises(Forbidden):
            desk.act(name, *args, login=login)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://0x7f.1/", "https://127.0.0.1/"])
def test_an_inner_address_is_422_url_not_public(app: Flask, url: str) -> None:
    """RELIABILITY.md, row 69."""
    desk = Desk(app, Sender())

    with pytest.raises(Invalid) as caught:
        desk.add(url)

    assert (caught.value.status, caught.value.code) == (422, "url.not_public")


def test_plain_http_is_for_sandboxes_and_an_installation_refuses_it(desk: Desk) -> None:
    with pytest.raises(QaflowError) as caught:
        loopback().check("http://example.com/", False)

    assert caught.value.code == "url.invalid"


def test_a_removed_webhook_is_gone_and_gets_nothing(desk: Desk) -> None:
    with Receiver() as receiver:
        hook, _ = desk.add(receiver.url)
        desk.turns(desk.cycle, 1)
        desk.act("remove", hook)
        desk.deliver()

    assert receiver.taken == []
    with pytest.raises(Missing):
        desk.look(hook)
