"""P9: the program and a model of its rules, written apart, agree on state, allowed actions, history and errors.

Seeded walks run side by side on both; they differ in nothing, or the first difference stops the test.  The same walks
against a dozen wrong rules must stop: a check that cannot fail proves nothing.
"""

import dataclasses
import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
from flask import Flask
from model_p9 import RIGHT, Model  # type: ignore[import-not-found]

from qaflow import testing
from qaflow.engine.decide import ACTIONS, Context, Fact, Refusal, Rule, decide
from qaflow.engine.decide.common import Refused
from qaflow.engine.definition import NEUTRAL_STAGES, Deadline, Signers
from qaflow.engine.machine import Compiled
from qaflow.engine.snapshot import Data, Snapshot
from qaflow.errors import QaflowError
from qaflow.services.sweeping import advancing
from qaflow.store.db import db, set_synchronous

RUNS, STEPS, LONG = 400, 50, 20_000
USERS = {
    "A": "major",
    "B": "major_b",
    "C": "major_c",
    "D": "deputy",
    "R": "lead",
    "X": "guest",
    "O": "office",
    "Q": "diag",
    "S": "head",
    "G": "far_lead",
}
DEFINITION = testing.spiral(
    "tiny.p9",
    ladder=(),
    stages=[
        testing.stage("goal"),
        testing.stage("standard", decide=Signers(role="major_leader", need="quorum", quorum=2)),
        testing.stage("design"),
        testing.stage("organize", decide=None),
        *map(testing.stage, NEUTRAL_STAGES[4:7]),
        testing.stage("learn", decide=None, auto_advance=True, deadline=Deadline(working_days=5)),
        *map(testing.stage, NEUTRAL_STAGES[8:]),
    ],
)
STAGES = DEFINITION.order
REASON = {"reason": "as the spec says"}
LOOP = ("acknowledge", "correct", "confirm", "dismiss", "approve", "reject")
ENDED = 12  # steps on a cycle that has ended, before the next one
ONWARD = {
    "open": ("submit",),
    "monitor": ("submit",),
    "review": ("approve",),
    "warn": ("acknowledge",),
    "correct": ("correct", "confirm", "confirm", "approve"),
}


class Day(NamedTuple):
    """A day as the model counts it: working days up to it, and the number of the next one."""

    i: int
    j: int


def day_of(now: dt.datetime) -> Day:
    """Count Mondays to Fridays, by hand, on the college's wall (UTC+8)."""
    number = (now + dt.timedelta(hours=8)).date().toordinal() - 1  # 0 is a Monday
    weeks, rest = divmod(number, 7)
    upto = weeks * 5 + min(rest + 1, 5)
    return Day(upto, upto if rest < 5 else upto + 1)


