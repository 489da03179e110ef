"""The store's contract, the same on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, text

from qaflow.store import content, journal
from qaflow.store.db import (
    Contended,
    Driver,
    Duplicate,
    Instant,
    Sealed,
    Sql,
    checkpoint,
    configure,
    db,
    driver,
    engine_options,
    instant,
    normalised,
    prepare,
    reading,
    set_synchronous,
    settings,
    upgrade,
    utc,
)
from qaflow.store.tables.journal import Incident, Lease
from qaflow.store.tables.organisation import CalendarYear, College, Term

SHANGHAI = timezone(timedelta(hours=8))
NOON = datetime(2025, 9, 1, 12, 0, 0, 5, tzinfo=SHANGHAI)
INSERT = Sql("insert into lease (name, holder, token, until) values (:name, :holder, :token, :until)")
COUNT = Sql("select count(*) from lease")


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """An app on a fresh, migrated database."""
    app = Flask("store")
    configure(app, database_url)
    upgrade(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def drive(app: Flask) -> Driver:
    """The session's driver, its transaction begun."""
    return driver(db.session)


def lease(name: str, token: int = 1) -> dict[str, Any]:
    return {"name": name, "holder": "h", "token": token, "until": utc(NOON)}


def college() -> College:
    """A college with every required column filled, whatever else a college comes to hold."""
    blanks = {str: "", int: 0, bool: False, datetime: NOON}
    columns = [c for c in College.__table__.columns if not c.nullable and c.name != "id"]
    return College(**{c.name: blanks.get(_python_type(c.type), "") for c in columns})


def _python_type(kind: Any) -> type:
    return datetime if isinstance(kind, Instant) else kind.python_type


def entries(stream: str, count: int, first: int = 1) -> list[journal.Entry]:
    made, prev = [], journal.GENESIS
    for seq in range(first, first + count):
        fields = (stream, seq, "CycleStarted", 1, utc(NOON), utc(NOON), "王", None, "cli", None, "d@1", '{"n":1}')
        made.append(journal.Entry(*fields, prev, prev := journal.digest(prev, *fields)))
    return made


# Instants and days


def test_an_instant_keeps_its_moment_and_comes_back_in_utc(drive: Driver) -> None:
    db.session.add(Lease(name="tick", holder="h", token=1, until=NOON))
    db.session.commit()

    assert db.session.get_one(Lease, "tick").until == NOON
    assert db.session.get_one(Lease, "tick").until.utcoffset() == timedelta(0)
    assert driver(db.session).value(Sql("select until from lease")) == "2025-09-01T04:00:00.000005Z"


def test_a_naive_instant_is_refused_on_both_paths(drive: Driver) -> None:
    db.session.add(Lease(name="tick", holder="h", token=1, until=datetime(2025, 9, 1)))  # noqa: DTZ001 - the fault

    with pytest.raises(Exception, match="time zone"):
        db.session.flush()
    with pytest.raises(ValueError, match="time zone"):
        utc(datetime(2025, 9, 1))  # noqa: DTZ001 - the fault


@pytest.mark.parametrize("offset", [-11, 0, 8, 14])
def test_instants_as_text_have_one_width_and_sort_by_time(offset: int) -> None:
    zone = timezone(timedelta(hours=offset))
    moments = [datetime(2025, 12, 31, 23, 59, 59, us, tzinfo=zone) for us in (0, 7, 999_999)]
    moments.append(datetime(2026, 1, 1, tzinfo=zone))

    texts = [utc(m) for m in moments]

    assert {len(t) for t in texts} == {27}
    assert sorted(texts) == texts
    assert [instant(t) for t in texts] == moments


def test_a_day_comes_back_as_that_day_and_an_instant_is_no_day(drive: Driver) -> None:
    db.session.add(college())
    db.session.flush()
    row = {"college_id": 1, "key": "t", "name_zh": "", "name_en": "", "ends": date(2026, 1, 31)}
    db.session.add(Term(starts=date(2025, 9, 1), **row))
    db.session.commit()

    assert db.session.get_one(Term, (1, "t")).starts == date(2025, 9, 1)
    assert driver(db.session).value(Sql("select ends from term")) == "2026-01-31"
    db.session.add(Term(starts=NOON, **{**row, "key": "u"}))
    with pytest.raises(Exception, match="day is wanted"):
        db.session.flush()


