"""Colleges, their calendars' rows, published definitions and tracks, as the services read them."""

from __future__ import annotations

from typing import NamedTuple

from qaflow.store.db import Driver, Sql


class CollegeRow(NamedTuple):
    """One college; `head` and `version` are those of its journal stream."""

    id: int
    key: str
    name_zh: str
    name_en: str
    timezone: str
    body: str
    version: int
    head: str
    config_no: int
    calendar_until: str | None


_COLLEGE = f"select {', '.join(CollegeRow._fields)} from college"
_BY_KEY = Sql(f"{_COLLEGE} where key = :key")
_BY_ID = Sql(f"{_COLLEGE} where id = :id")
_ALL = Sql(f"{_COLLEGE} order by id")
_CONFIG_NO = Sql("select config_no from college where id = :id")
_HEAD = Sql("select version, head from college where id = :id")
_HEAD_LOCKED = Sql(_HEAD.sqlite, postgresql=_HEAD.sqlite + " for update")
_SET_HEAD = Sql("update college set version = :version, head = :head where id = :id and version = :was")
_RECONFIGURE = Sql("update college set config_no = config_no + 1 where id = :id")
_DAYS = Sql("select day, working from calendar_day where college_id = :id order by day")
_TERMS = Sql("select key, starts, ends from term where college_id = :id order by starts")
_YEARS = Sql("select year, published from calendar_year where college_id = :id order by year")
_BODY = Sql("select body from definition where hash = :hash")
_DEFINITION = Sql("select id, hash, version from definition where key = :key order by version desc limit 1")
_VERSION = Sql("select id, hash, version from definition where key = :key and version = :version")
_VERSIONS = Sql("select d.id, d.key, d.version, d.hash, d.layer, d.name_zh, d.name_en, d.stages, d.published_at, c.key "
                "from definition d left join college c on c.id = d.college_id order by d.key, d.version")  # fmt: skip
_ID_OF = Sql("select id from definition where hash = :hash order by id limit 1")


def by_key(driver: Driver, key: str) -> CollegeRow | None:
    """Return a college by its key."""
    row = driver.one(_BY_KEY, {"key": key})
    return CollegeRow._make(row) if row else None


def by_id(driver: Driver, college: int) -> CollegeRow | None:
    """Return a college by its number."""
    row = driver.one(_BY_ID, {"id": college})
    return CollegeRow._make(row) if row else None


def everyone(driver: Driver) -> list[CollegeRow]:
    """Return all colleges."""
    return list(map(CollegeRow._make, driver.all(_ALL)))


def config_no(driver: Driver, college: int) -> int | None:
    """Return the number that rises with each change of file, organisation or calendar."""
    found: int | None = driver.once(("config", college), lambda: driver.value(_CONFIG_NO, {"id": college}))
    return found


def head(driver: Driver, college: int) -> tuple[int, str]:
    """Return (length, newest hash) of a college's journal stream, locked until the transaction ends."""
    row = driver.one(_HEAD_LOCKED, {"id": college})
    assert row is not None
    return row[0], row[1]


def set_head(driver: Driver, college: int, was: int, version: int, newest: str) -> bool:
    """Move the stream's head; False where somebody else did."""
    return driver.run(_SET_HEAD, {"id": college, "was": was, "version": version, "head": newest}) == 1


def reconfigure(driver: Driver, college: int) -> None:
    """Tell the caches that a college's file, organisation or calendar changed."""
    driver.run(_RECONFIGURE, {"id": college})


def calendar_rows(
    driver: Driver, college: int
) -> tuple[list[tuple[str, bool]], list[tuple[str, str, str]], list[tuple[int, bool]]]:
    """Return the days, terms and years of a college's calendar."""
    key = {"id": college}
    days = [(day, bool(working)) for day, working in driver.all(_DAYS, key)]
    years = [(year, bool(published)) for year, published in driver.all(_YEARS, key)]
    return days, driver.all(_TERMS, key), years


def definition_body(driver: Driver, digest: str) -> str | None:
    """Return the canonical JSON of a definition by its hash."""
    found: str | None = driver.value(_BODY, {"hash": digest})
    return found


def definition_id(driver: Driver, digest: str) -> int | None:
    """Return the row of a definition by its hash."""
    found: int | None = driver.value(_ID_OF, {"hash": digest})
    return found


def newest(driver: Driver, key: str, version: int | None = None) -> tuple[int, str, int] | None:
    """Return (id, hash, version) of a definition's newest, or given, version."""
    if version is None:
        return driver.one(_DEFINITION, {"key": key})
    return driver.one(_VERSION, {"key": key, "version": version})


def versions(driver: Driver) -> list[tuple[object, ...]]:
    """Return every published version."""
    return driver.all(_VERSIONS)
