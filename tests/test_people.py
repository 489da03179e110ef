"""Accounts, roles, deputies, actors, subjects: what changes when people do, each as a fact of its own."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask
from peopled import GOALS, World

from qaflow.config import Settings
from qaflow.errors import Forbidden, Missing, QaflowError, Unproven
from qaflow.services import actors
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import deputies, passwords, reseating
from qaflow.services.accounts.book import NewPerson
from qaflow.services.places import subjects
from qaflow.services.work import Writer, transact
from qaflow.store import content, people
from qaflow.store.db import Driver

Run = Callable[..., Result]


@pytest.fixture
def world(app: Flask) -> World:
    """Return a peopled college on SQLite."""
    return World()


@pytest.fixture
def either(store_app: Flask) -> World:
    """Return a peopled college on each database."""
    return World()


def refused(code: str, act: Callable[[], Any]) -> QaflowError:
    """Return the refusal with this code."""
    with pytest.raises(QaflowError) as told:
        act()
    assert told.value.code == code, told.value
    return told.value


def run(world: World, body: Callable[[Driver, Writer], Any]) -> Any:
    """Run a body with a writer of the operator's in a transaction."""

    def inner(d: Driver) -> Any:
        writer = Writer(d, world.origin())
        found = body(d, writer)
        writer.flush()
        return found

    return transact(world.session, inner)


# Accounts


def test_a_person_begins_with_a_fact_that_holds_no_name(either: World) -> None:
    number = either.people["leader"]

    first, second = either.chain(f"person:{number}")

    assert (first.kind, second.kind) == ("PersonAdded", "RoleGranted")
    assert "某leader" not in first.data
    kept = transact(either.session, lambda d: content.get(d, json.loads(first.data)["name"]))
    assert kept == "某leader"
    assert either.rows("select version, head from person where id = :p", p=number) == [(2, second.hash)]


def test_the_roles_neutral_kind_comes_from_the_college(world: World) -> None:
    found = world.rows("select role, kind from role_grant where person_id = :p", p=world.people["major"])

    assert found == [("major_leader", "approver")]


def test_thousands_are_added_with_set_statements_and_stand_in_chains(world: World) -> None:
    rows = [NewPerson(f"s{n}", f"学生{n}") for n in range(3000)]

    ids = run(world, lambda d, w: accounts.add_people(d, w, world.origin(), world.college(d).id, rows))

    assert len(set(ids)) == 3000
    assert world.chain(f"person:{ids[-1]}")[0].kind == "PersonAdded"
    assert world.rows("select count(*) from person where version = 1 and name like '学生%'") == [(3000,)]


@pytest.mark.parametrize(("rows", "code"), [
    ([("leader", "又一人", "zh")], "login.taken"),
    ([("x", "甲", "zh"), ("x", "乙", "zh")], "login.taken"),
    ([("", "甲", "zh")], "text.blank"),
    ([("x", "\u200b", "zh")], "text.blank"),
    ([("x", "甲", "fr")], "value.unknown"),
    ([("x" * 300, "甲", "zh")], "text.too_long"),
])  # fmt: skip
def test_impossible_people_are_refused_and_nobody_is_added(world: World, rows: list[Any], code: str) -> None:
    before = world.rows("select count(*) from person")

    refused(code, lambda: run(world, lambda d, w: accounts.add_people(d, w, world.origin(), world.college(d).id, rows)))

    assert world.rows("select count(*) from person") == before


def test_an_unknown_role_or_a_scope_of_nothing_is_refused(world: World) -> None:
    def grant(*args: Any) -> Callable[[], Any]:
        return lambda: run(world, lambda d, w: accounts.grant(d, w, world.origin(), world.college(d), *args))

    refused("ref.unknown_role", grant(world.people["mate"], "dean"))
    refused("scope.invalid", grant(world.people["mate"], "major_leader", "unit"))
    refused("scope.invalid", grant(world.people["mate"], "major_leader", "layer", None, "nothing"))


def test_a_revoked_role_counts_no_more_and_stays_in_the_history(world: World) -> None:
    ((grant,),) = world.rows("select id from role_grant where person_id = :p", p=world.people["major"])

    accounts.revoke(world.session, world.origin("adm"), grant, "换人")

    assert world.rows("select count(*) from role_grant where id = :g", g=grant) == [(0,)]
    assert world.chain(f"person:{world.people['major']}")[-1].kind == "RoleRevoked"


