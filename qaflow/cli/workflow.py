"""`qaflow workflow`: check, list, show, draw, publish and migrate definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from qaflow.cli import output
from qaflow.cli.frame import Group, Whole, installation, ports
from qaflow.engine import loader
from qaflow.engine.college import Role
from qaflow.engine.definition import Definition, to_plain
from qaflow.engine.drawing import bpmn as drawing_bpmn
from qaflow.engine.drawing import mermaid as drawing_mermaid
from qaflow.engine.drawing import svg as drawing_svg
from qaflow.engine.faults import Fault, meant
from qaflow.errors import Forbidden, Invalid, Missing, Refused, Unavailable, problem
from qaflow.services.actors import as_user
from qaflow.services.cycles import migrating
from qaflow.services.definitions import packaged
from qaflow.services.definitions import publishing as definitions
from qaflow.store.db import db

FAILED_CHECK = Invalid.exit
DRAWINGS: dict[str, Callable[[Definition, str], str]] = {
    "svg": drawing_svg.draw,
    "mermaid": drawing_mermaid.draw,
    "bpmn": drawing_bpmn.draw,
}
LISTED = [("key", "key"), ("version", "version"), ("layer", "layer"), ("name", "name"), ("stages", "stages"),
          ("running", "running")]  # fmt: skip
MOVES = [("cycle", "cycle"), ("subject_code", "subject"), ("from", "from"), ("state", "state"), ("lands", "lands in"),
         ("why", "why not"), ("moved", "moved")]  # fmt: skip
FILE = click.Path(readable=False, path_type=Path)  # whoever reads it says what is wrong with it
T = TypeVar("T")


@click.group(cls=Group)
def workflow() -> None:
    """Check, list, show, draw, publish and migrate definitions."""


@workflow.command()
@click.argument("paths", nargs=-1, required=True, type=FILE)
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Report all faults of files of any kind, or of colleges' folders, at once."""
    faults, summary = loader.check_paths(paths)
    told = f"{summary['files']} files, {summary['errors']} errors, {summary['warnings']} warnings"
    document = output.listed([vars(f) for f in faults]) | {"ok": not summary["errors"], "summary": summary}
    if summary["errors"]:
        document = problem(Invalid("check.failed", told, **document))
    output.emit(document, as_json, lines=[*map(str, faults), told])
    if summary["errors"]:
        closed = all(f.code == "file.not_readable" for f in faults if f.severity == "error")
        click.get_current_context().exit(Forbidden.exit if closed else FAILED_CHECK)


@workflow.command("list")
@click.option("--college", help="Only those of this college.")
def list_(college: str | None, as_json: bool) -> None:
    """List the published definitions; without a database, those that travel with the program."""
    items, source = installed(lambda: definitions.listed(db.session, college), lambda: _packaged(college))
    if college is not None and not items:
        raise Missing("college.not_found", f"no college {college!r} with definitions")
    told = "no database yet: these travel with the program" if source == "packaged" else f"{len(items)} definitions"
    output.emit(output.listed(items) | {"source": source}, as_json, table=LISTED, lines=[told])


def installed(stored: Callable[[], T], without: Callable[[], T]) -> tuple[T, str]:
    """Return what the database gives, or where there is none yet the other; and which of the two it was."""
    try:
        with installation():
            return stored(), "database"
    except Refused as error:
        if error.code != "database.schema_empty":
            raise
    return without(), "packaged"


def _packaged(college: str | None) -> list[dict[str, Any]]:
    return [
        {"key": d.key, "version": d.version, "college": d.key.partition(".")[0], "stages": list(d.order),
         "layer": d.layer, "name": to_plain(d.name), "hash": d.hash, "published_at": None, "running": 0}
        for d in packaged.definitions() if college in (None, d.key.partition(".")[0])
    ]  # fmt: skip


@workflow.command()
@click.argument("key")
@click.option("--version", type=Whole(1), help="The newest unless given.")
def show(key: str, version: int | None, as_json: bool) -> None:
    """Show a definition, as a file that could be edited and published."""
    found, source = by_key(key, version)
    document = {"key": found.key, "version": found.version, "hash": found.hash, "source": source,
                "stages": list(found.order), "definition": to_plain(found)}  # fmt: skip
    output.emit(document, as_json, lines=[loader.dump(found).rstrip("\n")])


def by_key(key: str, version: int | None) -> tuple[Definition, str]:
    """Return a published definition, or a packaged one of that key; and where it came from."""
    stored, _ = installed(lambda: definitions.stored(db.session, key, version), lambda: None)
    if stored is not None:
        return stored, "database"
    published, _ = installed(lambda: definitions.listed(db.session), list[dict[str, Any]])
    versions = [one["version"] for one in published if one["key"] == key]
    if versions:
        told = ", ".join(map(str, versions))
        raise Missing("definition.not_found", f"no definition {key!r} version {version}; published: {told}")
    known = {d.key: d for d in packaged.definitions(key.partition(".")[0])}
    if key in known and version in (None, known[key].version):
        return known[key], "packaged"
    which = f" version {version}" if version else ""
    near = meant(key, {*known, *(one["key"] for one in published)})
    raise Missing("definition.not_found", f"no definition {key!r}{which}; {near}")


