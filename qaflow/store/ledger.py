"""Rows that facts leave beside their cycle: the escalation ledger, evidence, and what is carried over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.engine.snapshot import Data, Snapshot
from qaflow.store.db import Driver, Sql

_FIRE = Sql(
    "insert into escalation (college_id, item_id, deadline_no, level, cycle_id, due_at, fired_at, role, to_id, act, "
    "outcome) select college_id, id, :deadline_no, :level, cycle_id, :due_at, :at, :role, :to, :act, :outcome "
    "from work_item where college_id = :college and cycle_id = :cycle and no = :item"
)
_ATTACH = Sql(
    "insert into evidence (college_id, cycle_id, stage, visit, hash, name, size, media, added_at, added_by) values "
    "(:college, :cycle, :stage, :visit, :hash, :name, :size, :media, :at, :by)"
)
_LEAVE = ("college_id", "subject_id", "track", "kind", "text", "from_cycle_id", "from_ref", "round_count", "state")
_WAITING = Sql(
    "select id, kind, text, from_cycle_id, from_ref, round_count from carry where college_id = :college and "
    "subject_id = :subject and track = :track and state = 'waiting' order by id"
)
_SEED = Sql("update carry set to_cycle_id = :cycle, state = 'seeded' where id in :ids[] and state = 'waiting'")
_EVIDENCE = Sql("select count(*) from evidence where cycle_id = :cycle and college_id = :college and stage = :stage")
_OF_CYCLE = Sql(
    "select kind, text, from_cycle_id, from_ref, to_cycle_id, state from carry where from_cycle_id = :cycle or "
    "to_cycle_id = :cycle order by id"
)
_ALL_FILES = Sql("select cycle_id, hash, name from evidence order by id")
_FILES = Sql("select stage, visit, hash, name, size, media, added_at from evidence where college_id = :college and "
             "cycle_id = :cycle order by id")  # fmt: skip


def outcome(data: Data) -> str:
    """Return how a level of the ladder ended: sent, reassigned, or skipped where the post is empty."""
    if data["to"] is None:
        return "skipped"
    return "reassigned" if "holder" in data else "sent"


def fire(driver: Driver, college: int, cycle: int, data: Data, at: str) -> None:
    """Enter a fired level: unique for (work item, deadline number, level)."""
    driver.run(_FIRE, {"deadline_no": data["deadline_no"], "level": data["level"], "due_at": data["due_at"], "at": at,
                       "role": data["role"], "to": data["to"], "act": data["act"], "outcome": outcome(data),
                       "college": college, "cycle": cycle, "item": data["item"]})  # fmt: skip


def attach(driver: Driver, college: int, cycle: int, data: Data, at: str) -> None:
    """Enter a file left in a visit."""
    driver.run(_ATTACH, {"college": college, "cycle": cycle, "stage": data["stage"], "visit": data["visit"],
                         "hash": data["hash"], "name": data["name"], "size": data["size"], "media": data["media"],
                         "at": at, "by": data["by"]})  # fmt: skip


def evidence_count(driver: Driver, college: int, cycle: int, stage: str) -> int:
    """Return how many files a stage has."""
    count: int = driver.value(_EVIDENCE, {"cycle": cycle, "college": college, "stage": stage})
    return count


def files(driver: Driver, college: int, cycle: int) -> list[tuple[Any, ...]]:
    """Return the files of a cycle."""
    return driver.all(_FILES, {"college": college, "cycle": cycle})


def all_files(driver: Driver) -> list[tuple[int, str, str]]:
    """Return (cycle, hash, name) of every file."""
    return driver.all(_ALL_FILES)


def leave(driver: Driver, college: int, snap: Snapshot, carried: Sequence[Data]) -> None:
    """Let what a closed cycle leaves over wait for its subject's next cycle of the track."""
    driver.insert_rows("carry", _LEAVE, [
        (college, snap.subject, snap.track, c["kind"], c["text"], snap.id, c["ref"], c.get("rounds", 1), "waiting")
        for c in carried
    ])  # fmt: skip


def waiting(driver: Driver, college: int, subject: int, track: str) -> list[Data]:
    """Return what waits for the subject's next cycle of a track."""
    found = driver.all(_WAITING, {"college": college, "subject": subject, "track": track})
    return [{"id": i, "kind": k, "text": t, "from": c, "ref": r, "rounds": n} for i, k, t, c, r, n in found]


def seed(driver: Driver, cycle: int, ids: Sequence[int]) -> int:
    """Link what waited to the cycle that takes it over."""
    return driver.run(_SEED, {"cycle": cycle, "ids": list(ids)})


def of_cycle(driver: Driver, cycle: int) -> list[tuple[Any, ...]]:
    """Return what a cycle took over and what it left."""
    return driver.all(_OF_CYCLE, {"cycle": cycle})