# The driver


def test_statements_read_and_write_and_count_alike(drive: Driver) -> None:
    assert drive.run(INSERT, lease("a")) == 1
    assert drive.many(INSERT, [lease("b", 2), lease("c", 3), lease("d", 4)]) == 3
    assert drive.many(INSERT, []) == 0

    assert drive.all(Sql("select name, token from lease where token > :low order by token"), {"low": 2}) == [
        ("c", 3), ("d", 4),
    ]  # fmt: skip
    assert drive.one(Sql("select name from lease order by name")) == ("a",)
    assert drive.one(Sql("select name from lease where name = :n"), {"n": "z"}) is None
    assert drive.value(Sql("select max(token) from lease")) == 4
    assert drive.run(Sql("update lease set token = token + 1 where token >= :low"), {"low": 3}) == 2


def test_executemany_counts_only_the_rows_it_touched(drive: Driver) -> None:
    drive.many(INSERT, [lease("a"), lease("b")])

    touched = drive.many(
        Sql("update lease set token = token + 1 where name = :name and token = :was"),
        [{"name": "a", "was": 1}, {"name": "b", "was": 9}, {"name": "z", "was": 1}],
    )

    assert touched == 1


def test_percent_signs_and_quoted_colons_are_plain_text(drive: Driver) -> None:
    drive.run(INSERT, lease("50%:x"))

    assert drive.value(Sql("select name from lease where name like '50%' and name <> ':name' and token % 2 = :one"),
                       {"one": 1}) == "50%:x"  # fmt: skip


@pytest.mark.parametrize(("wanted", "found"), [(["a", "c", "z"], 2), ([], 0)])
def test_a_list_parameter_matches_any_of_its_values(drive: Driver, wanted: list[str], found: int) -> None:
    drive.many(INSERT, [lease("a"), lease("b"), lease("c")])

    assert drive.value(Sql("select count(*) from lease where name in :names[]"), {"names": wanted}) == found


def test_a_list_of_numbers_serves_every_statement(drive: Driver) -> None:
    drive.many(INSERT, [lease(f"n{n}", n) for n in range(5)])

    assert drive.run(Sql("delete from lease where token in :tokens[]"), {"tokens": [1, 3, 9]}) == 2
    assert drive.many(Sql("update lease set holder = :h where token in :t[]"), [{"h": "x", "t": [0, 2]}]) == 2


def test_a_statement_may_differ_by_database(drive: Driver) -> None:
    assert drive.value(Sql("select 'sqlite'", postgresql="select 'postgresql'")) == drive.dialect


@pytest.mark.parametrize("count", [1, 500])  # single rows and COPY
def test_rows_inserted_as_tuples_are_all_there(drive: Driver, count: int) -> None:
    columns = ("kind", "ref", "detail", "state", "tries", "next_try_at", "opened_at")
    rows = [("k", f"ref\t{n}\n\\N", "详情 %", "open", n, None, utc(NOON)) for n in range(count)]

    assert drive.insert_rows("incident", columns, rows) == count

    kept = drive.all(Sql(f"select {','.join(columns)} from incident order by tries"))
    assert kept == rows


def test_booleans_are_written_and_compared_alike(drive: Driver) -> None:
    db.session.add(college())
    db.session.flush()
    drive.insert_rows("calendar_year", ("college_id", "year", "published", "adopted_at"),
                      [(1, 2025, True, utc(NOON)), (1, 2026, False, utc(NOON))])  # fmt: skip

    assert drive.all(Sql("select year, published from calendar_year where not published")) == [(2026, False)]
    assert drive.value(Sql("select year from calendar_year where published = :p"), {"p": True}) == 2025
    assert db.session.get_one(CalendarYear, (1, 2025)).published is True