@workflow.command()
@click.argument("what", metavar="KEY|FILE")
@click.option("--version", type=Whole(1), help="The newest unless given.")
@click.option("--format", "form", type=click.Choice(list(DRAWINGS)), default="svg", show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the names; the terminal's unless given.")
@click.option("--out", type=FILE, help="File to write; standard output unless given.")
def draw(what: str, version: int | None, form: str, lang: str | None, out: Path | None, as_json: bool) -> None:
    """Draw a definition: the figure 8 (svg), Mermaid, or BPMN 2.0."""
    found = read_file(Path(what)) if Path(what).is_file() else by_key(what, version)[0]
    text = DRAWINGS[form](found, lang or output.language())
    document: dict[str, Any] = {"key": found.key, "version": found.version, "format": form, "out": out}
    if out is None:
        output.emit(document | {"text": text}, as_json, lines=[text.rstrip("\n")])
        return
    write(out, text)
    output.emit(document, as_json, lines=[str(out)])


def write(out: Path, text: str) -> None:
    """Write a file that somebody named."""
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unavailable("file.not_writable", f"cannot write {out}: {error.strerror}", path=str(out)) from error


def read_file(path: Path, roles: tuple[Role, ...] | None = None) -> Definition:
    """Return the definition of a file, or refuse with all its faults."""
    loaded = loader.read(path, roles=roles)
    found = loaded.value
    if isinstance(found, Definition):
        for fault in loaded.faults:
            output.note(str(fault))
        return found
    if found is not None:
        raise Invalid("def.not_definition", f"{path} is of kind {loaded.kind}; a file of kind definition is needed")
    told = [_told(f) for f in loaded.faults]
    if any(f.code == "file.not_readable" for f in loaded.faults):
        raise Forbidden("file.not_readable", f"{path} cannot be read", errors=told)
    raise Invalid("def.invalid", f"{path} has {len(loaded.faults)} faults", errors=told)


def _told(fault: Fault) -> dict[str, str]:
    return {"at": f"{fault.file}:{fault.line}:{fault.col}", "code": fault.code, "detail": fault.message,
            "remedy": fault.remedy, "severity": fault.severity}  # fmt: skip


@workflow.command()
@click.argument("file", type=FILE)
@click.option("--as", "login", help="Who publishes it (quality office).")
def publish(file: Path, login: str | None, as_json: bool) -> None:
    """Store a version of a definition; running cycles keep the version they were born with."""
    key = read_quietly(file)
    with installation():
        origin, _ = as_user(db.session, ports(), login)
        found = read_file(file, definitions.roles_of(db.session, key))
        document = definitions.publish(db.session, origin, found)
        output.emit(document, as_json, lines=_published(document))


def read_quietly(file: Path) -> str:
    """Return the key of a file's definition; faults are told here only where there is none."""
    value = loader.read(file).value
    return value.key if isinstance(value, Definition) else read_file(file).key


def _published(document: dict[str, Any]) -> Iterator[str]:
    done = "published" if document["published"] else "is published already with this content"
    yield f"{document['key']} version {document['version']} {done} ({document['hash'][:12]})"
    for one in document["warnings"]:
        yield f"  {one['at']}: {one['code']} (warning): {one['detail']}; {one['remedy']}"


@workflow.command()
@click.argument("key")
@click.option("--to", "version", type=Whole(1), required=True, help="The version to move to.")
@click.option("--dry-run", is_flag=True, help="Only list where each cycle would land, or why it cannot.")
@click.option("--rename", "renames", metavar="OLD=NEW", multiple=True, help="A stage that has another key there.")
@click.option("--as", "login", help="Who migrates (quality office).")
def migrate(key: str, version: int, dry_run: bool, renames: tuple[str, ...], login: str | None, as_json: bool) -> None:
    """Move running cycles to another version, those that fit, one fact each."""
    with installation():
        origin, _ = as_user(db.session, ports(), login)
        document = migrating.migrate(db.session, origin, key, version, dry_run, dict(map(_pair, renames)))
        lines = [f"{len(document['items'])} cycles, {document['fit']} fit, {document['moved']} moved"]
        if as_json:
            output.emit(document, True)
        else:
            rows = [i | {"subject_code": i["subject"]["code"]} for i in document["items"]]
            output.emit(document | {"items": rows}, False, table=MOVES, lines=lines)


def _pair(text: str) -> tuple[str, str]:
    """Return a renaming in its two parts."""
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise Invalid("value.unknown", f"--rename {text!r}: a pair such as goal=aims is needed")
    return old, new