def test_only_an_administrator_disables_accounts(world: World) -> None:
    refused("action.forbidden", lambda: accounts.disable(world.session, world.origin("head"), "mate"))

    accounts.disable(world.session, world.origin("adm"), "mate", "离校")

    assert world.chain(f"person:{world.people['mate']}")[-1].kind == "PersonDisabled"
    refused("account.disabled", lambda: accounts.disable(world.session, world.origin("adm"), "mate"))


def test_the_quality_office_is_never_left_empty(world: World) -> None:
    accounts.disable(world.session, world.origin(), "office")

    refused("office.last", lambda: accounts.disable(world.session, world.origin(), "boss"))


# Passwords, tokens, actors


def test_a_password_is_kept_as_argon2_and_in_no_journal(world: World, dear: PasswordHasher) -> None:
    passwords.password(world.session, world.origin(), "leader", "correct horse")

    ((kept,),) = world.rows("select password_hash from person where login = 'leader'")
    assert kept.startswith(f"$argon2id$v=19$m={dear.memory_cost},t={dear.time_cost},p={dear.parallelism}$")
    last = world.chain(f"person:{world.people['leader']}")[-1]
    assert (last.kind, last.data) == ("PasswordSet", "{}")
    found = transact(world.session, lambda d: [passwords.proven(d, "leader", "correct horse"),
                                               passwords.proven(d, "leader", "wrong"),
                                               passwords.proven(d, "nobody", "correct horse")])  # fmt: skip
    assert [a.login if a else None for a in found] == ["leader", None, None]


@pytest.mark.parametrize(("text", "code"), [("short", "password.too_short"), ("x" * 1001, "text.too_long"),
                                            (" " * 12, "password.weak")])  # fmt: skip
def test_a_weak_password_is_refused(world: World, text: str, code: str) -> None:
    refused(code, lambda: passwords.password(world.session, world.origin(), "leader", text))


def resolve(world: World, login: str | None, token: str, sandbox: bool = False, later: int = 0) -> str:
    """Return the login of whoever acts."""
    now = world.now + timedelta(days=later)
    return transact(world.session, lambda d: actors.resolve(world.session, d, login, token, sandbox, now)).login


def test_a_token_proves_its_own_user_and_nobody_else(either: World) -> None:
    token = passwords.token_for(either.session, either.origin(), "leader")

    assert resolve(either, "leader", token) == "leader"
    assert resolve(either, None, token) == "leader"
    assert either.rows("select count(*) from token where hash = :t", t=token) == [(0,)]
    for login, given in (("major", token), ("leader", ""), ("leader", token + "x"), (None, "")):
        with pytest.raises(Unproven) as told:
            resolve(either, login, given)
        assert (told.value.code, told.value.exit) == ("actor.unproven", 5)


def test_a_token_ends_by_date_by_revocation_and_with_its_account(world: World) -> None:
    dated = passwords.token_for(world.session, world.origin(), "leader", days=2)
    assert resolve(world, "leader", dated, later=1) == "leader"
    refused("actor.unproven", lambda: resolve(world, "leader", dated, later=2))

    lasting = passwords.token_for(world.session, world.origin(), "leader")
    assert passwords.revoke_tokens(world.session, world.origin(), "leader") == 2
    refused("actor.unproven", lambda: resolve(world, "leader", lasting))

    last = passwords.token_for(world.session, world.origin(), "mate")
    accounts.disable(world.session, world.origin(), "mate")
    refused("actor.unproven", lambda: resolve(world, "mate", last))


def test_in_a_sandbox_the_name_is_believed_but_not_of_a_disabled_or_system_account(world: World) -> None:
    accounts.disable(world.session, world.origin(), "mate")

    assert resolve(world, "leader", "", sandbox=True) == "leader"
    with pytest.raises(Forbidden) as told:
        resolve(world, "mate", "", sandbox=True)
    assert (told.value.code, told.value.exit) == ("actor.disabled", 5)
    refused("actor.system", lambda: resolve(world, "operator", "", sandbox=True))
    with pytest.raises(Missing):
        resolve(world, "nobody", "", sandbox=True)


# Deputies


def appoint(world: World, person: str, deputy: str, starts: str = "2025-09-01", ends: str = "2025-09-30", by: str = "",
            **more: Any) -> int:  # fmt: skip
    """Appoint a deputy, by whoever will be away unless told."""
    who = world.origin(by or person)
    return deputies.appoint(world.session, who, world.people[person], world.people[deputy], starts, ends, **more)


