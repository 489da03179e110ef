"""`qaflow export grid` and `qaflow export tasks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from qaflow.cli import exports, output
from qaflow.cli.frame import Command, Whole, installation, ports
from qaflow.services.running.installation import operator
from qaflow.services.tasks import files as service
from qaflow.store.db import db

FIRST_YEAR, LAST_YEAR = 1900, 2199
HELP = {
    "grid": """Write the month grid of a year's tasks: the college's own months in its order.

    What is edited there comes back by `qaflow import tasks`: days, units, owners, and the state of each month.
    """,
    "tasks": """Write the tasks of a year with days, cost, goal, state and result.

    What is edited there comes back by `qaflow import tasks`, save state and result.
    """,
}


def _command(kind: str) -> click.Command:
    @click.command(kind, cls=Command, help=HELP[kind])
    @click.option("--college", help="Key of the college; may be left out where there is only one.")
    @click.option("--year", type=Whole(FIRST_YEAR, LAST_YEAR), help="Year in which the grid begins; else the running.")
    @click.option("--unit", help="Code of a unit: its tasks and those of the units under it.")
    @click.option("--language", type=click.Choice(["zh", "en"]), help="Of headings and words; else the terminal's.")
    @click.option("--out", required=True, metavar="FILE", help="File to write: *.xlsx or *.csv.")
    def command(college: str | None, out: str, language: str | None, as_json: bool, **chosen: Any) -> None:
        with installation():
            said = language or output.language()
            leaves = service.export(db.session, operator(db.session, ports()), college, kind, language=said, **chosen)
            target = exports.save(leaves, out)
            many = len(leaves[0].rows)
            output.emit({"kind": kind, "out": str(target), "rows": many}, as_json, lines=[f"{target}: {many} tasks"])

    return command


grid: Callable[..., Any] = _command("grid")
tasks: Callable[..., Any] = _command("tasks")
