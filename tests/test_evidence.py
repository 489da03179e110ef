"""Evidence: kept by hash, checked by kind, counted at the gate, missed by the doctor when it is gone."""

import dataclasses
from pathlib import Path

import pytest
from flask import Flask

from qaflow.adapters.files import FolderFiles
from qaflow.errors import Forbidden, Invalid, Missing
from qaflow.services.cycles import evidence
from qaflow.services.running import doctor
from qaflow.store.db import db
from qaflow.testing import World, spiral, stage

PDF = b"%PDF-1.7\nthe minutes"


@pytest.fixture
def world(app: Flask) -> World:
    """Return a college whose first stage needs one file."""
    return World(db.session, spiral(stages=[dataclasses.replace(stage("goal"), evidence=1), stage("improve")]))


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    """Return an empty store of files."""
    return FolderFiles(tmp_path / "evidence")


def test_a_stage_that_needs_a_file_is_submitted_only_with_it(world: World, files: FolderFiles) -> None:
    cycle = world.start()
    assert world.refused(cycle, "submit", "lead").code == "gate.missing"

    kept = evidence.attach(db.session, world.origin("lead"), files, cycle, "../纪要.pdf", PDF)["evidence"]

    assert (kept["name"], kept["media"]) == ("纪要.pdf", "application/pdf")
    assert files.read(kept["hash"]) == PDF
    assert world.fire(cycle, "submit", "lead")["state"] == "goal.review"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"", "file.empty"),
        ("a.pdf", b"<html>", "file.type_mismatch"),
        ("a.txt", b"\x00\x01", "file.type_mismatch"),
        ("a.docm", PDF, "file.type_refused"),
        ("a.svg", b"<svg/>", "file.type_refused"),
        ("\u202e.", PDF, "file.type_refused"),
        ("a" * 300 + ".pdf", PDF, "file.name"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    world: World, files: FolderFiles, name: str, data: bytes, code: str
) -> None:
    cycle = world.start()

    with pytest.raises(Invalid) as caught:
        evidence.attach(db.session, world.origin("lead"), files, cycle, name, data)

    assert caught.value.code == code
    assert world.kinds(cycle) == ["CycleStarted"]


def test_only_who_owes_the_work_gives_evidence_for_it(world: World, files: FolderFiles) -> None:
    cycle = world.start()

    with pytest.raises((Forbidden, Missing)):
        evidence.attach(db.session, world.origin("major"), files, cycle, "a.pdf", PDF)


def test_the_doctor_misses_a_file_that_is_gone_and_sees_one_that_was_altered(world: World, files: FolderFiles) -> None:
    cycle = world.start()
    digest = evidence.attach(db.session, world.origin("lead"), files, cycle, "a.pdf", PDF)["evidence"]["hash"]
    assert doctor.check(db.session, files=files)["findings"] == []

    place = files.folder / digest[:2] / digest
    place.write_bytes(b"other")
    altered = doctor.check(db.session, files=files)["findings"]
    place.unlink()
    gone = doctor.check(db.session, files=files)["findings"]

    assert [f["why"] for f in altered + gone] == ["the file a.pdf was altered", "the file a.pdf is not there"]
