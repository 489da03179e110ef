"""`qaflow demo`: five colleges, one simulated teaching year, then the server."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import Flask
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from qaflow import config
from qaflow.cli import output
from qaflow.cli.frame import Command, Whole, installation, ports
from qaflow.cli.run import serve, single_process
from qaflow.config import Settings
from qaflow.engine import loader
from qaflow.engine.dates import iso_day
from qaflow.errors import Invalid, Refused, Usage
from qaflow.services.definitions import packaged
from qaflow.services.running import installation as installing
from qaflow.services.simulation import making
from qaflow.services.simulation.values import FULL, SMALL, Plan
from qaflow.store.db import UNFIT, db, schema_state

START, DAYS, SEED = "2025-09-01", 366, 1
EARLIEST, LATEST = dt.date(2024, 1, 1), dt.date(2030, 12, 31)  # the years around are in the colleges' calendars
MOST_DAYS = 800
FAILED = 3
COLUMNS = (("college", "college"), ("subjects", "subjects"), ("cycles_started", "started"), ("cycles_closed", "closed"),
           ("cycles_seeded", "seeded"), ("transitions", "transitions"), ("returns", "returns"),
           ("work_items", "work items"),
           ("readings", "readings"), ("warnings_opened", "warnings"), ("warnings_closed", "closed"),
           ("correction_scopes", "corrections i/d/s/g"), ("levels", "escalations 1/2/3/…"))  # fmt: skip

ACCOUNTS = (("college", "college"), ("role", "role"), ("login", "login"), ("name", "name"))


class Day(click.ParamType[dt.date]):
    """A day, YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Return the day or say what would be right."""
        if isinstance(value, dt.date):
            return value
        try:
            day = iso_day(str(value))
        except Invalid:
            raise Invalid("date.invalid", f"--start {value!r}: a day YYYY-MM-DD is needed") from None
        if not EARLIEST <= day <= LATEST:
            raise Invalid("date.range", f"--start {value}: a day from {EARLIEST} to {LATEST} is needed")
        return day


@click.command(cls=Command)
@click.option("--seed", type=Whole(), default=SEED, show_default=True, help="The same seed gives the same year.")
@click.option(
    "--scale", type=click.Choice([SMALL, FULL]), default=SMALL, show_default=True, help="How large the colleges are."
)
@click.option("--college", "colleges", multiple=True, metavar="KEY", help="Only this college (may be repeated).")
@click.option("--start", type=Day(), default=START, show_default=True, help="First simulated day (2024 to 2030).")
@click.option("--days", type=Whole(1, MOST_DAYS), default=DAYS, show_default=True, help="How many days are simulated.")
@click.option("--no-serve", is_flag=True, help="End after the summary.")
def demo(
    seed: int, scale: str, colleges: tuple[str, ...], start: dt.date, days: int, no_serve: bool, as_json: bool
) -> None:
    """Fill a sandbox with a simulated teaching year and show what happened; then serve it."""
    plan = Plan(seed=seed, scale=scale, colleges=chosen(colleges), start=start, days=days)
    settings = config.ensure_secret(config.load())
    if settings.sqlite_file is None:
        raise Usage("demo.sqlite", "the demo fills a SQLite file; unset QAFLOW_DATABASE_URL for it")
    with single_process(settings):
        document = kept(settings, plan) or made(settings, plan)
        output.emit(document if as_json else shown(document), as_json, COLUMNS, lines(document))
        if not as_json:
            output.emit(output.listed(document["accounts"]), False, ACCOUNTS, _accounts(document))
        if not making.alive(document):
            click.get_current_context().exit(FAILED)
        if not no_serve:
            private = config.require_private(settings)
            with installation(private) as app:
                serve(app, private, as_json)


def chosen(colleges: tuple[str, ...]) -> tuple[str, ...]:
    """Return the colleges asked for, all by default; each once, in the order of their keys."""
    known = packaged.keys()
    unknown = [key for key in colleges if key not in known]
    if unknown:
        raise Usage("college.unknown", f"--college {unknown[0]}: one of {', '.join(known)}")
    return tuple(key for key in known if not colleges or key in colleges)


def kept(settings: Settings, plan: Plan) -> dict[str, Any] | None:
    """Return the figures of the sandbox that stands, where it was made by this plan; refuse what is no sandbox."""
    file = settings.sqlite_file
    if file is None or not file.exists() or not file.stat().st_size:
        return None
    with installation(settings, new=True):
        state = schema_state(db.session)
        db.session.rollback()
        if state in UNFIT:
            raise Refused(f"schema.{state}", UNFIT[state])
        return None if state == "empty" else making.standing(db.session, plan)


def made(settings: Settings, plan: Plan) -> dict[str, Any]:
    """Make the sandbox anew."""
    clear(settings)
    folders = [loader.load_folder(packaged.folder_of(key)) for key in plan.colleges]
    with installation(settings, new=True) as app:
        prepare(app, settings)
        with progressing(plan) as step:
            return making.produce(db.session, ports(), plan, folders, step)


def clear(settings: Settings) -> None:
    """Take away the sandbox that stood here, evidence included."""
    file = settings.sqlite_file
    assert file is not None
    for name in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        name.unlink(missing_ok=True)
    shutil.rmtree(settings.home / "evidence", ignore_errors=True)


def prepare(app: Flask, settings: Settings) -> None:
    """Make the tables."""
    installing.prepare(app, db.session, settings, ports().clock.now())


@contextmanager
def progressing(plan: Plan) -> Iterator[Callable[[dt.date], None]]:
    """Show a bar on standard error; yield what moves it on by a day."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[day]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as bar:
        task = bar.add_task(output.localized({"zh": "模拟学年", "en": "Simulated year"}), total=plan.days, day="")
        yield lambda day: bar.update(task, advance=1, day=day.isoformat())


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its colleges as items, for the table."""
    items = [{"college": key, "correction_scopes": "/".join(map(str, figures["corrections"].values())),
              "levels": "/".join(str(n) for n in figures["escalations"].values()), **figures}
             for key, figures in document["colleges"].items()]  # fmt: skip
    return {**document, "items": items}


def _accounts(document: dict[str, Any]) -> list[str]:
    told = {"zh": "登录的账号，口令都是", "en": "Accounts to sign in with; the password of each is"}
    return [f"{output.localized(told)} {document['password']}"]


def lines(document: dict[str, Any]) -> list[str]:
    """Return what stands above the table."""
    audit, doctor = document["audit"], document["doctor"]
    return [
        f"{document['start']} … {document['end']}, seed {document['seed']}, {document['scale']}: "
        f"{document['seconds']} s, {document['peak_rss_mb']} MB, fsync {document['fsync_ms']} ms"
        f"{', as made before' if document['reused'] else ''}",
        f"audit: {'verified' if audit['verified'] else 'BROKEN'}, {audit['entries']} entries; "
        f"doctor: {'ok' if doctor['ok'] else str(len(doctor['findings'])) + ' finding(s)'}",
    ]