def stands_in(world: World, person: str, day: str) -> list[str]:
    """Return for whom a person acts on a day."""
    names = {number: login for login, number in world.people.items()}
    found = transact(world.session, lambda d: people.stands_in_for(d, world.college(d).id, world.people[person], day))
    return [names[number] for number, _ in found]


def test_chains_of_deputies_work_and_loops_are_refused_naming_the_chain(either: World) -> None:
    appoint(either, "leader", "mate")
    appoint(either, "mate", "major")
    assert stands_in(either, "major", "2025-09-10") == ["mate", "leader"]

    told = refused("deputy.cycle", lambda: appoint(either, "mate", "leader"))
    assert "mate → leader → mate" in told.detail
    told = refused("deputy.cycle", lambda: appoint(either, "major", "leader"))
    assert told.data["chain"] == ["major", "leader", "mate", "major"]

    assert either.rows("select count(*) from deputy") == [(2,)]


def test_what_never_holds_on_one_day_or_layer_is_no_loop(world: World) -> None:
    appoint(world, "leader", "mate", "2025-09-01", "2025-09-30")

    appoint(world, "mate", "leader", "2025-10-01", "2025-10-31")
    appoint(world, "mate", "major", "2025-09-01", "2025-09-10", layer="course")
    appoint(world, "major", "leader", "2025-09-11", "2025-09-30")
    appoint(world, "major", "leader", "2025-09-01", "2025-09-10", layer="teacher")
    refused("deputy.cycle", lambda: appoint(world, "major", "leader", "2025-09-10", "2025-09-10", layer="course"))


def test_an_endless_chain_is_cut_at_entry(world: World) -> None:
    rows = [NewPerson(f"d{n}", f"代{n}") for n in range(people.MAX_CHAIN + 2)]
    ids = run(world, lambda d, w: accounts.add_people(d, w, world.origin(), world.college(d).id, rows))
    world.people |= {f"d{n}": number for n, number in enumerate(ids)}
    for n in range(people.MAX_CHAIN, 1, -1):
        appoint(world, f"d{n}", f"d{n + 1}")
    appoint(world, "d0", "d1")

    refused("deputy.chain", lambda: appoint(world, "d1", "d2"))


@pytest.mark.parametrize(("args", "code"), [
    (("leader", "leader"), "deputy.self"),
    (("leader", "mate", "2025-09-30", "2025-09-01"), "deputy.dates"),
    (("leader", "mate", "2025-02-30", "2025-09-01"), "date.invalid"),
    (("leader", "operator"), "ref.unknown_user"),
])  # fmt: skip
def test_impossible_deputies_are_refused(world: World, args: tuple[str, ...], code: str) -> None:
    world.people["operator"] = world.rows("select id from person where login = 'operator'")[0][0]

    refused(code, lambda: appoint(world, *args))


def test_nobody_appoints_for_others_but_an_administrator(world: World) -> None:
    refused("action.forbidden", lambda: appoint(world, "leader", "mate", by="head"))

    appoint(world, "leader", "mate", by="adm", reason="出差", role="course_leader", layer="course")

    last = world.chain(f"person:{world.people['leader']}")[-1]
    assert last.kind == "DeputyAppointed"
    assert "出差" not in last.data


def test_the_tick_ends_deputies_after_their_last_day_once(either: World) -> None:
    number = appoint(either, "leader", "mate", ends="2025-09-02")
    assert "deputies_ended" not in either.tick(timedelta(days=1))["done"]

    done = either.tick(timedelta(days=2))["done"]

    assert done["deputies_ended"] == 1
    last = either.chain(f"person:{either.people['leader']}")[-1]
    assert (last.kind, last.actor, json.loads(last.data)["deputy"]) == ("DeputyEnded", "system", number)
    assert "deputies_ended" not in either.tick(timedelta(days=3))["done"]


def test_somebody_back_early_ends_the_deputy(world: World) -> None:
    number = appoint(world, "leader", "mate")

    deputies.end(world.session, world.origin("leader"), number)

    assert stands_in(world, "mate", "2025-09-10") == []
    refused("deputy.not_found", lambda: deputies.end(world.session, world.origin("leader"), number))


# Subjects


