"""P7: each request is sent two to five times with one key, at once and again after a kill; one effect, one reply."""

from __future__ import annotations

import http.client
import json
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

import pytest
from conftest import entered
from processes import tell
from rights.served import SOON, at_once, server

from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.store.db import Sql, db, reading
from qaflow.testing import World

SEED = 7
ROUND = 125  # requests between two kills
TOGETHER = 4  # requests under way at one moment, each sent several times
EACH = 40  # tokens that one person makes: nobody has more than fifty
APART, AT_ONCE = 12, 4  # acts apart, and how often each is sent at one moment
Heard = tuple[int, str, str]


@dataclass
class Sender:
    """Programs that send each request several times, and what they were answered."""

    settings: Settings
    tokens: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    heard: dict[int, list[Heard]] = field(default_factory=dict)
    sent: int = 0
    lost: int = 0

    def send(self, port: int, n: int, other: str = "") -> Heard | None:
        """Send the n-th request; None where the server was gone before it answered."""
        path, body, more = request(n)
        headers = {"Authorization": f"Bearer {self.tokens[n % len(self.tokens)]}", "Content-Type": "application/json",
                   "Idempotency-Key": f"k{n}"}  # fmt: skip
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
        try:
            line.request("POST", path, json.dumps(body) + other, headers | more)
            answer = line.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Location", "")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()

    def several(self, port: int, n: int) -> None:
        """Send a request two to five times at one moment."""
        answers = at_once([partial(self.send, port, n)] * self.chance.randint(2, 5))
        self.heard.setdefault(n, []).extend(one for one in answers if one is not None)
        self.sent += len(answers)
        self.lost += answers.count(None)

    def wave(self, numbers: Sequence[int], kill: bool, defect: str = "") -> None:
        """Send requests to a server of their own; it is killed at their half, or when all are answered."""
        enough = Event()

        def one(port: int, place: int, n: int) -> None:
            self.several(port, n)
            if place == len(numbers) // 2:
                enough.set()

        with ThreadPoolExecutor(TOGETHER) as pool:
            with server(self.settings, defect=defect, QAFLOW_API_RATE="100000") as port:
                under_way = [pool.submit(one, port, place, n) for place, n in enumerate(numbers)]
                if kill:
                    assert enough.wait(SOON * 2)
                else:
                    _ended(under_way)
            _ended(under_way)


def _ended(under_way: Sequence[Any]) -> None:
    for one in under_way:
        one.result()


def request(n: int) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the n-th request that changes something: a new token, or a comment on the cycle."""
    if n % 2:
        return "/api/v1/me/tokens", {"name": f"n{n}", "scopes": ["read"], "days": 1}, {}
    return "/api/v1/cycles/1/actions/comment", {"text": f"word {n}"}, {"If-Match": "*"}


def prepared(settings: Settings, size: int) -> Sender:
    """Return the programs of people who see a cycle that runs."""
    sender = Sender(settings, [])
    for _ in entered(settings):
        world = World(db.session, now=datetime.now(UTC))
        assert world.start() == 1
        for n in range(size // 2 // EACH + 2 | 1):  # an odd number of people: each sends both kinds
            world.person(f"p{n}", "committee", "section")
            sender.tokens.append(passwords.token_for(db.session, world.origin(), f"p{n}"))
    return sender


def effects(settings: Settings) -> Counter[str]:
    """Return how often each token was made, and how many comments."""
    found: Counter[str] = Counter()
    for _ in entered(settings):
        driver = reading(db.session)
        found.update(str(name) for (name,) in driver.all(Sql("select name from token where name <> ''")))
        found["comments"] = int(driver.value(Sql("select count(*) from journal where kind = 'Commented'")))
        db.session.rollback()
    return found


def wrong(sender: Sender, size: int) -> list[str]:
    """Return what was done more or less than once, and who was told different things."""
    done = effects(sender.settings)
    expected = Counter({f"n{n}": 1 for n in range(size) if n % 2}) + Counter({"comments": len(range(0, size, 2))})
    faults = [f"{name}: {done[name]} times" for name in sorted({*done, *expected}) if done[name] != expected[name]]
    faults += [f"request {n}: {len(set(heard))} replies" for n, heard in sender.heard.items() if len(set(heard)) != 1]
    return faults + [f"request {n}: {heard[0][:2]}" for n, heard in sender.heard.items() if heard[0][0] >= 300]


@pytest.mark.parametrize("size", [250, pytest.param(5_000, marks=pytest.mark.long)])
def test_each_request_has_one_effect_and_one_reply_however_often_it_is_sent(
    store_settings: Settings, size: int
) -> None:
    settings = store_settings
    sender = prepared(settings, size)

    for start in range(0, size, ROUND):
        numbers = range(start, min(start + ROUND, size))
        sender.wave(numbers, kill=True)
        sender.wave(numbers, kill=False)
    with server(settings, QAFLOW_API_RATE="100000") as port:
        others = [sender.send(port, n, other=" ") for n in range(0, size, 25)]

    tell(f"P7: seed {SEED}, {size} requests sent {sender.sent} times, {sender.lost} unanswered at the kills")
    assert sender.lost > 0, "no kill came between"
    assert wrong(sender, size) == []
    assert {one and one[0] for one in others} == {422}
    assert all(one and json.loads(one[1])["code"] == "idempotency.mismatch" for one in others)


def test_a_key_that_is_checked_outside_the_transaction_gives_more_than_one_effect(settings: Settings) -> None:
    sender = prepared(settings, ROUND)

    sender.wave(range(ROUND), kill=False, defect="unkeyed")

    assert any(fault.startswith("n") for fault in wrong(sender, ROUND))


def confirmed(port: int, token: str, key: str) -> Heard:
    """Let automatic steps go on, which is an act apart: in transactions of its own."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    try:
        line.request("POST", "/api/v1/operations/confirm", None, headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Retry-After", "")
    finally:
        line.close()


def test_an_act_apart_is_done_once_and_whoever_sends_it_meanwhile_is_told_so(store_settings: Settings) -> None:
    for _ in entered(store_settings):
        token = passwords.token_for(db.session, World(db.session, now=datetime.now(UTC)).origin(), "admin")

    with server(store_settings, QAFLOW_API_RATE="100000") as port:
        rounds = [at_once([partial(confirmed, port, token, f"k{n}")] * AT_ONCE) for n in range(APART)]
        after = [confirmed(port, token, f"k{n}") for n in range(APART)]

    for _ in entered(store_settings):
        ((done,),) = reading(db.session).all(Sql("select count(*) from tick_run where door = 'api'"))
        db.session.rollback()
    early = [one for heard in rounds for one in heard if one[0] == 409]
    tell(f"P7: {APART} acts apart sent {AT_ONCE} times at once, {len(early)} told that it is under way")
    assert done == APART
    assert {(one[0], json.loads(one[1])["code"], one[2]) for one in early} == {(409, "idempotency.under_way", "5")}
    for heard, last in zip(rounds, after, strict=True):
        assert {one for one in heard if one[0] != 409} == {last} and last[0] == 200