class Walk:
    """One run: the same random commands to the program and to the model."""

    def __init__(self, world: testing.World, seed: int) -> None:
        self.world, self.random, self.seen = world, random.Random(seed), Counter[tuple[str, str, bool]]()
        self.begin()

    def begin(self) -> None:
        """Start a cycle of a course of its own, now and then one that began before the system."""
        self.world.now, self.ended = testing.MONDAY + dt.timedelta(hours=self.random.randrange(200)), 0
        code = f"W{len(self.world.subjects)}"
        self.world.course(code, "section", "lead")
        first = self.random.choice((None, None, *STAGES))
        self.cycle = self.world.start(code, from_stage=first)
        self.model = Model(STAGES.index(first) if first else 0, day_of(self.world.now))
        self.last: Data = self.world.state(self.cycle)

    def difference(self, steps: int) -> str | None:
        """Walk; return the first difference, or None."""
        found = self.compare("start", None, None)
        for _ in range(steps):
            if found:
                break
            self.world.now += dt.timedelta(hours=self.random.choice((0, 0, 5, 30)))
            found = self.tick() if self.random.random() < 0.05 else self.step()
            self.ended += self.model.status in ("closed", "cancelled")
            if self.ended > ENDED and not found:
                self.begin()
        return found

    def tick(self) -> str | None:
        self.world.within(lambda d: advancing.attend(self.world.session, d, self.world.origin(), self.cycle, False))
        self.last = self.world.state(self.cycle)
        self.model.tick(day_of(self.world.now))
        return self.compare("tick", None, None)

    def step(self) -> str | None:
        who, action = self.choose()
        args = self.args(action)
        revision = self.random.choice((None, None, self.model.revision, self.model.revision, self.model.revision - 1))
        place = self.model.status if self.model.status != "running" else STAGES[self.model.stage]
        expected = self.model.fire(who, action, args, revision, day_of(self.world.now))
        code = None
        try:
            self.last = self.world.fire(self.cycle, action, USERS[who], revision, **self.plain(action, args))
        except QaflowError as error:
            code = error.code
        self.seen[place, action, code is None] += 1
        return self.compare(f"{who} {action} {args} rev={revision} in {place}", expected, code)

    def choose(self) -> tuple[str, str]:
        """Half of the time what leads onward, else anything by anybody, mostly by those who might."""
        chance = self.random.random
        action = self.random.choice([a for a in ACTIONS if a not in ("cancel", "suspend") or chance() < 0.3])
        if self.model.status == "running" and chance() < 0.45:
            action = self.random.choice(ONWARD[self.model.leaf()])
        elif self.model.status == "running" and chance() < 0.2 and len(self.model.ws) < 3:
            action = "warn"
        users = RIGHT.get(action, "RASO") if chance() < 0.8 else "".join(USERS)
        return self.random.choice(users), action

    def args(self, action: str) -> Data:
        """Return data in the model's words: stages and warnings by number."""
        found: Data = {}
        if action in ("return", "reopen"):
            found["to" if action == "return" else "stage"] = self.random.randrange(self.model.stage + 2) % len(STAGES)
        if action == "correct":
            found["scope"] = self.random.choice(
                ("implementation", "implementation", "implementation", "design", "standard", "goal")
            )
        if action in LOOP and self.model.ws and self.random.random() < 0.6:
            found["warning"] = self.random.choice(list(self.model.ws))
        return found

    def plain(self, action: str, args: Data) -> Data:
        """Return the same data as a door takes it."""
        found = dict(args)
        for key in ("to", "stage"):
            if key in found:
                found[key] = STAGES[found[key]]
        if "warning" in found:
            found["warning"] = f"{self.cycle}.{found['warning']}"
        if action in ("remind", "transfer", "extend"):
            found["item"] = self.visit_item()
        found |= {
            "transfer": {"to": "lead"},
            "add_signer": {"person": "guest"},
            "copy": {"to": "office"},
            "comment": {"text": "seen"},
            "acknowledge": {"cause": "found"},
            "correct": {"measure": "mended"},
            "extend": {"due": (self.world.now.date() + dt.timedelta(days=800 + 3 * self.model.facts)).isoformat()},
            "submit": {"content": {}},
        }.get(action, {})
        with_reason = ("reject", "return", "transfer", "extend", "suspend", "cancel", "reopen", "warn", "dismiss")
        return found | (REASON if action in with_reason else {})

    def visit_item(self) -> int:
        """Return the oldest open item that the visit itself asks for; 0 where there is none."""
        return min(
            (i["no"] for i in self.last["items"] if i["kind"] in ("submit", "decide", "sign") and not i["ref"]),
            default=0,
        )

    def compare(self, what: str, expected: str | None, code: str | None) -> str | None:
        model, last = self.model, self.last
        pairs = {
            "error": (expected, code),
            "status": (model.status, last["status"]),
            "revision": (model.revision, last["revision"]),
            "history": (model.facts, last["version"]),
            "allowed": (model.allowed(), set(last["allowed"])),
            "state": (
                (STAGES[model.stage], model.leaf(), model.visits[model.stage]),
                (last["stage"], last["leaf"], last["visit"]),
            )
            if model.status in ("running", "suspended")
            else (None, None),
        }
        wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        return f"{what}: {wrong}" if wrong else None


@pytest.fixture
def world(app: Flask) -> testing.World:
    """Return the tiny college with three approvers, two deputies and the definition of the model."""
    made = testing.World(db.session, DEFINITION)
    set_synchronous(db.session, "OFF")  # what is compared here is rules, not durability
    made.person("major_b", "major_leader", "section")
    made.person("major_c", "major_leader", "section")
    made.deputy("major", "deputy", days=900)
    made.deputy("major_c", "lead", days=900)
    return made


def walked(world: testing.World, runs: int, first: int = 0) -> tuple[str | None, Counter[tuple[str, str, bool]]]:
    """Walk so many runs, or up to the first difference."""
    seen: Counter[tuple[str, str, bool]] = Counter()
    for seed in range(first, first + runs):
        walk = Walk(world, seed)
        found = walk.difference(STEPS)
        seen += walk.seen
        if found:
            return f"run {seed}: {found}", seen
    return None, seen


def test_the_program_and_the_model_differ_in_nothing(world: testing.World) -> None:
    """400 runs of 50 steps; every action is tried in every stage and in every way in which a cycle stands still."""
    difference, seen = walked(world, RUNS)

    assert difference is None
    places = (*STAGES, "suspended", "closed", "cancelled")
    tried = {(place, action) for place, action, _ in seen}
    assert {(p, a) for p in places for a in ACTIONS} - tried == set()
    done = {(place, action) for place, action, fine in seen if fine}
    assert len(done) > 150, "most of what may be done was done"
    assert sum(n for (_, _, fine), n in seen.items() if fine) > RUNS * STEPS * 0.3
    assert world.audit()["findings"] == [], "what was walked replays to the rows that stand"


Change = Callable[[Compiled, Snapshot, Data, Context, Rule], list[Fact]]


def wrong(action: str, change: Change) -> tuple[str, Rule]:
    """Return an action with its rule bent."""
    right = ACTIONS[action]
    return action, lambda compiled, snap, args, ctx: change(compiled, snap, args, ctx, right)


def edited(facts: list[Fact], edit: Callable[[Data], None]) -> list[Fact]:
    """Return the facts with the data of the first one changed."""
    edit(facts[0].data)
    return facts


