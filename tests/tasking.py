"""Tasks of the tiny college for tests: planned through the services, on the day that the world shows."""

from __future__ import annotations

from typing import Any

from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks.fields import Wanted
from qaflow.testing import World


def me(world: World, login: str) -> SignedIn:
    """Return somebody as the browser's session knows them."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def planned(world: World, title: str = "Revise the plan", by: str = "office", **fields: Any) -> int:
    """Plan a task; units are named by their keys in the world."""
    units = {"lead": fields.pop("lead", "section"), "assisting": fields.pop("assisting", ())}
    given = {"due": "2025-12-01", "owner": "lead"} | fields
    wanted = Wanted(title_zh=title, lead=world.units[units["lead"]] if units["lead"] else 0,
                    assisting=tuple(world.units[u] for u in units["assisting"]), **given)  # fmt: skip
    return task_acts.add(world.session, world.origin(by), me(world, by), wanted)


def act(world: World, what: str, login: str, task: int, *said: Any, version: int | None = None) -> None:
    """Let somebody report, finish, drop or resume."""
    getattr(task_acts, what)(world.session, world.origin(login), me(world, login), task, *said, version)


def row(world: World, task: int) -> dict[str, Any]:
    """Return a task's columns as they stand."""
    names = ("title_zh", "state", "due", "starts", "owner_id", "cost", "year", "version", "late_warned", "done_at")
    (found,) = world.query(f"select {', '.join(names)} from plan_task where id = :t", t=task)
    return dict(zip(names, found, strict=True))


def facts(world: World) -> list[str]:
    """Return the kinds of the facts of tasks in the college's stream, oldest first."""
    return [kind for (kind,) in world.query("select kind from journal where stream = :s and kind like 'Task%' "
                                            "order by seq", s=f"college:{world.key}")]  # fmt: skip


__all__ = ["Wanted", "act", "facts", "me", "planned", "row"]
