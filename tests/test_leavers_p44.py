"""P44, people leave: no work item that nobody can see, no loop of deputies or units, no endless escalation.

Whether an item can be seen is judged apart from the program's own lists: for each live item the test asks whether an
enabled person holds it, or some enabled person may see its cycle.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from peopled import GOALS, World

from qaflow.errors import Forbidden, QaflowError
from qaflow.services import policy
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import deputies, reseating
from qaflow.services.files import imports
from qaflow.services.sweeping import escalating
from qaflow.services.work import transact
from qaflow.store import cycles, people
from qaflow.store.db import Driver, Sql

COURSES = 12
LAST = {"boss": "office.last", "adm": "administrator.last"}
"""Who cannot leave before somebody else has their post."""
DAYS = 24
LADDER = 3  # levels of the college's ladder
QUIET = 5  # days at the end on which nothing of the first day may be left to escalate


@pytest.fixture
def world(app: Flask) -> World:
    """Return a peopled college on SQLite with its courses at work."""
    return at_work()


@pytest.fixture
def either(store_app: Flask) -> World:
    """Return a peopled college on each database with its courses at work."""
    return at_work()


def at_work() -> World:
    """Return a peopled college whose courses are half open, half waiting for a decision."""
    found = World()
    codes = ["C1", *(f"C{n}" for n in range(2, COURSES + 1))]
    for code in codes[1:]:
        found.course(code, "leader" if int(code[1:]) % 3 else "mate")
    for n, code in enumerate(codes):
        cycle = found.start(code)
        if n % 2:
            found.fire(cycle, "mate" if n % 3 == 2 else "leader", "submit", content=GOALS)
    return found


def unseen(world: World) -> list[tuple[int, str]]:
    """Return (cycle, kind) of the live items that no enabled person holds or may see."""
    able = {row[0] for row in world.rows("select id from person where disabled_at is null and not is_system")}
    items = world.rows("select cycle_id, kind, holder_id from work_item where state in ('open', 'stopped')")

    def seen(d: Driver, cycle: int) -> bool:
        loaded = cycles.load(d, cycle, lock=False)
        assert loaded is not None
        snap, row = loaded
        scope = policy.scope_of(snap, row.college)
        return any(policy.may_see(d, scope, snap, person, "2025-09-02") for person in able)

    left = [(cycle, kind) for cycle, kind, holder in items if holder not in able]
    return transact(world.session, lambda d: [(cycle, kind) for cycle, kind in left if not seen(d, cycle)])


def orphans(world: World) -> set[int]:
    """Return the cycles with items that the quality office is shown as nobody's."""
    return transact(world.session, lambda d: {o.cycle for o in accounts.orphaned(d, world.college(d).id)})


def sweep(world: World, days: int = DAYS) -> list[int]:
    """Sweep day by day; return how many levels of the first day's items fired on each day."""
    ((newest,),) = world.rows("select max(id) from work_item")
    counts = [0]
    for day in range(1, days + 1):
        world.tick(timedelta(days=day))
        counts += world.rows("select count(*) from escalation where item_id <= :newest", newest=newest)[0]
    return [after - before for before, after in pairwise(counts)]


def endless(world: World, fired: list[int]) -> list[str]:
    """Return the signs of an escalation without end: levels too high or doubled, noise at the end, failed work."""
    levels = world.rows("select item_id, level, count(*) from escalation group by item_id, deadline_no, level")
    signs = [f"item {item} level {level}" for item, level, count in levels if level > LADDER or count > 1]
    signs += [f"{count} levels on one of the last days" for count in fired[-QUIET:] if count]
    return signs + [f"incident {kind} {detail}" for kind, detail in world.rows("select kind, detail from incident")]


def leave(world: World, *logins: str) -> None:
    """Disable people."""
    for login in logins:
        accounts.disable(world.session, world.origin(), login, "离校")


def delete(world: World, login: str) -> None:
    """Take a person's rows out of the database, as no command does."""

    def body(d: Driver) -> None:
        for table, column in (("role_grant", "person_id"), ("person", "id")):
            d.run(Sql(f"delete from {table} where {column} = :p"), {"p": world.people[login]})

    transact(world.session, body)


def test_a_leavers_items_are_seen_by_the_quality_office_and_end_there(either: World) -> None:
    leave(either, "leader", "major")

    assert len(orphans(either)) == COURSES - 2  # those of the colleague that wait for no decision are his own
    assert unseen(either) == []

    fired = sweep(either)

    assert unseen(either) == []
    assert endless(either, fired) == []
    assert sum(fired) >= COURSES * LADDER
    assert either.proven()
    last = either.rows("select distinct role, to_id from escalation where level = 3")
    assert last == [("quality_office", either.people["office"])]


