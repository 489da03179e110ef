"""Packs: one file proves a cycle's history by itself, and never more than it can."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from audit_world import db, eventful
from conftest import Run
from flask import Flask

from qaflow.config import Settings
from qaflow.errors import Invalid, Missing
from qaflow.services.auditing import checkpoints, packs
from qaflow.store import content
from qaflow.store.db import driver
from qaflow.testing import World


@pytest.fixture
def world(app: Flask) -> World:
    """Return a college that has lived for a while."""
    return eventful(db.session, seed=9, courses=4, acts=120)


@pytest.fixture
def cycle(world: World) -> int:
    """Return the cycle with the longest history."""
    found: int = world.query("select id from cycle order by version desc limit 1")[0][0]
    return found


@pytest.fixture
def pack(world: World, cycle: int) -> dict[str, Any]:
    """Return its pack as it comes out of the file."""
    found: dict[str, Any] = json.loads(packs.as_text(packs.make(db.session, cycle)))
    return found


def test_a_pack_is_consistent_by_itself_and_says_no_more(pack: dict[str, Any]) -> None:
    report = packs.verify(pack)

    assert report["consistent"]
    assert report["entries"] == len(pack["entries"]) > 15
    assert report["head"] == pack["entries"][-1][-1]
    assert report["checkpoint"] is None
    assert pack["contents"], "a history without a word proves little"


def test_the_same_history_gives_the_same_bytes(pack: dict[str, Any], cycle: int) -> None:
    assert packs.as_text(packs.make(db.session, cycle)) == packs.as_text(pack)


def test_an_erased_content_leaves_the_pack_consistent(pack: dict[str, Any], world: World, cycle: int) -> None:
    name = min(pack["contents"])
    content.erase(driver(db.session), name, world.now)
    db.session.commit()

    later = packs.make(db.session, cycle)

    assert later["contents"][name] == {"erased": True}
    assert packs.verify(later)["consistent"]


def change_entry(pack: dict[str, Any]) -> None:
    """Let somebody else have acted."""
    pack["entries"][3][6] = "99"


def drop_entry(pack: dict[str, Any]) -> None:
    """Leave an entry out."""
    del pack["entries"][3]


def cut_tail(pack: dict[str, Any]) -> None:
    """Leave the newest entry out."""
    del pack["entries"][-1]


def change_text(pack: dict[str, Any]) -> None:
    """Put other words under a hash."""
    next(c for c in pack["contents"].values() if "text" in c)["text"] += "!"


def drop_text(pack: dict[str, Any]) -> None:
    """Leave a text out."""
    del pack["contents"][min(pack["contents"])]


def change_definition(pack: dict[str, Any]) -> None:
    """Let the cycle have run under other rules."""
    name = next(iter(pack["definitions"]))
    pack["definitions"][name] = pack["definitions"][name].replace('"goal"', '"aim"')


def add_evidence(pack: dict[str, Any]) -> None:
    """List a file that nobody gave."""
    pack["evidence"].append({"hash": "0" * 64})


@pytest.mark.parametrize(
    "harm", [change_entry, drop_entry, cut_tail, change_text, drop_text, change_definition, add_evidence]
)
def test_a_changed_pack_is_not_consistent(pack: dict[str, Any], harm: Any) -> None:
    harm(pack)

    report = packs.verify(pack)

    assert not report["consistent"]
    assert report["findings"]


def test_a_shorter_pack_with_a_fitting_head_is_found_only_against_a_checkpoint(
    pack: dict[str, Any], world: World, settings: Settings
) -> None:
    checkpoint = checkpoints.make(db.session, world.origin(), settings.home)
    shorter = copy.deepcopy(pack)
    del shorter["entries"][-1]
    shorter |= {"length": len(shorter["entries"]), "head": shorter["entries"][-1][-1]}
    shorter["evidence"] = [e for e in shorter["evidence"] if e["hash"] in json.dumps(shorter["entries"])]

    assert packs.verify(shorter)["consistent"], "nothing in the file can show it"
    assert not packs.verify(shorter, checkpoint)["consistent"]
    assert packs.verify(pack, checkpoint)["consistent"]
    assert packs.verify(pack, checkpoint)["checkpoint"]["matches"]


def test_a_pack_of_a_cycle_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(Missing):
        packs.make(db.session, 999)


@pytest.mark.parametrize("harm", [{"kind": "x"}, {"format": 2}, {"entries": [[]]}, {"cycle": "1"}, {"columns": []}])
def test_a_file_that_is_no_pack_is_refused(pack: dict[str, Any], harm: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        packs.verify(pack | harm)

    assert refused.value.code == "pack.invalid"


def test_the_command_line_packs_and_verifies_without_a_database(cycle: int, runner: Run, tmp_path: Path) -> None:
    file, mark = tmp_path / "pack.json", tmp_path / "mark.json"
    assert runner("audit", "pack", str(cycle), "--out", str(file)).exit_code == 0
    assert runner("audit", "checkpoint", "--out", str(mark)).exit_code == 0
    nowhere = {"QAFLOW_HOME": str(tmp_path / "nowhere")}

    alone = runner("audit", "verify-pack", str(file), **nowhere)
    against = runner("audit", "verify-pack", str(file), "--checkpoint", str(mark), **nowhere)

    assert (alone.exit_code, against.exit_code) == (0, 0)
    assert "compare this head" in alone.stdout
    assert "authentic" not in alone.stdout
    assert "agrees with the checkpoint" in against.stdout
    assert not (tmp_path / "nowhere" / "qaflow.db").exists()


def test_the_command_line_names_the_first_bad_entry_and_exits_3(
    pack: dict[str, Any], runner: Run, tmp_path: Path
) -> None:
    change_entry(pack)
    (tmp_path / "bad.json").write_text(json.dumps(pack))

    result = runner("audit", "verify-pack", str(tmp_path / "bad.json"))

    assert result.exit_code == 3
    assert f"cycle:{pack['cycle']} entry 4" in result.stderr


def test_verify_names_the_first_bad_entry_and_exits_3(world: World, settings: Settings, runner: Run) -> None:
    from test_audit_doctor import edit

    db.session.remove()
    edit(settings, "update journal set door = 'back' where stream = 'cycle:2' and seq = 1", triggers=True)

    result = runner("audit", "verify")

    assert result.exit_code == 3
    assert "cycle:2 entry 1" in result.stderr
