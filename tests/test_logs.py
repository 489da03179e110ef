"""The journal as XES, OCEL and lines of JSON: read by pm4py, complete, in order, without names unless asked for."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pm4py
import pytest
from flask import Flask
from lxml import etree

from qaflow.cli.export_logs import write
from qaflow.config import Settings
from qaflow.errors import Invalid, Missing
from qaflow.services.events import mining
from qaflow.services.events.mining import Wanted
from qaflow.store import journal
from qaflow.store.db import db
from qaflow.testing import World, spiral

ODD = "<&\"'>\x00\x0b\ufffe 课程\n甲"


@pytest.fixture
def world(store_app: Flask) -> World:
    """Two cycles, one of them some steps on."""
    made = World(db.session, spiral(stages=("goal", "implement", "improve")))
    cycle = made.start("C1")
    made.start("C9")
    made.now += dt.timedelta(days=2)
    made.fire(cycle, "submit", "lead", content={"note": "a secret note"})
    made.fire(cycle, "approve", "major")
    return made


def exported(kind: str, path: Path, **wanted: Any) -> Path:
    target = path / f"log.{'xes' if kind == 'xes' else 'json'}"
    mining.export(db.session, None, kind, Wanted(**wanted), lambda pieces: write(pieces, target))
    return target


def held(like: str = "cycle:%") -> list[tuple[str, int, str, str]]:
    """What the journal holds, asked of it directly."""
    found = db.session.execute(
        db.text("select stream, seq, kind, at from journal where stream like :like order by stream, seq"),
        {"like": like},
    ).all()
    db.session.rollback()
    return [(str(stream), int(seq), str(kind), str(at)) for stream, seq, kind, at in found]


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_pm4py_reads_every_fact_of_the_cycles_from_xes(world: World, tmp_path: Path) -> None:
    read = pm4py.read_xes(str(exported("xes", tmp_path)), variant="lxml")

    rows = [(r["identity"], r["concept:name"], r["time:timestamp"].to_pydatetime()) for _, r in read.iterrows()]
    assert rows == [(f"{s}:{n}", kind, moment(at)) for s, n, kind, at in held()]
    assert set(read["case:concept:name"]) == {s for s, _, _, _ in held()}


def test_pm4py_reads_every_fact_of_the_cycles_from_ocel(world: World, tmp_path: Path) -> None:
    read = pm4py.read_ocel2_json(str(exported("ocel", tmp_path)))

    rows = {(r["ocel:eid"], r["ocel:activity"], r["ocel:timestamp"].to_pydatetime()) for _, r in read.events.iterrows()}
    assert rows == {(f"{s}:{n}", kind, moment(at)) for s, n, kind, at in held()}
    counts = read.objects["ocel:type"].value_counts().to_dict()
    items = world.query("select count(*) from work_item")[0][0]
    assert counts == {"cycle": 2, "subject": 2, "work item": items}
    assert set(read.relations["ocel:qualifier"]) == {"cycle", "subject", "opened", "closed"}


def test_with_names_each_line_of_the_journal_gives_its_hash_again(world: World, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in exported("journal", tmp_path, names=True).read_text("utf-8").splitlines()]

    assert {(one["stream"], one["seq"]) for one in lines} == {(s, n) for s, n, _, _ in held("%")}
    assert all(journal.digest(**{k: v for k, v in one.items() if k != "hash"}) == one["hash"] for one in lines)


@pytest.mark.parametrize("kind", ["xes", "ocel", "journal"])
def test_without_names_no_log_holds_a_person_a_subject_or_a_text(world: World, tmp_path: Path, kind: str) -> None:
    text = exported(kind, tmp_path).read_text("utf-8")

    assert "P1" in text
    assert [one for one in (*world.persons, "secret") if f'"{one}"' in text or f"({one})" in text] == []
    assert "lead (lead)" not in text


def test_names_stand_where_they_are_asked_for(world: World, tmp_path: Path) -> None:
    assert "lead (lead)" in exported("xes", tmp_path, names=True).read_text("utf-8")


def test_any_text_gives_valid_xml(world: World, tmp_path: Path) -> None:
    odd = ODD.replace("\x00", "") if db.engine.dialect.name == "postgresql" else ODD  # it holds no NUL
    db.session.execute(db.text("update subject set name = :n where code = 'C1'"), {"n": odd})
    db.session.commit()

    tree = etree.parse(str(exported("xes", tmp_path, names=True)))

    said = tree.xpath("//*[local-name()='trace'][1]/*[@key='subject']/@value")
    assert said[0].endswith(" 课程\n甲") and said[0].startswith("C1 <&\"'>\ufffd")


def test_days_and_layers_choose_and_strange_ones_are_refused(world: World, tmp_path: Path) -> None:
    day = world.now.date()
    chosen = exported("xes", tmp_path, first=day, last=day, layer="course").read_text("utf-8")

    assert chosen.count("<event>") == len([1 for _, _, _, at in held() if moment(at) == world.now]) > 0
    assert chosen.count("<trace>") == 1
    with pytest.raises(Missing):
        exported("xes", tmp_path, layer="nowhere")
    with pytest.raises(Invalid):
        exported("xes", tmp_path, first=day, last=day - dt.timedelta(days=1))


@pytest.mark.parametrize("kind", ["xes", "ocel", "journal"])
def test_the_command_writes_the_file_for_its_owner_alone(world: World, tmp_path: Path, runner: Any,
                                                         store_settings: Settings, kind: str) -> None:  # fmt: skip
    target = tmp_path / "made"
    env = {"QAFLOW_DATABASE_URL": store_settings.database_url}

    told = runner("export", kind, "--college", "tiny", "--out", str(target), "--json", **env)

    assert told.exit_code == 0, told.output
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(told.stdout)["facts"] == len(held("%" if kind == "journal" else "cycle:%"))