def test_a_deleted_person_leaves_nothing_unseen(world: World) -> None:
    delete(world, "mate")

    assert orphans(world)
    assert unseen(world) == []
    assert endless(world, sweep(world)) == []
    assert unseen(world) == []


def test_a_gap_in_the_line_is_skipped_on_record(world: World) -> None:
    leave(world, "leader", "head", "vice")

    fired = sweep(world)

    assert unseen(world) == []
    assert endless(world, fired) == []
    outcomes = dict(world.rows("select level, min(outcome) from escalation group by level"))
    assert (outcomes[1], outcomes[2], outcomes[3]) == ("skipped", "skipped", "sent")


def test_where_everybody_has_left_the_head_of_the_quality_office_still_sees_all(either: World) -> None:
    leave(either, *(login for login in either.people if login not in LAST))

    assert len(orphans(either)) == COURSES
    assert unseen(either) == []
    fired = sweep(either)
    assert endless(either, fired) == []
    assert unseen(either) == []
    for login, code in LAST.items():
        with pytest.raises(QaflowError) as told:
            leave(either, login)
        assert told.value.code == code


def test_everybody_on_leave_at_once_is_refused_where_it_would_go_round(world: World) -> None:
    ring = ["leader", "mate", "major", "head", "vice", "office", "boss"]

    refused = [appointed(world, a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]

    assert refused == [None] * 6 + ["deputy.cycle"]
    boss = world.people["boss"]
    found = transact(world.session, lambda d: people.stands_in_for(d, world.college(d).id, boss, "2025-09-02"))
    assert {person for person, _ in found} == {world.people[login] for login in ring[:-1]}


def appointed(world: World, person: str, deputy: str) -> str | None:
    """Appoint a deputy for September; return the code of the refusal, None where it stands."""
    ids = world.people
    try:
        deputies.appoint(world.session, world.origin(), ids[person], ids[deputy], "2025-09-01", "2025-09-30")
    except QaflowError as error:
        return error.code
    return None


def test_units_that_would_supervise_themselves_are_refused(world: World) -> None:
    codes = []
    for text in ("sec,section,软件教研室,sec", "school-of-code,teaching,软件学院,sec"):
        with pytest.raises(QaflowError) as told:
            imports.run(world.session, world.origin(), "units", f"code,kind,name_zh,parent\n{text}\n".encode(), "u.csv")
        codes.append(told.value.code)

    assert codes == ["org.self_supervision", "org.cycle"]


def test_whoever_supervises_themselves_is_not_reminded_of_their_own_work_nor_decides_it(world: World) -> None:
    give(world, "leader", "unit_head", "major_leader")
    leave(world, "head", "major")
    world.course("own", "leader")
    cycle = world.start("own")

    fired = sweep(world)

    assert endless(world, fired) == []
    late = world.rows("select e.to_id from escalation e where e.cycle_id = :c", c=cycle)
    assert late
    assert (world.people["leader"],) not in late
    world.fire(cycle, "leader", "submit", content=GOALS)
    assert world.holders(cycle)["decide"].isdisjoint({"leader"})
    with pytest.raises(Forbidden):
        world.fire(cycle, "leader", "approve")


def give(world: World, login: str, *roles: str) -> None:
    """Let a person hold roles for the school of code."""
    text = f"login,name,roles\n{login},某{login},{';'.join(f'{role}@unit:school-of-code' for role in roles)}\n"
    imports.run(world.session, world.origin(), "people", text.encode(), "people.csv")


def test_a_handover_leaves_no_orphan(world: World) -> None:
    leave(world, "leader", "major")

    for leaver, heir in (("leader", "mate"), ("major", "head")):
        done = reseating.handover(world.session, world.origin(), leaver, heir, "离校")
        assert done["left"] == []
        assert done["items"] > 0

    assert orphans(world) == set()
    assert unseen(world) == []
    assert world.proven()


# Planted defects: the oracles above must see them


def test_mutant_an_office_that_sees_nothing_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(world, *(login for login in world.people if login not in ("office", "boss", "adm")))
    monkeypatch.setattr(policy, "SEES_SCOPE", policy.SEES_SCOPE - policy.OFFICE)

    assert len(unseen(world)) >= COURSES


def test_mutant_a_ladder_that_never_ends_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(world, "leader")
    rung_at: Callable[..., Any] = escalating.rung_at
    monkeypatch.setattr(escalating, "rung_at", lambda d, due, level, cal: rung_at(d, due, min(level, LADDER - 1), cal))

    assert endless(world, sweep(world, 20))


def test_mutant_loops_that_nobody_looks_for_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deputies, "refuse_loop", lambda *args: None)

    assert [appointed(world, "leader", "mate"), appointed(world, "mate", "leader")] == [None, None]
