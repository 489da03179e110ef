"""`qaflow backup` and `qaflow restore`: one file with the database and the evidence."""

from __future__ import annotations

from pathlib import Path

import click

from qaflow.cli import output
from qaflow.cli.frame import Command, installation, ports
from qaflow.errors import Unavailable
from qaflow.services.running import backups
from qaflow.store.db import db

FILE = click.Path(readable=False, path_type=Path)


@click.command("backup", cls=Command)
@click.argument("file", type=FILE)
def backup(file: Path, as_json: bool) -> None:
    """Write FILE with the database of this moment and the evidence; the server may go on running."""
    with installation():
        made = backups.make(db.session, ports().settings, file, ports().clock.now())
    lines = [f"{file}: {made['entries']} entries, {made['evidence']} files of evidence, {made['bytes']} bytes"]
    output.emit(made, as_json, lines=lines)


@click.command("restore", cls=Command)
@click.argument("file", type=FILE)
@click.option(
    "--resend", is_flag=True, help="Send the notices that waited in the backup, though they may have gone out since."
)
def restore(file: Path, resend: bool, as_json: bool) -> None:
    """Put the backup FILE into an empty home."""
    with installation(new=True) as app:
        home = ports().settings.home
        try:
            done = backups.restore(app, db.session, ports().settings, file, ports().clock.now(), resend=resend)
        except OSError as error:
            raise Unavailable("config.home", f"cannot write into {home}: {error.strerror}", path=str(home)) from error
    lines = [
        f"restored: {done['entries']} entries as of {done['at']}; {done['notices_dropped']} waiting notices dropped",
        "what happened since is lost: type qaflow audit verify --checkpoint FILE to see how far back this is,",
        "then qaflow tick --confirm to let automatic steps go on",
    ]
    output.emit(done, as_json, lines=lines)
