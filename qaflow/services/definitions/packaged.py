"""The colleges and the example that travel with the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qaflow.engine import loader
from qaflow.engine.definition import Definition
from qaflow.errors import Missing, Refused
from qaflow.paths import PRIVATE_FOLDER, data_dir

EXAMPLE = "example"


def keys() -> list[str]:
    """Return the keys of the packaged colleges, without the example."""
    return sorted(p.parent.name for p in data_dir("workflows").glob("*/college.yaml") if p.parent.name != EXAMPLE)


def folder_of(named: str) -> Path:
    """Return the folder that a key or a path means; a packaged key comes first."""
    known = keys()
    if named in known:
        return data_dir("workflows") / named
    path = Path(named).expanduser()
    if path.is_dir():
        return path
    told = f"{named!r} is neither a folder nor a packaged college; packaged: {', '.join(known)}"
    raise Missing("college.not_found", told, allowed=known)


def definitions(college: str | None = None) -> Iterator[Definition]:
    """Yield the packaged definitions by college and key; those of one college where it is packaged, else all."""
    known = keys()
    for key in [college] if college in known else known:
        yield from loader.load_folder(data_dir("workflows") / key).definitions.values()


def write_example(target: Path) -> list[str]:
    """Copy the commented example college into a folder that is empty or not there; returns the files' names."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused("folder.not_empty", f"{target} is not an empty folder; name another", path=str(target))
    source = data_dir("workflows") / EXAMPLE
    target.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    files = sorted(p.relative_to(source) for p in source.rglob("*.yaml"))
    for name in files:
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_bytes((source / name).read_bytes())
    return [str(name) for name in files]
