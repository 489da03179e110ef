"""`qaflow export points` and `qaflow export readings`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from qaflow.cli import exports, output
from qaflow.cli.frame import Command, installation, ports
from qaflow.services.points import files as service
from qaflow.services.running.installation import operator
from qaflow.store.db import db

HELP = {
    "points": """Write the control points with the limits of today.

    What is edited there comes back by `qaflow import points`.
    """,
    "readings": """Write the current readings: of a corrected one its last version.

    What is added there comes back by `qaflow import readings`; a changed value needs its reason.
    """,
}


def _command(kind: str) -> click.Command:
    @click.command(kind, cls=Command, help=HELP[kind])
    @click.option("--college", help="Key of the college; may be left out where there is only one.")
    @click.option("--language", type=click.Choice(["zh", "en"]), help="Of the headings; else the terminal's.")
    @click.option("--out", required=True, metavar="FILE", help="File to write: *.xlsx or *.csv.")
    def command(college: str | None, out: str, language: str | None, as_json: bool) -> None:
        with installation():
            said = language or output.language()
            leaves = service.export(db.session, operator(db.session, ports()), college, kind, said)
            target = exports.save(leaves, out)
            many = len(leaves[0].rows)
            output.emit({"kind": kind, "out": str(target), "rows": many}, as_json, lines=[f"{target}: {many} {kind}"])

    return command


points: Callable[..., Any] = _command("points")
readings: Callable[..., Any] = _command("readings")
