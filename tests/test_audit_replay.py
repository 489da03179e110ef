"""Replay: what may stand in a journal, fact by fact, and what may not."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from audit_world import SPIRAL, db, eventful
from flask import Flask

from qaflow.engine.fold import EFFECTS, evolve
from qaflow.engine.machine import compile_definition
from qaflow.engine.replay import Replay, named
from qaflow.engine.replay_guards import Disallowed
from qaflow.engine.replay_kinds import CARRIES, GUARDS, PARTS
from qaflow.engine.snapshot import Snapshot
from qaflow.services.auditing import audit
from qaflow.testing import World

COMPILED = compile_definition(SPIRAL)
Row = tuple[Any, ...]
SEEDS = (1, 2, 3)


def test_every_kind_of_fact_has_a_guard_and_only_its_own_parts() -> None:
    assert GUARDS.keys() == EFFECTS.keys()
    assert CARRIES.keys() <= GUARDS.keys()
    assert {part for parts in CARRIES.values() for part in parts} <= PARTS


@pytest.fixture(scope="module", params=SEEDS)
def journals(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Row]]:
    """Return the entries of each cycle of a college that lived for a while."""
    from conftest import SECRET, entered, migrated

    from qaflow.config import Settings

    home = tmp_path_factory.mktemp("replay")
    settings = Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)
    migrated(settings)
    found: dict[int, list[Row]] = {}
    for _ in entered(settings):
        world = eventful(db.session, request.param, courses=6, acts=260)
        assert audit.verify(db.session)["findings"] == []
        for stream, *row in world.query("select stream, kind, at, actor, on_behalf_of, definition, data from journal "
                                        "where stream like 'cycle:%' order by stream, seq"):  # fmt: skip
            found.setdefault(int(stream[6:]), []).append((*row[:5], json.loads(row[5])))
    return found


def fold(cycle: int, rows: list[Row]) -> Replay:
    """Replay entries from the first on."""
    replay = Replay(cycle, lambda digest: COMPILED if digest == SPIRAL.hash else None)
    for row in rows:
        replay.take(*row)
    return replay


def test_replay_adds_up_to_what_the_plain_fold_gives(journals: dict[int, list[Row]]) -> None:
    kinds = set()
    for cycle, rows in journals.items():
        plain = Snapshot(cycle)
        for kind, at, _, _, _, data in rows:
            evolve(plain, kind, data, at)
            kinds.add(kind)
        assert fold(cycle, rows).snap == plain
    assert len(kinds) >= 18, sorted(kinds)


def test_no_fact_may_be_left_out(journals: dict[int, list[Row]]) -> None:
    """An entry taken out, with every hash made good, leaves a later one that cannot stand, or another result."""
    silent = ("Commented", "ItemReminded", "CopySent", "PeriodEnded", "ChildClosed", "ReadingReturned", "WarningJoined")
    tried = 0
    for cycle, rows in journals.items():
        whole = fold(cycle, rows).snap
        for n, row in enumerate(rows[:60]):
            if row[0] in silent:
                continue
            tried += 1
            try:
                rest = fold(cycle, rows[:n] + rows[n + 1 :]).snap
            except Disallowed:
                continue
            assert rest != whole, f"{row[0]} at {n + 1} changes nothing"
    assert tried > 60


def test_no_fact_may_stand_twice(journals: dict[int, list[Row]]) -> None:
    loud = {"StageSubmitted", "StageApproved", "StageRejected", "StageReturned", "StageReopened", "WarningAcknowledged",
            "CorrectionConfirmed", "WarningDismissed", "WorkEscalated", "CycleStarted", "CycleSuspended",
            "CycleResumed", "SheetIssued", "SheetRecorded", "DeadlineExtended", "WarningOpened"}  # fmt: skip
    seen = set()
    for cycle, rows in journals.items():
        for n, row in enumerate(rows):
            if row[0] in loud:
                seen.add(row[0])
                with pytest.raises(Disallowed):
                    fold(cycle, [*rows[: n + 1], row])
    assert len(seen) >= 10, sorted(seen)


Forge = Callable[[dict[str, Any]], Any]
FORGERIES: list[tuple[str, Forge]] = [
    ("StageApproved", lambda d: d.update(revision=d["revision"] + 1)),
    ("StageApproved", lambda d: d.update(visit=d["visit"] + 1)),
    ("StageApproved", lambda d: d["enter"].update(stage="diagnose")),
    ("StageApproved", lambda d: d.update(signer=9999)),
    ("StageApproved", lambda d: d.update(leaf="open")),
    ("StageSubmitted", lambda d: d.update(closes=[999])),
    ("StageSubmitted", lambda d: d.update(need=99) if "need" in d else d.update(revision=0)),
    ("StageSubmitted", lambda d: d["items"][0].update(no=77)),
    ("StageSigned", lambda d: d.update(signer=1)),
    ("CycleStarted", lambda d: d["enter"].update(stage="diagnose")),
    ("CycleStarted", lambda d: d.update(definition="0" * 64)),
    ("CycleStarted", lambda d: d.update(close="complete")),
    ("Commented", lambda d: d.update(enter={"stage": "diagnose", "leaf": "open", "visit": 1})),
    ("Commented", lambda d: d.update(close="complete")),
    ("WarningOpened", lambda d: d["warning"].update(state="closed")),
    ("WarningOpened", lambda d: d.update(warning_no=d["warning_no"] + 1)),
    ("WarningAcknowledged", lambda d: d["set"].update(state="closed")),
    ("CorrectionStarted", lambda d: d["set"].update(state="confirmed")),
    ("WorkEscalated", lambda d: d.update(level=d["level"] + 1)),
    ("WorkEscalated", lambda d: d.update(role="nobody")),
    ("DeadlineExtended", lambda d: d.update(due="2000-01-01")),
    ("StageReopened", lambda d: d["enter"].update(visit=9)),
    ("CycleSuspended", lambda d: d.update(stops=[])),
    ("SheetIssued", lambda d: d["sheet"].update(state="done")),
]


@pytest.mark.parametrize(("kind", "forge"), FORGERIES)
def test_a_forged_fact_is_refused(journals: dict[int, list[Row]], kind: str, forge: Forge) -> None:
    for cycle, rows in journals.items():
        for n, row in enumerate(rows):
            if row[0] != kind or (kind == "StageApproved" and "enter" not in row[5]):
                continue
            data = copy.deepcopy(row[5])
            forge(data)
            with pytest.raises(Disallowed):
                fold(cycle, [*rows[:n], (*row[:5], data)])
            return
    pytest.fail(f"no {kind} in any journal: nothing was tried")


def test_an_entry_under_another_definition_or_actor_is_refused(journals: dict[int, list[Row]]) -> None:
    cycle, rows = next((c, r) for c, r in journals.items() if len(r) > 3)
    n, (kind, at, actor, behalf, definition, data) = next(
        (n, r) for n, r in enumerate(rows) if n and r[5].get("by") is not None
    )

    for other in ((kind, at, "4711", behalf, definition, data), (kind, at, actor, behalf, "0" * 64, data)):
        with pytest.raises(Disallowed):
            fold(cycle, [*rows[:n], other])


def test_a_fact_of_an_unknown_kind_is_refused(journals: dict[int, list[Row]]) -> None:
    cycle, rows = next(iter(journals.items()))

    with pytest.raises(Disallowed, match="no fact"):
        fold(cycle, [*rows, ("StageBlessed", *rows[-1][1:])])


@pytest.mark.parametrize("data", [{}, {"stage": "goal"}, {"stage": None, "visit": [], "revision": "x"}, {"closes": 3}])
def test_malformed_data_is_refused_not_a_crash(journals: dict[int, list[Row]], data: dict[str, Any]) -> None:
    cycle, rows = next(iter(journals.items()))

    for kind in GUARDS.keys() - {"Commented", "CopySent", "WorkFrozen", "ResponsibleChanged", "CarryReceived"}:
        with pytest.raises(Disallowed):
            fold(cycle, [*rows[:1], (kind, *rows[0][1:5], data)])


def test_a_fact_names_the_contents_it_rests_on() -> None:
    hashes = [str(n) * 64 for n in range(5)]

    assert named("StageSubmitted", {"content": hashes[0]}) == [hashes[0]]
    assert named("WarningAcknowledged", {"set": {"cause": hashes[1], "state": "acknowledged"}}) == [hashes[1]]
    assert named("CycleClosed", {"carried": [{"text": hashes[2]}]}) == [hashes[2]]
    assert named("CycleCancelled", {"reason": "subject.ended"}) == []


def test_a_migrated_and_a_handed_over_cycle_verify(app: Flask) -> None:
    world = World(db.session)
    cycle = world.start()
    world.reach(cycle, "implement")
    world.fire(cycle, "warn", "diag", reason="look")
    world.later(30)
    world.fire(cycle, "cancel", "office", reason="moved")
    world.start(day=world.now.date().replace(year=2026, month=10))

    assert audit.verify(db.session)["findings"] == []