def test_a_subject_is_scheduled_on_every_track_of_its_layer(world: World) -> None:
    course = world.subjects["C1"]

    tracks = world.rows("select track, next_start from schedule where subject_id = :s order by track", s=course)

    config = transact(world.session, lambda d: world.college(d).config)
    assert [t for t, _ in tracks] == sorted(t.key for t in config.tracks if t.layer == "course")
    assert all(start == "2025-09-01" for _, start in tracks)
    assert world.chain("college:wuhan-software")[-1].kind == "SubjectsAdded"


def change(world: World, what: Callable[..., int], changes: dict[int, Any], **more: Any) -> int:
    """Change subjects."""
    return run(world, lambda d, w: what(world.session, d, w, world.origin(), world.college(d), changes, **more))


def test_another_responsible_person_takes_over_the_open_work(either: World) -> None:
    cycle = either.start()

    moved = change(either, subjects.change_responsible, {either.subjects["C1"]: either.people["mate"]}, reason="换人")

    assert moved == 1
    assert either.holders(cycle) == {"submit": {"mate"}}
    assert [e.kind for e in either.chain(f"cycle:{cycle}")] == ["CycleStarted", "ResponsibleChanged", "ItemTransferred"]
    either.fire(cycle, "mate", "submit", content=GOALS)
    refused("action.forbidden", lambda: either.fire(cycle, "mate", "approve"))


def test_an_approver_who_becomes_responsible_no_longer_decides(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "leader", "submit", content=GOALS)
    assert world.holders(cycle) == {"decide": {"major"}}

    change(world, subjects.change_responsible, {world.subjects["C1"]: world.people["major"]})

    assert world.holders(cycle) == {"decide": {"head"}}
    world.fire(cycle, "head", "approve")
    assert world.proven()


def test_a_subject_that_moves_takes_its_cycle_and_items_along(world: World) -> None:
    cycle = world.start()

    change(world, subjects.move, {world.subjects["C1"]: world.units["other"]})

    where = world.rows("select c.unit_id, i.unit_id from cycle c join work_item i on i.cycle_id = c.id "
                       "where c.id = :c", c=cycle)  # fmt: skip
    assert where == [(world.units["other"], world.units["other"])]
    assert world.proven()


def test_an_ended_subject_is_left_to_the_tick(world: World) -> None:
    cycle = world.start()

    change(world, subjects.end, {world.subjects["C1"]: "2025-09-03"})
    world.tick(timedelta(days=4))

    assert world.rows("select status from cycle where id = :c", c=cycle) == [("cancelled",)]


# Handover


def test_a_leavers_subjects_and_items_pass_on_in_one_step(either: World) -> None:
    either.course("C2", "leader")
    cycles = [either.start("C1"), either.start("C2")]
    either.fire(cycles[1], "leader", "submit", content=GOALS)
    accounts.disable(either.session, either.origin("adm"), "leader")

    done = reseating.handover(either.session, either.origin("adm"), "leader", "mate", "离校")

    assert done == {"from": "leader", "to": "mate", "subjects": 2, "items": 1, "left": []}
    assert either.holders(cycles[0]) == {"submit": {"mate"}}
    assert either.holders(cycles[1]) == {"decide": {"major"}}
    assert either.rows("select count(*) from subject where responsible_id = :p", p=either.people["leader"]) == [(0,)]
    moved = either.chain(f"cycle:{cycles[0]}")[-1]
    assert (moved.kind, moved.actor) == ("ItemTransferred", str(either.people["adm"]))
    assert "离校" not in moved.data
    assert either.rows("select count(*) from role_grant where person_id = :p", p=either.people["leader"]) == [(1,)]
    assert either.proven()


def test_a_decision_never_passes_to_whoever_submitted(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "leader", "submit", content=GOALS)

    done = reseating.handover(world.session, world.origin(), "major", "leader", "离校")

    assert (done["items"], done["left"]) == (1, [])
    assert world.holders(cycle) == {"decide": {"head"}}
    world.fire(cycle, "head", "approve")
    assert world.proven()


def test_work_whose_clock_stands_is_told_and_passes_on_when_it_runs_again(world: World) -> None:
    cycle = world.start()
    world.fire(cycle, "office", "suspend", reason="停课")
    accounts.disable(world.session, world.origin(), "leader")

    done = reseating.handover(world.session, world.origin(), "leader", "mate", "离校")

    assert done["left"] == [{"cycle": cycle, "item": 1, "kind": "submit", "state": "stopped"}]
    shown = transact(world.session, lambda d: accounts.orphaned(d, world.college(d).id))
    assert [(o.cycle, o.no) for o in shown] == [(cycle, 1)]
    world.fire(cycle, "office", "resume")
    assert reseating.handover(world.session, world.origin(), "leader", "mate", "离校")["left"] == []
    assert world.holders(cycle) == {"submit": {"mate"}}
    world.fire(cycle, "mate", "submit", content=GOALS)
    assert world.proven()