def test_reserved_ids_are_new_rising_and_never_given_twice(drive: Driver) -> None:
    add = Sql("insert into incident (kind, ref, detail, state, tries, opened_at)"
              " values ('k', :ref, '', 'open', 0, :at)")  # fmt: skip
    drive.run(add, {"ref": "0", "at": utc(NOON)})
    taken = drive.value(Sql("select max(id) from incident"))

    first, second = drive.reserve("incident", 3), drive.reserve("incident", 2)

    ids = [*first, *second]
    assert len(set(ids)) == 5
    assert ids == sorted(ids)
    assert min(ids) > taken
    drive.insert_rows("incident", ("id", "kind", "ref", "detail", "state", "tries", "opened_at"),
                      [(n, "k", f"r{n}", "", "open", 0, utc(NOON)) for n in ids])  # fmt: skip
    assert drive.run(add, {"ref": "after", "at": utc(NOON)}) == 1


# Transactions


def test_the_driver_and_the_session_share_one_transaction(drive: Driver) -> None:
    drive.run(INSERT, lease("a"))
    db.session.add(Lease(name="b", holder="h", token=1, until=NOON))
    db.session.flush()
    assert drive.value(COUNT) == 2

    db.session.rollback()

    assert driver(db.session).value(COUNT) == 0


def test_a_driver_dies_with_its_transaction(drive: Driver) -> None:
    drive.run(INSERT, lease("a"))
    db.session.commit()

    with pytest.raises(Exception, match="transaction has ended"):
        drive.run(INSERT, lease("b"))
    with pytest.raises(Exception, match="transaction has ended"):
        drive.insert_rows("lease", ("name", "holder", "token", "until"), [("c", "h", 1, utc(NOON))])
    assert driver(db.session).value(COUNT) == 1


def test_a_second_with_the_same_key_is_a_duplicate_on_every_path(drive: Driver) -> None:
    drive.run(INSERT, lease("a"))
    row = [("a", "h", 1, utc(NOON))]
    columns = ("name", "holder", "token", "until")

    for act in (
        lambda: drive.run(INSERT, lease("a")),
        lambda: drive.many(INSERT, [lease("a")]),
        lambda: drive.insert_rows("lease", columns, row),
        lambda: drive.insert_rows("lease", columns, row * 30),
        lambda: db.session.execute(text("insert into lease values ('a', 'h', 1, 'x')")),
    ):
        with pytest.raises(Duplicate), drive.savepoint():
            act()

    assert drive.run(INSERT, lease("b")) == 1


def test_a_savepoint_undoes_only_what_is_inside(drive: Driver) -> None:
    drive.run(INSERT, lease("kept"))

    with pytest.raises(Duplicate), drive.savepoint():
        drive.many(INSERT, [lease("undone"), lease("kept")])
    with drive.savepoint():
        drive.run(INSERT, lease("also kept"))
    db.session.commit()

    assert driver(db.session).all(Sql("select name from lease order by name")) == [("also kept",), ("kept",)]


def test_one_open_incident_for_a_thing_and_many_solved(drive: Driver) -> None:
    def incident(state: str) -> Incident:
        return Incident(kind="k", ref="r", detail="", state=state, tries=0, opened_at=NOON)

    db.session.add_all([incident("solved"), incident("solved"), incident("open")])
    db.session.flush()

    db.session.add(incident("retry"))
    with pytest.raises(Duplicate):
        db.session.flush()


