"""`qaflow cycle`: list, show, start, fire, history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from qaflow import paths
from qaflow.cli import output
from qaflow.cli.frame import Group, Whole, installation, ports
from qaflow.errors import Invalid, Usage
from qaflow.services.actors import as_user
from qaflow.services.cycles import acts as service
from qaflow.services.cycles import evidence, reading, starting
from qaflow.store.db import db

MAX_DATA = 1_000_000
WORDS = {"reject": "reason", "return": "reason", "comment": "text", "transfer": "reason", "extend": "reason",
         "suspend": "reason", "cancel": "reason", "reopen": "reason", "warn": "reason", "dismiss": "reason",
         "approve": "comment"}  # fmt: skip
"""Which key of an action's data `--comment` fills."""

COLUMNS = [("id", "id"), ("college", "college"), ("layer", "layer"), ("track", "track"), ("subject", "subject"),
           ("number", "round"), ("status", "status"), ("stage", "stage"), ("leaf", "leaf"), ("due", "due"),
           ("open_warnings", "warnings"), ("responsible", "responsible")]  # fmt: skip

HISTORY = [("seq", "#"), ("at", "at"), ("kind", "fact"), ("actor", "actor"), ("on_behalf_of", "for"), ("door", "door"),
           ("hash", "hash")]  # fmt: skip


@click.group(cls=Group)
def cycle() -> None:
    """List, show, start and move cycles."""


@cycle.command("list")
@click.option("--college", help="Key of a college.")
@click.option("--layer", help="school, major, course, teacher, student or service.")
@click.option("--track", help="Key of a track.")
@click.option("--status", type=click.Choice(["running", "suspended", "closed", "cancelled"]))
@click.option("--stage", help="Key of a stage.")
@click.option("--subject", help="Code of a subject.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True)
@click.option("--after", type=Whole(0), default=0, help="The number after which to go on.")
def list_(limit: int, after: int, as_json: bool, **filters: str | None) -> None:
    """List cycles."""
    with installation():
        items, following = reading.cycles(db.session, after, limit, **filters)
        output.emit(output.listed(items, following), as_json, table=COLUMNS)


@cycle.command()
@click.argument("id", type=Whole(1))
def show(id: int, as_json: bool) -> None:
    """Show where a cycle stands and what is allowed."""
    with installation():
        found = reading.cycle(db.session, id)
        output.emit(found, as_json, lines=_shown(found))


def _shown(found: dict[str, Any]) -> list[str]:
    plain = [f"{k}: {output.shown(v)}" for k, v in found.items() if not isinstance(v, (dict, list))]
    items = [f"  item {i['no']} {i['kind']} {i['stage']} due {i['due']} holder {i['holder']}" for i in found["items"]]
    warnings = [f"  warning {w['id']} {w['state']} {w['severity']}" for w in found["warnings"]]
    return [*plain, f"allowed: {', '.join(found['allowed'])}", *items, *warnings]


@cycle.command()
@click.option("--college", required=True, help="Key of the college.")
@click.option("--layer", required=True, help="Layer of the subject.")
@click.option("--subject", required=True, help="Code of the subject.")
@click.option("--track", required=True, help="Key of the track.")
@click.option("--date", "day", help="A day of the period meant (YYYY-MM-DD); today unless given.")
@click.option("--from-stage", help="Adopt a cycle that began before the system came, at this stage.")
@click.option("--as", "login", help="Who starts it (quality office).")
def start(college: str, layer: str, subject: str, track: str, day: str | None, from_stage: str | None,
          login: str | None, as_json: bool) -> None:  # fmt: skip
    """Start a cycle on demand, or adopt one with --from-stage."""
    with installation():
        origin, person = as_user(db.session, ports(), login)
        found = starting.on_demand(db.session, origin, person, college, layer, subject, track, day, from_stage)
        output.emit(found, as_json, lines=[f"cycle {found['id']} stands in {found['state']}"])


@cycle.command()
@click.argument("id", type=Whole(1))
@click.argument("action")
@click.option("--as", "login", required=True, help="Login of the person who acts.")
@click.option("--comment", help="The comment, reason or text of the action.")
@click.option("--data", "file", help="JSON file with the action's data; - for standard input.")
@click.option("--revision", type=Whole(0), help="Refuse when the visit's revision is another (what If-Match carries).")
def fire(id: int, action: str, login: str, comment: str | None, file: str | None, revision: int | None,
         as_json: bool) -> None:  # fmt: skip
    """Let a person act on a cycle."""
    args = read_data(file)
    if comment is not None:
        if action not in WORDS:
            raise Usage("usage", f"--comment: {action} takes no comment, reason or text")
        if WORDS[action] in args:
            raise Usage("usage", f"--comment and --data both give {WORDS[action]!r}")
        args[WORDS[action]] = comment
    with installation():
        origin, _ = as_user(db.session, ports(), login)
        found = service.fire(db.session, origin, id, action, args, revision)
        output.emit(
            found, as_json, lines=[f"cycle {id} stands in {found['state']}; allowed: {', '.join(found['allowed'])}"]
        )


@cycle.command()
@click.argument("id", type=Whole(1))
@click.argument("file", type=click.Path(readable=False))
@click.option("--as", "login", required=True, help="Login of the person who gives the evidence.")
def attach(id: int, file: str, login: str, as_json: bool) -> None:
    """Keep a file as evidence of the stage in which a cycle stands."""
    data = paths.read_input(Path(file), evidence.LIMIT)
    with installation():
        origin, _ = as_user(db.session, ports(), login)
        files = ports().files
        assert files is not None  # `app` gives every door its files
        found = evidence.attach(db.session, origin, files, id, Path(file).name, data)
        kept = found["evidence"]
        output.emit(found, as_json, lines=[f"cycle {id}: {kept['name']} ({kept['size']} bytes) kept as {kept['hash']}"])


def read_data(file: str | None) -> dict[str, Any]:
    """Return the JSON object of a file; duplicate keys, NaN and anything but an object are refused."""
    if file is None:
        return {}
    given = output.stdin_bytes(MAX_DATA + 1) if file == "-" else paths.read_input(Path(file), MAX_DATA)
    if len(given) > MAX_DATA:
        raise Invalid("file.too_large", f"{file}: more than {MAX_DATA} bytes are not read")
    try:
        found = json.loads(given.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise Invalid("json.syntax", f"{file}:{error.lineno}:{error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise Invalid("encoding.not_utf8", f"{file}: is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Invalid("json.too_deep", f"{file}: nested too deeply") from None
    if not isinstance(found, dict):
        raise Invalid("json.not_object", f"{file}: a JSON object is needed")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [k for k, _ in pairs]
    twice = next((k for k in keys if keys.count(k) > 1), None)
    if twice is not None:
        raise Invalid("json.duplicate_key", f"the key {twice!r} stands twice")
    return dict(pairs)


def _constant(name: str) -> Any:
    raise Invalid("number.not_finite", f"{name} is no number")


@cycle.command()
@click.argument("id", type=Whole(1))
def history(id: int, as_json: bool) -> None:
    """Print a cycle's facts in order, with their place in the chain."""
    with installation():
        items = reading.history(db.session, id)
        output.emit(output.listed(items), as_json, table=HISTORY)
