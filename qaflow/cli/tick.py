"""`qaflow tick`: one sweep of what is due."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from qaflow.cli import output
from qaflow.cli.frame import Command, installation, ports
from qaflow.errors import Invalid
from qaflow.services.sweeping import tick as service
from qaflow.store.db import db


class Iso(click.ParamType[datetime]):
    """An instant with its zone; a day alone means its first minute in UTC."""

    name = "ISO8601"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware instant or say what would be right."""
        try:
            found = datetime.fromisoformat(str(value))
            aware = found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid(
                "date.invalid", f"--at {value!r}: an instant such as 2026-01-05T08:00+08:00 is needed"
            ) from None
        if found.tzinfo is None:
            raise Invalid("date.no_zone", f"--at {value!r}: the zone is missing, such as +08:00 or Z")
        return aware


@click.command(cls=Command)
@click.option("--at", type=Iso(), help="Sweep as of this instant (not later than the clock, save in a sandbox).")
@click.option("--confirm", is_flag=True, help="Let automatic steps go on after a long gap.")
@click.option("--retry", is_flag=True, help="Try again what became an incident.")
def tick(at: datetime | None, confirm: bool, retry: bool, as_json: bool) -> None:
    """Do one sweep of what is due and print what it did."""
    with installation():
        report = service.run(db.session, ports(), door="tick", at=at, confirm=confirm, retry=retry)
        document = report.plain()
        lines = (
            [report.notice]
            if report.notice
            else [f"{k}: {v}" for k, v in sorted(report.done.items())] or ["nothing was due"]
        )
        output.emit(document, as_json, lines=lines)
