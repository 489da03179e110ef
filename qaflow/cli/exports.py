"""`qaflow export`: what the program holds as a file, one entry of `EXPORTS` a kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from qaflow.cli.frame import Lazy, LazyGroup, ports
from qaflow.errors import Unavailable, Usage
from qaflow.services.ports import SHEETS, Leaf

EXPORTS = {
    "grid": Lazy("qaflow.cli.export_tasks:grid", "The month grid of a year's tasks."),
    "tasks": Lazy("qaflow.cli.export_tasks:tasks", "The tasks of a year with all that stands of them."),
    "points": Lazy("qaflow.cli.export_points:points", "The control points with the limits of today."),
    "readings": Lazy("qaflow.cli.export_points:readings", "The current readings of control points."),
    "xes": Lazy("qaflow.cli.export_logs:xes", "The cycles' histories for process mining (XES)."),
    "ocel": Lazy("qaflow.cli.export_logs:ocel", "The same with the things that they touch (OCEL 2.0)."),
    "journal": Lazy("qaflow.cli.export_logs:journal", "The journal as lines of JSON with their hashes."),
}
"""The kinds of export; `save` writes the sheets that most of them make."""


@click.group("export", cls=LazyGroup, lazy=EXPORTS)
def exports() -> None:
    """Write what the program holds into a file: sheets as xlsx or csv, histories as logs."""


def save(leaves: Sequence[Leaf], out: str) -> Path:
    """Write sheets into a file, whose name says how; csv holds one sheet alone."""
    target = Path(out)
    data = rendered(leaves, target.suffix.lower())
    try:
        target.write_bytes(data)
    except OSError as error:
        raise Unavailable("file.not_writable", f"cannot write {target}: {error.strerror}", path=str(out)) from error
    return target


def rendered(leaves: Sequence[Leaf], suffix: str) -> bytes:
    """Return sheets as the bytes of a file whose name ends so."""
    form = suffix.removeprefix(".")
    if form not in SHEETS:
        raise Usage("export.suffix", f"no file ending in {suffix or 'nothing'} is written: name it *.xlsx or *.csv")
    return ports().written(leaves, form)
