"""P10: many browsers write to one cycle, and to many, through the running program: no more win than the rules allow."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from browsing import PASSWORD
from conftest import entered
from flask import Flask
from processes import tell
from rights.served import Surfer, at_once, server

from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.store.db import db
from qaflow.testing import World, spiral

CLIENTS = 32
SEED = 10
TOLD = (303, 403, 404, 409, 412)
"""What a browser may hear: it won, or why it did not."""
WHO = ("lead", "major", "office", "diag")


def prepared(app: Flask, cycles: int) -> tuple[World, list[int]]:
    """Return a college of today and so many cycles of one person."""
    world = World(db.session, spiral(stages=("goal", "design", "implement", "improve")), now=datetime.now(UTC))
    codes = [f"R{n}" for n in range(cycles)]
    world.courses(codes, "section", "lead")
    passwords.share(db.session, world.origin(), [world.persons[one] for one in WHO], PASSWORD)
    numbers = [world.start(code) for code in codes]
    db.session.remove()
    return world, numbers


def browsers(port: int) -> dict[str, list[Surfer]]:
    """Return so many signed-in browsers of each person as race together."""
    found = {}
    for login in WHO:
        first = Surfer(port)
        assert first.sign_in(login, PASSWORD).status == 303
        found[login] = [first, *(first.tab() for _ in range(CLIENTS - 1))]
    return found


def act(browser: Surfer, cycle: int, action: str, revision: int, **data: str) -> tuple[str, int, str]:
    """Send an act and return what was heard."""
    answer = browser.ask("POST", f"/cycles/{cycle}/{action}", {"revision": revision, "stage": "goal", **data})
    return action, answer.status, answer.text


def race(there: dict[str, list[Surfer]], cycle: int) -> tuple[Counter[str], list[tuple[str, int, str]]]:
    """Let 32 browsers hand one stage in, then 32 decide it either way, then 8 comment; return who won."""
    heard = at_once([partial(act, one, cycle, "submit", 0) for one in there["lead"]])
    yes = [partial(act, one, cycle, "approve", 1) for one in there["major"][:16]]
    no = [partial(act, one, cycle, "reject", 1, reason="no") for one in there["major"][16:]]
    heard += at_once([*yes, *no])
    heard += at_once([partial(act, one, cycle, "comment", 2, text=f"{n}") for n, one in enumerate(there["office"][:8])])
    return Counter(action for action, status, _ in heard if status == 303), heard


def facts(world: World, cycle: int) -> Counter[str]:
    """Return how often each kind of fact stands in a cycle's history."""
    return Counter(world.kinds(cycle))


@pytest.mark.parametrize("size", [20, pytest.param(200, marks=pytest.mark.long)])
def test_of_32_browsers_on_one_cycle_as_many_win_as_the_rules_allow(
    store_app: Flask, store_settings: Settings, size: int
) -> None:
    world, cycles = prepared(store_app, size)
    began, asked, late = time.monotonic(), 0, []
    with server(store_settings) as port:
        there = browsers(port)
        for cycle in cycles:
            won, heard = race(there, cycle)
            asked += len(heard)
            late += [(a, s) for a, s, text in heard if s not in TOLD or "locked" in text or "Traceback" in text]
            assert (won["submit"], won["approve"] + won["reject"], won["comment"]) == (1, 1, 8)
            kinds = facts(world, cycle)
            assert kinds["StageSubmitted"] == 1 and kinds["StageApproved"] + kinds["StageRejected"] == 1
            assert kinds["Commented"] == 8
    assert late == []
    assert asked == size * (2 * CLIENTS + 8)
    assert world.audit()["findings"] == []
    tell(f"P10: {asked} requests raced on {size} cycles in {time.monotonic() - began:.0f} s: one winner each time")


@pytest.mark.parametrize("size", [20, pytest.param(200, marks=pytest.mark.long)])
def test_32_browsers_on_50_cycles_lose_no_update_that_was_acknowledged(
    store_app: Flask, store_settings: Settings, size: int
) -> None:
    world, cycles = prepared(store_app, 50)

    def work(number: int) -> list[tuple[int, str, int]]:
        chance, found = random.Random(SEED + number), []
        for turn in range(size):
            cycle, action = chance.choice(cycles), chance.choice(("submit", "approve", "comment", "withdraw"))
            login = {"submit": "lead", "withdraw": "lead", "approve": "major"}.get(action, "office")
            data = {"text": f"by {number} in turn {turn}"} if action == "comment" else {}
            _, status, text = act(there[login][number], cycle, action, chance.randrange(3), **data)
            assert status in TOLD and "locked" not in text, (action, status)
            found.append((cycle, action, status))
        return found

    with server(store_settings) as port:
        there = browsers(port)
        heard = [one for each in at_once([partial(work, n) for n in range(CLIENTS)]) for one in each]

    acknowledged = Counter((cycle, action) for cycle, action, status in heard if status == 303)
    kinds = {
        "submit": "StageSubmitted",
        "approve": "StageApproved",
        "comment": "Commented",
        "withdraw": "StageWithdrawn",
    }
    for cycle in cycles:
        stand = facts(world, cycle)
        for action, kind in kinds.items():
            assert acknowledged[cycle, action] == stand[kind], (cycle, action)
        lawful(world.kinds(cycle))
    assert sum(acknowledged.values()) >= size
    assert world.audit()["findings"] == []
    tell(
        f"P10: seed {SEED}, {len(heard)} requests of {CLIENTS} browsers on 50 cycles, {sum(acknowledged.values())} won"
    )


def lawful(kinds: list[str]) -> None:
    """Hold a history to a model of three lines: handed in, then withdrawn or approved, never one without the other."""
    pending = False
    for kind in kinds:
        if kind in ("StageSubmitted", "StageWithdrawn", "StageApproved"):
            assert pending == (kind != "StageSubmitted"), kinds
            pending = kind == "StageSubmitted"


def test_a_program_that_locks_nothing_is_caught(
    settings: Settings, pg_template: str, new_pg: Callable[[str], str]
) -> None:
    """The mutant: no lock, no version asked for, a history numbered as it comes."""
    loose = replace(settings, database_url=new_pg(pg_template))
    for app in entered(loose):
        world, cycles = prepared(app, 10)
        with server(loose, defect="loose") as port:
            there = browsers(port)
            wins = [race(there, cycle)[0] for cycle in cycles]
        found = world.audit()["findings"]
        tell(f"P10: without any lock {[w['comment'] for w in wins]} comments were acknowledged, {len(found)} findings")
        assert found
