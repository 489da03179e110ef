"""`qaflow export xes`, `ocel` and `journal`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from qaflow.cli import output
from qaflow.cli.frame import Command, installation
from qaflow.errors import Unavailable
from qaflow.services.events import mining as service
from qaflow.store.db import db

HELP = {
    "xes": """Write the cycles' histories as XES (IEEE 1849-2016): a trace a cycle, an event a fact.

    People are P1, P2, … unless --names is given.
    """,
    "ocel": """Write the cycles' histories as OCEL 2.0 in JSON: cycles, subjects, work items, warnings.

    People are P1, P2, … unless --names is given.
    """,
    "journal": """Write the journal as lines of JSON, each with its hash.

    With --names every column stands as it was hashed; without, people are P1, P2, … and texts are left out.
    """,
}
DAY = click.DateTime(["%Y-%m-%d"])


def _command(kind: str) -> click.Command:
    @click.command(kind, cls=Command, help=HELP[kind])
    @click.option("--college", help="Key of the college; may be left out where there is only one.")
    @click.option("--layer", default="", help="Only cycles of this layer.")
    @click.option("--from", "first", type=DAY, help="First day, in the college's zone.")
    @click.option("--to", "last", type=DAY, help="Last day, in the college's zone.")
    @click.option("--names", is_flag=True, help="Call people and subjects by their names.")
    @click.option("--out", required=True, metavar="FILE", help="File to write.")
    def command(college: str | None, layer: str, first: datetime | None, last: datetime | None, names: bool, out: str,
                as_json: bool) -> None:  # fmt: skip
        wanted = service.Wanted(layer=layer, names=names, first=first and first.date(), last=last and last.date())
        with installation():
            told = service.export(db.session, college, kind, wanted, lambda pieces: write(pieces, Path(out)))
        output.emit({"kind": kind, "out": out, "facts": told}, as_json, lines=[f"{out}: {told} facts"])

    return command


def write(pieces: Iterator[str], target: Path) -> None:
    """Write a text piece by piece, the file whole or not at all; only its owner may read it."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        draft.replace(target)
    except OSError as error:
        raise Unavailable("file.not_writable", f"cannot write {target}: {error.strerror}", path=str(target)) from error
    finally:
        draft.unlink(missing_ok=True)


xes: Callable[..., Any] = _command("xes")
ocel: Callable[..., Any] = _command("ocel")
journal: Callable[..., Any] = _command("journal")
