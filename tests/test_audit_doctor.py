"""The doctor: each invariant sound on a college that lives, and each one's breach found (I1 to I7, row 98)."""

import json
import sqlite3
from typing import Any

import pytest
from audit_world import db, eventful
from conftest import Run
from flask import Flask

from qaflow.config import Settings
from qaflow.services.running import deploying, doctor
from qaflow.store import doctor as store
from qaflow.store.db import driver
from qaflow.store.journal import TRIGGERS
from qaflow.testing import World


@pytest.fixture
def world(app: Flask) -> World:
    """Return a college that has lived for a while."""
    return eventful(db.session, seed=7, courses=5, acts=90)


def edit(settings: Settings, *statements: str, triggers: bool = False) -> None:
    """Change the file behind the program's back."""
    with sqlite3.connect(settings.home / "qaflow.db") as file:
        for name in TRIGGERS["sqlite"] if triggers else ():
            file.execute(f"drop trigger {name}")
        touched = [file.execute(text).rowcount for text in statements]
    file.close()
    assert all(n != 0 for n in touched), "nothing was changed"


def checked() -> dict[str, list[dict[str, Any]]]:
    """Return the doctor's findings by check."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in doctor.check(db.session)["findings"]:
        found.setdefault(one["check"], []).append(one)
    return found


def test_a_living_college_is_sound_on_either_database(store_app: Flask) -> None:
    eventful(db.session, seed=8, courses=5, acts=90)

    report = doctor.check(db.session)

    assert (report["ok"], report["findings"]) == (True, [])
    assert report["entries"] > 100


BREACHES = {
    "I1": "update cycle set version = version + 1 where id = 1",
    "I2": "update cycle set revision = revision + 1 where id = 1",
    "I4": "delete from outbox where id = (select max(id) from outbox)",
    "I5": "update cycle set definition_id = 999 where id = 1",
    "I6": "update escalation set level = 7 where id = (select max(id) from escalation)",
    "I7": "update cycle set status = 'closed' where id = (select max(cycle_id) from work_item where state = 'open')",
}


@pytest.mark.parametrize("invariant", BREACHES)
def test_the_breach_of_an_invariant_is_found(world: World, settings: Settings, invariant: str) -> None:
    db.session.remove()
    edit(settings, "pragma foreign_keys = off", BREACHES[invariant])

    assert invariant in checked()


def test_a_notice_without_its_entry_is_found(world: World, settings: Settings) -> None:
    edit(settings, "update outbox set journal_seq = 9999 where id = (select min(id) from outbox)")

    assert len(checked()["I4"]) == 2, "the notice has no entry, and its entry no notice"


def test_a_trigger_that_does_not_stand_is_named(world: World, settings: Settings) -> None:
    db.session.remove()
    edit(settings, "drop trigger journal_no_update")

    assert [f["ref"] for f in checked()["triggers"]] == ["journal_no_update"]


def test_history_edited_by_hand_ends_with_exit_3_and_seals_the_cycle(
    world: World, settings: Settings, runner: Run
) -> None:
    db.session.remove()
    edit(settings, "update journal set actor = '77' where stream = 'cycle:3' and seq = 2", triggers=True)

    result = runner("doctor", "--json")

    found = [f for f in json.loads(_first(result.stdout))["findings"] if f["check"] == "I3"]
    assert result.exit_code == 3
    assert [(f["ref"], f["seq"]) for f in found] == [("cycle:3", 2)]
    assert len(found[0]["expected"]) == len(found[0]["found"]) == 64
    assert store.is_sealed(driver(db.session), 3)
    assert not store.is_sealed(driver(db.session), 2)
    db.session.rollback()


def _first(text: str) -> str:
    """Return the first of several JSON documents."""
    _, end = json.JSONDecoder().raw_decode(text)
    return text[:end]


def test_a_cycle_that_is_sound_again_is_freed(world: World, settings: Settings) -> None:
    (version,) = world.query("select version from cycle where id = 3")[0]
    edit(settings, "update cycle set version = 0 where id = 3")
    doctor.check(db.session, world.now)
    assert store.is_sealed(driver(db.session), 3)
    db.session.rollback()

    edit(settings, f"update cycle set version = {version} where id = 3")
    report = doctor.check(db.session, world.now)

    assert report["ok"]
    assert not store.is_sealed(driver(db.session), 3)
    db.session.rollback()


def unsafe(settings: Settings, **changes: Any) -> set[str]:
    """Return what stands against opening an installation with these settings."""
    from dataclasses import replace

    from qaflow.adapters.clock import SystemClock

    return {f["ref"] for f in deploying.check(db.session, replace(settings, **changes), SystemClock().now())}


def test_a_safe_installation_has_nothing_against_it(app: Flask, settings: Settings) -> None:
    (settings.home / "qaflow.db").chmod(0o600)

    assert unsafe(settings, base_url="https://q.example", host="0.0.0.0", allowed_hosts=("q.example",)) == set()


@pytest.mark.parametrize(("changes", "code"), [
    ({"secret_key": ""}, "config.secret_key"),
    ({"base_url": "http://127.0.0.1:5000"}, "config.base_url"),
    ({"host": "0.0.0.0"}, "config.allowed_hosts"),
])  # fmt: skip
def test_an_unsafe_setting_is_named(app: Flask, settings: Settings, changes: dict[str, Any], code: str) -> None:
    (settings.home / "qaflow.db").chmod(0o600)

    assert code in unsafe(settings, **{"base_url": "https://q.example"} | changes)


@pytest.mark.parametrize("name", ["qaflow.db", "secret", "audit.key"])
def test_a_file_that_others_may_read_is_named(app: Flask, settings: Settings, name: str) -> None:
    (settings.home / "qaflow.db").chmod(0o600)
    (settings.home / name).touch()
    (settings.home / name).chmod(0o644)

    assert unsafe(settings, base_url="https://q.example") == {"config.readable"}


def test_a_sandbox_on_loopback_may_use_plain_http(world: World, settings: Settings) -> None:
    (settings.home / "qaflow.db").chmod(0o600)

    assert unsafe(settings) == set()
    assert "installation.sandbox" in unsafe(settings, host="0.0.0.0")