@pytest.mark.parametrize(("to", "code"), [("leader", "handover.self"), ("nobody", "person.not_found"),
                                          ("operator", "ref.unknown_user")])  # fmt: skip
def test_work_passes_only_to_somebody_of_the_college_who_can_act(world: World, to: str, code: str) -> None:
    refused(code, lambda: reseating.handover(world.session, world.origin(), "leader", to, "x"))
    accounts.disable(world.session, world.origin(), "mate")
    refused("ref.disabled_user", lambda: reseating.handover(world.session, world.origin(), "leader", "mate", "x"))


# The command line


@pytest.fixture
def peopled(settings: Settings, world: World) -> Iterator[World]:
    """Return the college, ready for commands."""
    return world


def told(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """Return the one JSON document of a command that ended as expected."""
    assert result.exit_code == exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_user_add_disable_and_handover_are_recorded_as_operator(peopled: World, runner: Run) -> None:
    added = told(runner("user", "add", "zhou", "--name", "周某", "--role", "course_leader@unit:sec", "--json"))
    cycle = peopled.start()

    left = told(runner("user", "disable", "leader", "--reason", "离校", "--json"))
    done = told(runner("user", "handover", "leader", "zhou", "--json"))

    assert [i["cycle"] for i in left["items"]] == [cycle]
    assert (done["subjects"], done["items"], done["left"]) == (1, 1, [])
    first = peopled.chain(f"person:{added['id']}")[0]
    assert (first.kind, first.actor, first.door) == ("PersonAdded", "operator", "cli")


def test_a_password_on_the_command_line_is_refused_and_not_said_again(peopled: World, runner: Run) -> None:
    for args in (("passwd", "leader", "--password", "hunter2hunter2"), ("passwd", "leader", "hunter2hunter2"),
                 ("add", "li", "--name", "李某", "--password=hunter2hunter2")):  # fmt: skip
        result = runner("user", *args, "--json")
        assert told(result, 2)["code"] == "password.on_command_line"
        assert "hunter2" not in result.output
    assert peopled.rows("select count(*) from person where login = 'li' or password_hash is not null") == [(0,)]


def test_a_password_comes_from_a_file_or_the_environment(peopled: World, runner: Run, tmp_path: Any) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("from a file 1\n", encoding="utf-8")

    told(runner("user", "passwd", "leader", "--password-file", str(file), "--json"))
    assert transact(peopled.session, lambda d: passwords.proven(d, "leader", "from a file 1")) is not None
    told(runner("user", "passwd", "leader", "--json", QAFLOW_PASSWORD="from outside 2"))
    assert transact(peopled.session, lambda d: passwords.proven(d, "leader", "from outside 2")) is not None
    assert told(runner("user", "passwd", "leader", "--json"), 2)["code"] == "password.missing"


def test_on_an_installation_an_act_needs_that_users_token(peopled: World, runner: Run, tmp_path: Any) -> None:
    cycle = peopled.start()
    data = tmp_path / "goals.json"
    data.write_text(json.dumps({"content": GOALS}), encoding="utf-8")
    fire = ("cycle", "fire", str(cycle), "submit", "--as", "leader", "--data", str(data), "--json")
    mine = told(runner("user", "token", "leader", "--json"))["token"]
    others = told(runner("user", "token", "major", "--json"))["token"]

    assert told(runner(*fire), 5)["code"] == "actor.unproven"
    assert told(runner(*fire, QAFLOW_TOKEN=others), 5)["code"] == "actor.unproven"
    assert told(runner(*fire, QAFLOW_TOKEN=mine))["leaf"] == "review"


def test_unknown_logins_exit_3_and_refusals_of_state_exit_4(peopled: World, runner: Run) -> None:
    assert told(runner("user", "disable", "nobody", "--json"), 3)["code"] == "person.not_found"
    told(runner("user", "disable", "mate", "--json"))
    assert told(runner("user", "disable", "mate", "--json"), 4)["code"] == "account.disabled"
    assert told(runner("user", "token", "mate", "--json"), 4)["code"] == "account.disabled"
    assert told(runner("user", "add", "leader", "--name", "某", "--json"), 4)["code"] == "login.taken"
