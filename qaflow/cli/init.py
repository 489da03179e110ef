"""`qaflow init`: create or upgrade the database, load colleges, write the example of an own one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask

from qaflow import config
from qaflow.cli import output
from qaflow.cli.frame import Command, installation, ports
from qaflow.config import Settings
from qaflow.engine import loader
from qaflow.errors import Unavailable, Usage
from qaflow.services.definitions import loading, packaged
from qaflow.services.frame import library as frame_library
from qaflow.services.running import installation as service
from qaflow.store.db import db

EMPTY = click.Path(readable=False, path_type=Path)
MOST_SHOWN = 50  # differences as lines; JSON holds all


@click.command(cls=Command)
@click.option("--college", "colleges", multiple=True, help="Load a college: a packaged key, or a folder of your own.")
@click.option("--yes", is_flag=True, help="Take over what differs in the files of a loaded college.")
@click.option("--sandbox", is_flag=True, help="Mark a new database as a sandbox; the mark cannot be taken off.")
@click.option("--example", type=EMPTY, help="Only write a commented college to fill in.")
def init(colleges: tuple[str, ...], yes: bool, sandbox: bool, example: Path | None, as_json: bool) -> None:
    """Create the database or upgrade it (after a backup), and load colleges."""
    if example is not None:
        if colleges or sandbox or yes:
            raise Usage("usage", "--example stands alone: it writes files and touches no database")
        write_example(example, as_json)
        return
    reads = [read_college(packaged.folder_of(named)) for named in colleges]  # before anything is made
    settings = config.ensure_secret(config.load())
    with installation(settings, new=True) as app:
        document = made(app, settings, sandbox)
        document["colleges"] = [taken(folder, read, yes) for folder, read in reads]
        output.emit(document, as_json, lines=_lines(document))


def write_example(target: Path, as_json: bool) -> None:
    """Write the example and say what comes next."""
    try:
        files = packaged.write_example(target)
    except OSError as error:
        raise Unavailable("file.not_writable", f"cannot write into {target}: {error.strerror}") from error
    steps = [f"qaflow workflow check {target}", f"qaflow init --college {target}"]
    told = [f"{target}: {len(files)} files", *(f"then: {step}" for step in steps)]
    output.emit({"folder": str(target), "files": files}, as_json, lines=told)


def made(app: Flask, settings: Settings, sandbox: bool) -> dict[str, Any]:
    """Make or upgrade the database and its own row."""
    prepared = service.prepare(app, db.session, settings, ports().clock.now())
    origin = service.operator(db.session, ports())
    found = service.create(db.session, origin, sandbox)
    frame_library.settle(db.session, origin)
    return {
        "home": settings.home, "database": settings.shown()["database_url"], "created": found["created"],
        "schema": {"was": prepared["from"], "is": "current"}, "backup": prepared["backup"],
        "notice": prepared["notice"], "sandbox": found["sandbox"],
    }  # fmt: skip


def read_college(folder: Path) -> tuple[Path, loader.Folder]:
    """Read a college's files, or refuse with all their faults."""
    read = loader.load_folder(folder)
    loading.sound(read)
    return folder, read


def taken(folder: Path, read: loader.Folder, write: bool) -> dict[str, Any]:
    """Load a college, or compare a loaded one and take the differences over where that was asked for."""
    assert read.college is not None
    origin = service.operator(db.session, ports())
    if not loading.is_loaded(db.session, read.college.key):
        found = loading.load_college(db.session, origin, read)
        return {"folder": folder, "state": "loaded"} | found | {"differences": []}
    found = loading.renew_college(db.session, origin, read, write)
    differs = bool(found["differences"])
    state = "unchanged" if not differs else "changed" if write else "differs"
    return {"folder": folder, "state": state} | found


def _lines(document: dict[str, Any]) -> Iterator[str]:
    if document["backup"]:
        yield f"backup: {document['backup']}"
    if document["notice"]:
        yield document["notice"]
    done = "created" if document["created"] else "upgraded" if document["schema"]["was"] == "older" else "is current"
    yield f"{document['database']} {done}{' (sandbox)' if document['sandbox'] else ''}"
    for college in document["colleges"]:
        yield f"{college['key']} {output.shown(college['name'])}: {college['state']}"
        yield "  " + ", ".join(f"{count} {name}" for name, count in college["counts"].items())
        yield from _differences(college)


def _differences(college: dict[str, Any]) -> Iterator[str]:
    found = college["differences"]
    for one in found[:MOST_SHOWN]:
        fields = f" ({', '.join(one['fields'])})" if one.get("fields") else ""
        yield f"  {one['change']:8}{one['what']} {one['key']}{fields}"
    if len(found) > MOST_SHOWN:
        yield f"  … and {len(found) - MOST_SHOWN} more (--json shows all)"
    for one in college["kept"]:
        yield f"  kept    {one} (no longer in the files, but in use)"
    for one in college["people"]:
        yield f"  kept    {one} (set by people; the files say otherwise)"
    if college["state"] == "differs":
        yield f"  nothing was changed; to take this over: qaflow init --college {college['folder']} --yes"
