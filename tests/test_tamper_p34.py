"""P34: history cannot be changed by the program, and what others change in the file is found."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audit_world import db, eventful
from conftest import SECRET, entered, migrated
from flask import Flask

from qaflow.config import Settings
from qaflow.services.auditing import audit, checkpoints
from qaflow.store.journal import COLUMNS, TRIGGERS, digest

SEED = 34
BIT_CHANGES = 1000
TEXTS = [c for c in COLUMNS if c not in ("seq", "format")]
ELSEWHERE = ("stream", "seq")  # a change of these moves the entry: another place is the first bad one


def lived(home: Path, acts: int, seed: int = SEED) -> Settings:
    """Make a home whose college has lived for a while."""
    home.mkdir(mode=0o700)
    settings = Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)
    migrated(settings)
    for _ in entered(settings):
        world = eventful(db.session, seed, courses=6, acts=acts)
        assert world.done >= acts // 3  # type: ignore[attr-defined]
    return settings


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a home that no test changes."""
    return lived(tmp_path_factory.mktemp("p34") / "home", 240)


class Tampered:
    """A copy of the home whose file somebody edits, past the program and its triggers."""

    def __init__(self, settings: Settings, app: Flask) -> None:
        self.settings, self.app = settings, app
        self.file = sqlite3.connect(settings.home / "qaflow.db", isolation_level=None)
        for name in TRIGGERS["sqlite"]:
            self.file.execute(f"drop trigger {name}")

    def verify(self, checkpoint: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the audit's report."""
        return audit.verify(db.session, checkpoint)

    def run(self, text: str, *params: Any) -> list[Any]:
        """Do something to the file."""
        return self.file.execute(text, params).fetchall()

    def stream(self, least: int = 5) -> str:
        """Return the cycle stream with the most entries."""
        name, count = self.run(
            "select stream, count(*) from journal where stream like 'cycle:%' group by 1 order by 2 desc"
        )[0]
        assert count >= least
        return str(name)

    def rewrite(self, stream: str, seq: int, **changes: Any) -> None:
        """Change one entry and make every hash from there on good again, the row's head too."""
        newest = ""
        for entry in self.run(
            f"select id, {','.join(COLUMNS)} from journal where stream = ? and seq >= ? order by seq", stream, seq
        ):
            values = dict(zip(COLUMNS, entry[1:], strict=True)) | (changes if entry[2] == seq else {})
            if entry[2] > seq:
                values["prev"] = newest
            del values["hash"]
            newest = digest(**values)
            sets = ", ".join(f"{c} = ?" for c in [*values, "hash"])
            self.run(f"update journal set {sets} where id = ?", *values.values(), newest, entry[0])
        self.run("update cycle set head = ? where id = ?", newest, int(stream.partition(":")[2]))


@pytest.fixture
def tampered(template: Settings, tmp_path: Path) -> Iterator[Tampered]:
    """Return a copy with its triggers dropped."""
    shutil.copytree(template.home, tmp_path / "copy")
    settings = replace(template, home=tmp_path / "copy", database_url=f"sqlite:///{tmp_path}/copy/qaflow.db")
    for app in entered(settings):
        made = Tampered(settings, app)
        yield made
        made.file.close()


def test_an_untouched_history_verifies(tampered: Tampered) -> None:
    report = tampered.verify()

    assert (report["verified"], report["findings"], report["first_bad"]) == (True, [], None)
    assert report["entries"] == tampered.run("select count(*) from journal")[0][0] > 300


ATTACKS = (
    "update journal set data = '{}' where seq = 1", "delete from journal where seq = 1", "delete from journal",
    "replace into journal select * from journal where seq = 1",
    "insert or replace into journal select * from journal where seq = 1",
    "update or replace journal set hash = 'x'",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_refuses_every_way_to_change_history(template: Settings, tmp_path: Path, attack: str) -> None:
    shutil.copy(template.home / "qaflow.db", tmp_path / "copy.db")
    file = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    before = file.execute("select count(*), group_concat(hash) from journal").fetchone()

    with pytest.raises(sqlite3.IntegrityError, match="journal:"):
        file.execute(attack)

    assert file.execute("select count(*), group_concat(hash) from journal").fetchone() == before
    file.close()


def test_without_its_triggers_the_same_attacks_succeed(tampered: Tampered) -> None:
    """The mutant: if this test fails, the one above proves nothing."""
    tampered.run(ATTACKS[0])

    assert tampered.run("select count(*) from journal where data = '{}'")[0][0] > 5
    assert not tampered.verify()["verified"]


def test_every_change_of_one_bit_is_found_and_named(tampered: Tampered) -> None:
    chance = random.Random(SEED)
    rows = tampered.run(f"select id, {','.join(COLUMNS)} from journal order by id")
    tampered.run("pragma synchronous = off")
    done, missed, misnamed = 0, [], []
    while done < BIT_CHANGES:
        row, column = chance.choice(rows), chance.choice(COLUMNS)
        value = row[1 + COLUMNS.index(column)]
        try:
            tampered.run(f"update journal set {column} = {'cast(? as text)' if column in TEXTS else '?'} where id = ?",
                         _flipped(chance, value), row[0])  # fmt: skip
        except sqlite3.IntegrityError:
            continue  # the key stands already: the database itself refuses
        report = tampered.verify()
        if report["verified"]:
            missed.append((row[0], column))
        elif column not in ELSEWHERE and (report["first_bad"]["stream"], report["first_bad"]["seq"]) != row[1:3]:
            misnamed.append((row[0], column, report["first_bad"]))
        tampered.run(f"update journal set {column} = ? where id = ?", value, row[0])
        done += 1

    assert (done, missed, misnamed) == (BIT_CHANGES, [], [])
    assert tampered.verify()["verified"]


def _flipped(chance: random.Random, value: Any) -> Any:
    """Return the value with one bit changed; nothing becomes something."""
    if value is None:
        return b"x"
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(16))
    data = bytearray(value.encode() or b"\0")
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def test_a_dropped_entry_is_found_and_named(tampered: Tampered) -> None:
    stream = tampered.stream()
    tampered.run("delete from journal where stream = ? and seq = 3", stream)

    report = tampered.verify()

    assert not report["verified"]
    assert (report["first_bad"]["stream"], report["first_bad"]["seq"]) == (stream, 4)
    assert "entry 3 is missing" in report["first_bad"]["why"]


def test_two_swapped_entries_are_found(tampered: Tampered) -> None:
    stream = tampered.stream()
    for was, seq in ((3, -1), (4, 3), (-1, 4)):
        tampered.run("update journal set seq = ? where stream = ? and seq = ?", seq, stream, was)

    assert tampered.verify()["first_bad"]["seq"] == 3


def test_an_entry_put_in_between_is_found(tampered: Tampered) -> None:
    stream = tampered.stream()
    tampered.run("update journal set seq = -seq - 1 where stream = ? and seq > 2", stream)
    tampered.run("update journal set seq = -seq where stream = ? and seq < 0", stream)
    columns = [c for c in COLUMNS if c != "seq"]
    tampered.run(f"insert into journal (seq, {','.join(columns)}) select 3, {','.join(columns)} from journal "
                 "where stream = ? and seq = 2", stream)  # fmt: skip

    assert tampered.verify()["first_bad"]["seq"] == 3


def test_an_edit_of_the_newest_entry_is_found(tampered: Tampered) -> None:
    stream = tampered.stream()
    (last,) = tampered.run("select max(seq) from journal where stream = ?", stream)[0]
    tampered.run("update journal set actor = '999' where stream = ? and seq = ?", stream, last)

    assert (tampered.verify()["first_bad"]["stream"], tampered.verify()["first_bad"]["seq"]) == (stream, last)


def test_a_cut_tail_is_found_where_the_rows_were_not_cut_to_match(tampered: Tampered) -> None:
    stream = tampered.stream()
    (last,) = tampered.run("select max(seq) from journal where stream = ?", stream)[0]
    tampered.run("delete from journal where stream = ? and seq = ?", stream, last)

    assert not tampered.verify()["verified"]


def test_an_older_database_put_back_is_found_only_against_a_checkpoint(tampered: Tampered, tmp_path: Path) -> None:
    """The tail cut with every row cut to match is an older state of the database, whole in itself."""
    stream = tampered.stream()
    cycle = int(stream.partition(":")[2])
    shutil.copy(tampered.settings.home / "qaflow.db", tmp_path / "older.db")
    _comment(tampered, cycle)
    checkpoint = _checkpoint(tampered)
    tampered.file.close()
    db.engine.dispose()
    for name in ("qaflow.db-wal", "qaflow.db-shm"):
        (tampered.settings.home / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.db", tampered.settings.home / "qaflow.db")

    alone, against = tampered.verify(), tampered.verify(checkpoint)

    assert alone["verified"], "without a checkpoint nobody can know"
    assert not against["verified"]
    assert stream in against["checkpoint"]["older"]
    assert "older than the checkpoint" in against["first_bad"]["why"]


def test_a_tail_written_anew_with_good_hashes_is_found_only_against_a_checkpoint(tampered: Tampered) -> None:
    stream = tampered.stream()
    _comment(tampered, int(stream.partition(":")[2]))
    checkpoint = _checkpoint(tampered)
    (last,) = tampered.run("select max(seq) from journal where stream = ?", stream)[0]
    tampered.rewrite(stream, last, recorded_at="2026-01-01T00:00:00.000000Z")

    alone, against = tampered.verify(), tampered.verify(checkpoint)

    assert alone["verified"], "without a checkpoint nobody can know"
    assert not against["verified"]
    assert (against["first_bad"]["stream"], against["first_bad"]["seq"]) == (stream, last)
    assert against["checkpoint"]["rewritten"] == [stream]


def test_a_checkpoint_agrees_with_a_history_that_only_grew(tampered: Tampered) -> None:
    checkpoint = _checkpoint(tampered)
    _comment(tampered, int(tampered.stream().partition(":")[2]))

    assert tampered.verify(checkpoint)["verified"]


def test_a_checkpoint_that_was_edited_is_refused(tampered: Tampered) -> None:
    checkpoint = _checkpoint(tampered)
    checkpoint["heads"][0][2] = "0" * 64

    report = tampered.verify(checkpoint)

    assert not report["verified"]
    assert "signature" in report["findings"][0]["why"]


def test_a_forged_fact_needs_more_than_good_hashes(tampered: Tampered) -> None:
    """Replay refuses a decision by somebody who was not asked, though the chain is whole."""
    stream, seq = tampered.run("select stream, seq from journal where kind = 'StageApproved' order by id limit 1")[0]
    (data,) = tampered.run("select data from journal where stream = ? and seq = ?", stream, seq)[0]
    changed = data.replace('"signer":', '"signer":9', 1).replace('"by":', '"by":9', 1)
    (actor,) = tampered.run("select actor from journal where stream = ? and seq = ?", stream, seq)[0]
    tampered.rewrite(stream, seq, data=changed, actor=f"9{actor}", on_behalf_of=None)

    report = tampered.verify()

    assert (report["first_bad"]["stream"], report["first_bad"]["seq"]) == (stream, seq)
    assert report["findings"][0]["kind"] == "replay"


PROJECTION = {
    "a cycle's stage": "update cycle set stage = 'diagnose' "
    "where id = (select min(id) from cycle where stage <> 'diagnose')",
    "a deadline": "update work_item set due = '2030-01-01' where id = (select min(id) from work_item)",
    "a work item closed": "update work_item set state = 'done' "
    "where id = (select min(id) from work_item where state = 'open')",
    "a work item gone": "delete from work_item "
    "where id = (select max(id) from work_item where id not in (select item_id from escalation))",
    "a warning's state": "update warning set state = 'dismissed' "
    "where id = (select min(id) from warning where cycle_id is not null)",
    "a visit gone": "delete from visit where rowid = (select max(rowid) from visit)",
    "a signature": "update signature set person_id = 1 where rowid = (select min(rowid) from signature where not void)",
    "a sheet": "update sheet set state = case state when 'done' then 'open' else 'done' end "
    "where id = (select min(id) from sheet)",
    "a cycle's head": "update cycle set head = '' where id = 1",
    "a person's head": "update person set head = 'x' where id = (select max(id) from person)",
    "the college's length": "update college set version = version - 1",
    "a content": "update content set bytes = cast('{}' || ' ' as blob) where hash = (select min(hash) from content)",
    "a content gone": "delete from content where hash in (select max(hash) from content)",
    "a definition": "update definition set body = replace(body, '\"goal\"', '\"aim\"')",
    "a reading": "update reading set value = value + 1 where id = (select min(id) from reading)",
}  # fmt: skip


@pytest.mark.parametrize("what", PROJECTION)
def test_what_the_tables_say_is_held_against_the_journal(tampered: Tampered, what: str) -> None:
    assert tampered.file.execute(PROJECTION[what]).rowcount >= 1

    assert not tampered.verify()["verified"]


def _comment(tampered: Tampered, cycle: int) -> None:
    """Let the responsible person say something more."""
    from qaflow.services.cycles import acts as cycles
    from qaflow.services.work import Origin

    (person,) = tampered.run("select responsible_id from cycle where id = ?", cycle)[0]
    now = tampered.app.extensions["qaflow"].clock.now()
    cycles.fire(
        db.session, Origin(now=now, recorded=now, door="test", person=person), cycle, "comment", {"text": "more"}
    )


def _checkpoint(tampered: Tampered) -> dict[str, Any]:
    from qaflow.services.work import Origin

    now = tampered.app.extensions["qaflow"].clock.now()
    return checkpoints.make(db.session, Origin(now=now, recorded=now, door="test"), tampered.settings.home)