def one_stage_further(data: Data) -> None:
    """Let a fact enter the stage after the one it should."""
    if "enter" in data:
        place = STAGES.index(data["enter"]["stage"])
        data["enter"]["stage"] = STAGES[min(place + 1, len(STAGES) - 1)]


def visit_too_many(data: Data) -> None:
    """Count one round of the loop too many."""
    data["enter"]["visit"] += 1


def with_need(snap: Snapshot, change: int) -> Snapshot:
    """Return the snapshot with another quorum."""
    visit = snap.visits[snap.stage]
    return dataclasses.replace(
        snap, visits={**snap.visits, snap.stage: dataclasses.replace(visit, need=visit.need + change)}
    )


def unsigned(snap: Snapshot) -> Snapshot:
    """Return the snapshot as if nobody had signed."""
    return dataclasses.replace(
        snap, visits={**snap.visits, snap.stage: dataclasses.replace(snap.visits[snap.stage], signed={})}
    )


def alive(snap: Snapshot) -> Snapshot:
    """Return the snapshot as if the cycle still ran."""
    return dataclasses.replace(snap, status="running")


def signed_by_another(snap: Snapshot) -> Snapshot:
    """Return the snapshot as if somebody else had submitted it."""
    visit = dataclasses.replace(snap.visits[snap.stage], submitted_by=-1, for_=None)
    return dataclasses.replace(snap, responsible=-1, visits={**snap.visits, snap.stage: visit})


def unwarned(snap: Snapshot) -> Snapshot:
    """Return the snapshot without its warnings."""
    return dataclasses.replace(snap, warnings={}, leaf="monitor" if snap.leaf in ("warn", "correct") else snap.leaf)


def all_the_same(compiled: Compiled, snap: Snapshot, args: Data, ctx: Context, rule: Rule) -> list[Fact]:
    """Dismiss the others with the one that is meant."""
    facts = rule(compiled, snap, args, ctx)
    rest = [w.id for w in snap.open_warnings() if w.id != facts[0].data["warning"]]
    return facts + [f for n in rest for f in rule(compiled, snap, {**args, "warning": n}, ctx)]


MUTANTS: Mapping[str, tuple[str, Rule]] = {
    "a stage is skipped": wrong("approve", lambda c, s, a, x, rule: edited(rule(c, s, a, x), one_stage_further)),
    "the loop counts one too many": wrong("return", lambda c, s, a, x, rule: edited(rule(c, s, a, x), visit_too_many)),
    "reject is approve": wrong("reject", lambda c, s, a, x, rule: ACTIONS["approve"](c, s, a, x)),
    "a closed cycle accepts a warning": wrong("warn", lambda c, s, a, x, rule: rule(c, alive(s), a, x)),
    "a suspended cycle accepts an approval": wrong("approve", lambda c, s, a, x, rule: rule(c, alive(s), a, x)),
    "one's own approval counts": wrong("approve", lambda c, s, a, x, rule: rule(c, signed_by_another(s), a, x)),
    "the quorum is one too small": wrong("approve", lambda c, s, a, x, rule: rule(c, with_need(s, -1), a, x)),
    "the quorum is one too large": wrong("approve", lambda c, s, a, x, rule: rule(c, with_need(s, 1), a, x)),
    "a signer decides twice": wrong("reject", lambda c, s, a, x, rule: rule(c, unsigned(s), a, x)),
    "withdrawn after the first decision": wrong("withdraw", lambda c, s, a, x, rule: rule(c, unsigned(s), a, x)),
    "submitted with a warning open": wrong("submit", lambda c, s, a, x, rule: rule(c, unwarned(s), a, x)),
    "approved with a warning open": wrong("approve", lambda c, s, a, x, rule: rule(c, unwarned(s), a, x)),
    "one dismissal dismisses all": wrong("dismiss", all_the_same),
    "a comment stops the clock": wrong(
        "comment", lambda c, s, a, x, rule: rule(c, s, a, x) + ACTIONS["suspend"](c, s, REASON, x)
    ),
    "a return voids nothing and stays": wrong("return", lambda c, s, a, x, rule: ACTIONS["reject"](c, s, a, x)),
    "nothing happens": wrong("submit", lambda c, s, a, x, rule: []),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_wrong_rule_is_stopped_at_its_first_difference(world: testing.World, fault: str) -> None:
    """Rules are handed in with the origin of an act: one is replaced, everything else is the program's own."""
    bent, wrong_rule = MUTANTS[fault]

    def rules(compiled: Compiled, snap: Snapshot, action: str, args: Data, ctx: Context) -> list[Fact] | Refusal:
        if action != bent:
            return decide(compiled, snap, action, args, ctx)
        try:
            return wrong_rule(compiled, snap, args, ctx)
        except Refused as refused:
            return refused.refusal

    world.rules = rules

    difference, _ = walked(world, RUNS)

    assert difference is not None


@pytest.mark.long
def test_the_program_and_the_model_differ_in_nothing_at_length(world: testing.World) -> None:
    """The full size of the property."""
    assert walked(world, LONG, first=RUNS)[0] is None
