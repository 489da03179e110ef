"""A college's frame of diagnosis points, the kind of college, and the libraries that a frame can be taken from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qaflow.store.db import Driver, Sql

_COLUMNS = "id, code, level, parent_code, name_zh, name_en, star, body, loaded, dropped, version"
_ROWS = Sql(f"select {_COLUMNS} from frame where college_id = :college order by id")
_PUT = ("id", "college_id", "code", "level", "parent_code", "name_zh", "name_en", "star", "body", "loaded", "dropped",
        "version")  # fmt: skip
_CHANGE = Sql(
    "update frame set level = :level, parent_code = :parent, name_zh = :name_zh, name_en = :name_en, star = :star, "
    "body = :body, dropped = :dropped, loaded = false, version = version + 1 where college_id = :college and "
    "code = :code and version = :version"
)
_KIND = Sql("select kind from college where id = :college")
_SET_KIND = Sql("update college set kind = :kind where id = :college")
_TASKS = Sql(
    "select id, plan, no, title_zh, title_en, departments, point_code, state from plan_task where "
    "college_id = :college and point_code is not null order by plan, no"
)
_TASK_NUMBERS = Sql("select no from plan_task where college_id = :college and plan = :plan")
_UNITS = Sql("select id, code, kind, name_zh, name_en, aliases, ends from unit where college_id = :college order by id")
_LIBRARIES = Sql("select key, name_zh, name_en, source, body, digest from frame_library order by key")
_STORE = Sql(
    "insert into frame_library (key, name_zh, name_en, source, body, digest, stored_at) values (:key, :name_zh, "
    ":name_en, :source, :body, :digest, :at) on conflict (key) do update set name_zh = excluded.name_zh, "
    "name_en = excluded.name_en, source = excluded.source, body = excluded.body, digest = excluded.digest, "
    "stored_at = excluded.stored_at where frame_library.digest <> excluded.digest"
)


class Row(NamedTuple):
    """An item, element or point as it stands; the body is canonical JSON."""

    id: int
    code: str
    level: str
    parent: str | None
    name_zh: str
    name_en: str
    star: str
    body: str
    loaded: bool
    dropped: bool
    version: int

    @property
    def name(self) -> dict[str, str]:
        """Its name in both languages."""
        return {"zh": self.name_zh, "en": self.name_en}


class Task(NamedTuple):
    """A task of a point; the departments are a JSON list of codes of units."""

    id: int
    plan: str
    no: int
    title_zh: str
    title_en: str
    departments: str
    point: str
    state: str

    @property
    def title(self) -> dict[str, str]:
        """Its title in both languages."""
        return {"zh": self.title_zh, "en": self.title_en}


class Unit(NamedTuple):
    """A unit by its names."""

    id: int
    code: str
    kind: str
    name_zh: str
    name_en: str
    aliases: str
    ends: str | None


class Library(NamedTuple):
    """A library of diagnosis points."""

    key: str
    name_zh: str
    name_en: str
    source: str
    body: str
    digest: str


def rows(driver: Driver, college: int) -> list[Row]:
    """Return a college's frame: items, elements and points, dropped ones too."""
    found = map(Row._make, driver.all(_ROWS, {"college": college}))
    return [row._replace(loaded=bool(row.loaded), dropped=bool(row.dropped)) for row in found]


def add(driver: Driver, college: int, new: Sequence[dict[str, Any]]) -> None:
    """Add parts that people took or wrote."""
    if not new:
        return
    numbers = driver.reserve("frame", len(new))
    driver.insert_rows("frame", _PUT, [
        (number, college, one["code"], one["level"], one["parent"], one["name_zh"], one["name_en"], one["star"],
         one["body"], False, one["dropped"], 1)
        for number, one in zip(numbers, new, strict=True)
    ])  # fmt: skip


def change(driver: Driver, college: int, changed: Iterable[dict[str, Any]]) -> bool:
    """Write parts anew; False where one of them has another version by now."""
    given = [one | {"college": college} for one in changed]
    return driver.many(_CHANGE, given) == len(given) if given else True


def kind(driver: Driver, college: int) -> str:
    """Return the kind of a college: new, ordinary or demonstration."""
    return str(driver.value(_KIND, {"college": college}))


def set_kind(driver: Driver, college: int, kind_: str) -> None:
    """Set the kind of a college."""
    driver.run(_SET_KIND, {"college": college, "kind": kind_})


def tasks(driver: Driver, college: int) -> list[Task]:
    """Return the tasks that belong to diagnosis points."""
    return [Task._make(row) for row in driver.all(_TASKS, {"college": college})]


def task_numbers(driver: Driver, college: int, plan: str) -> set[int]:
    """Return the numbers that a plan has given out."""
    return {row[0] for row in driver.all(_TASK_NUMBERS, {"college": college, "plan": plan})}


def units(driver: Driver, college: int) -> list[Unit]:
    """Return the units by which tasks name departments."""
    return [Unit._make(row) for row in driver.all(_UNITS, {"college": college})]


def libraries(driver: Driver) -> list[Library]:
    """Return the libraries that the installation holds."""
    return [Library._make(row) for row in driver.all(_LIBRARIES)]


def store(driver: Driver, library: Library, at: str) -> bool:
    """Store a library, or renew it; False where the same content stands."""
    return driver.run(_STORE, library._asdict() | {"at": at}) == 1