def test_a_lock_that_does_not_come_free_is_contention(app: Flask, database_url: str) -> None:
    drive = driver(db.session)
    drive.run(INSERT, lease("a"))
    db.session.commit()
    driver(db.session).run(Sql("update lease set token = 2"))
    hasty = create_engine(normalised(database_url), **engine_options(database_url))
    prepare(hasty)
    if hasty.dialect.name == "sqlite":
        event.listen(hasty, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=0").close())

    if hasty.dialect.name == "postgresql":
        event.listen(hasty, "begin", lambda c: c.exec_driver_sql("set local lock_timeout = '10ms'"))

    with pytest.raises(Contended) as caught, hasty.begin() as second:  # SQLite is refused here already
        second.execute(text("update lease set token = 3"))

    assert (caught.value.code, caught.value.status, caught.value.exit) == ("database.busy", 503, 6)
    hasty.dispose()


def test_two_threads_that_read_and_then_write_lose_nothing(app: Flask) -> None:
    driver(db.session).run(INSERT, lease("counter", 0))
    db.session.commit()
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        for _ in range(50):
            with app.app_context():
                drive = driver(db.session)
                token = drive.value(Sql("select token from lease", postgresql="select token from lease for update"))
                drive.run(Sql("update lease set token = :token"), {"token": token + 1})
                db.session.commit()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert driver(db.session).value(Sql("select token from lease")) == 100


def test_a_reader_does_not_wait_for_a_writer(app: Flask) -> None:
    driver(db.session).run(INSERT, lease("a"))

    with app.app_context():
        assert reading(db.session).value(COUNT) == 0

    db.session.commit()
    with app.app_context():
        assert reading(db.session).value(COUNT) == 1
        db.session.rollback()
        assert driver(db.session).run(INSERT, lease("b")) == 1  # the connection writes again afterwards


# The journal


def test_streams_come_back_whole_and_in_order(drive: Driver) -> None:
    a, b = entries("cycle:10", 7), entries("cycle:9", 30)
    journal.append(drive, [*a[:3], *b])
    journal.append(drive, a[3:])

    assert journal.read(drive, "cycle:10") == a
    assert journal.read(drive, "cycle:10", after=5) == a[5:]
    assert journal.read(drive, "cycle:1") == []
    batches = list(journal.read_all(drive, batch=10))
    assert [len(each) for each in batches] == [10, 10, 10, 7]
    assert [entry for each in batches for entry in each] == a + b
    assert journal.heads(drive) == [("cycle:10", 7, a[-1].hash), ("cycle:9", 30, b[-1].hash)]


STATEMENTS = {  # each must be refused, whatever way it takes
    "update": ("update journal set data = 'x' where seq = 2", Sealed),
    "update of all": ("update journal set id = id", Sealed),
    "delete": ("delete from journal where seq = 2", Sealed),
    "same id": ("insert into journal select id, 'new', 99, kind, format, at, recorded_at, actor, on_behalf_of, door, "
                "request_id, definition, data, prev, hash from journal where seq = 2", Duplicate),
    "same number": ("insert into journal select 99, stream, seq, kind, format, at, recorded_at, actor, on_behalf_of, "
                    "door, request_id, definition, 'x', prev, hash from journal where seq = 2", Duplicate),
}  # fmt: skip
OWN = {
    "sqlite": {
        "replace by id": ("insert or replace into journal select * from journal where seq = 2", Duplicate),
        "replace by id alone": ("replace into journal select id, 'new', 99, kind, format, at, recorded_at, actor, "
                                "on_behalf_of, door, request_id, definition, data, prev, hash from journal "
                                "where seq = 2", Duplicate),
        "replace by number": ("replace into journal select 99, stream, seq, kind, format, at, recorded_at, actor, "
                              "on_behalf_of, door, request_id, definition, 'x', prev, hash from journal", Duplicate),
        "update or replace": ("update or replace journal set seq = 1 where seq = 2", Sealed),
        "upsert": ("insert into journal select * from journal where true on conflict do update set data = 'x'",
                   Duplicate),
    },
    "postgresql": {
        "truncate": ("truncate journal", Sealed),
        "truncate cascade": ("truncate journal restart identity cascade", Sealed),
        "upsert": ("insert into journal select * from journal on conflict (id) do update set data = 'x'", Sealed),
    },
}  # fmt: skip


def test_the_journal_refuses_every_change_of_what_stands(drive: Driver) -> None:
    kept = entries("cycle:1", 3)
    journal.append(drive, kept)
    attempts = STATEMENTS | OWN[drive.dialect]

    for statement, refusal in attempts.values():
        with pytest.raises(refusal), drive.savepoint():
            drive.run(Sql(statement))
        with pytest.raises(refusal), drive.savepoint():
            db.session.execute(text(statement))

    assert journal.read(drive, "cycle:1") == kept
    assert drive.value(Sql("select count(*) from journal")) == 3


def test_a_second_writer_of_the_same_number_is_a_duplicate(drive: Driver) -> None:
    journal.append(drive, entries("cycle:1", 2))

    with pytest.raises(Duplicate), drive.savepoint():
        journal.append(drive, entries("cycle:1", 1, first=2))

    journal.append(drive, entries("cycle:1", 25, first=3))


def test_an_absent_trigger_is_named(drive: Driver) -> None:
    assert journal.missing_triggers(db.session) == []
    on = " on journal" if drive.dialect == "postgresql" else ""
    for name in journal.TRIGGERS[drive.dialect]:
        db.session.execute(text(f"drop trigger {name}{on}"))
        assert name in journal.missing_triggers(db.session)

    assert journal.missing_triggers(db.session) == list(journal.TRIGGERS[drive.dialect])


def test_a_trigger_that_was_switched_off_or_hollowed_out_counts_as_absent(drive: Driver) -> None:
    if drive.dialect == "postgresql":
        db.session.execute(text("alter table journal disable trigger journal_no_delete"))
    else:
        db.session.execute(text("drop trigger journal_no_delete"))
        db.session.execute(
            text("create trigger journal_no_delete before delete on journal when false begin select 1; end")
        )

    assert journal.missing_triggers(db.session) == ["journal_no_delete"]


# Content


def test_content_is_kept_under_a_salted_hash_and_can_be_erased(drive: Driver) -> None:
    salt = content.new_salt()
    key = content.put(drive, "原因：迟到", salt)
    others = content.put_many(drive, [("a", content.new_salt()), ("a", content.new_salt())])

    assert key == content.content_hash(salt, "原因：迟到")
    assert content.get(drive, key) == "原因：迟到"
    assert len({key, *others}) == 3
    assert content.state(drive, key) == "kept"

    assert content.erase(drive, key, NOON)
    assert not content.erase(drive, key, NOON)

    assert (content.get(drive, key), content.state(drive, key)) == (None, "erased")
    assert content.get_many(drive, [key, others[0], "unknown"]) == {key: None, others[0]: "a"}
    assert drive.all(Sql("select salt, bytes, erased_at from content where hash = :k"), {"k": key}) == [
        (None, None, utc(NOON))
    ]
    assert content.state(drive, "unknown") == "missing"


def test_altered_content_is_found(drive: Driver) -> None:
    key = content.put(drive, "yes", b"0" * 16)
    drive.run(Sql("update content set bytes = :b"), {"b": b"no"})

    assert content.state(drive, key) == "altered"


# Settings


def test_the_settings_that_hold_are_the_durable_ones(app: Flask) -> None:
    held = settings(db.session)

    if db.engine.dialect.name == "sqlite":
        assert held == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000,
                        "cache_size": -65_536, "wal_autocheckpoint": 16_384, "temp_store": 2}  # fmt: skip
    else:
        assert (held["synchronous_commit"], held["lock_timeout"]) == ("on", "30s")


def test_synchronous_may_be_lowered_and_set_back(app: Flask) -> None:
    lite = db.engine.dialect.name == "sqlite"
    for level, number in (("OFF", 0), ("FULL", 2)):
        set_synchronous(db.session, level)
        driver(db.session).run(INSERT, lease(level))
        assert settings(db.session).get("synchronous") == (number if lite else None)
        db.session.commit()
    checkpoint(db.session)

    assert driver(db.session).value(COUNT) == 2
    with pytest.raises(ValueError, match="FULL or OFF"):
        set_synchronous(db.session, "NORMAL")


@pytest.mark.parametrize("given", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_always_means_psycopg_3(given: str) -> None:
    url = normalised(given)

    assert (url.drivername, url.username, url.host, url.database) == ("postgresql+psycopg", "u", "h", "d")


def test_utc_text_of_a_utc_instant_is_that_instant() -> None:
    assert utc(datetime(2025, 9, 1, tzinfo=UTC)) == "2025-09-01T00:00:00.000000Z"
