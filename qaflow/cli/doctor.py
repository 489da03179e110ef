"""`qaflow doctor`: invariants, triggers, incidents; with `--deploy` whether it is safe to open to others."""

from __future__ import annotations

from typing import Any

import click

from qaflow.cli import output
from qaflow.cli.frame import Command, installation, ports
from qaflow.errors import Invalid
from qaflow.services.running import deploying
from qaflow.services.running import doctor as service
from qaflow.store.db import db


@click.command(cls=Command)
@click.option("--deploy", is_flag=True, help="Also check whether the installation is safe to open to others.")
def doctor(deploy: bool, as_json: bool) -> None:
    """Check the invariants, the journal's triggers and the calendars, and list the incidents."""
    with installation():
        report = service.check(db.session, ports().clock.now(), files=ports().files)
        if deploy:
            unsafe = deploying.check(db.session, ports().settings, ports().clock.now(), ports())
            report["findings"] += unsafe
            report["ok"] = report["ok"] and not unsafe
        output.told(report, as_json, _lines(report), None if report["ok"] else Unsound(report))


class Unsound(Invalid):
    """The doctor found something."""

    code = "doctor.findings"

    def __init__(self, report: dict[str, Any]) -> None:
        """Take the report, which goes into the problem document."""
        super().__init__(detail=f"{len(report['findings'])} finding(s)", **report)


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [_line(f) for f in report["findings"]] + [f"note  {n['why']}" for n in report["notices"]]
    lines += [f"incident {i['kind']} {i['ref']} ({i['tries']} tries): {i['detail']}" for i in report["incidents"]]
    return [*lines, "ok" if report["ok"] else "not ok"]


def _line(found: dict[str, Any]) -> str:
    place = found.get("ref") or ""
    if found.get("seq") is not None:
        place += f" entry {found['seq']}"
    told = f"{found['check']}  {place}: {found['why']}"
    if found.get("expected") is not None or found.get("found") is not None:
        told += f" (expected {found.get('expected')}, found {found.get('found')})"
    return told + (f"; type: {found['remedy']}" if found.get("remedy") else "")
