"""What every command is made of: `--json`, lazily loaded groups, whole numbers, and the installation it works on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import click
from flask import Flask, current_app

from qaflow import config, logs
from qaflow.config import Settings
from qaflow.services.ports import Clock, Ports
from qaflow.services.running import health
from qaflow.store.db import Unreachable, db

MOST_DIGITS = 18  # a 64-bit column holds them


class Scheduler(Protocol):
    """Wakes the tick until it is stopped."""

    def shutdown(self, wait: bool = True) -> None:
        """Stop; with `wait`, after the tick that runs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """What the program hands to its command line (commands stand below `app` and beside `adapters`)."""

    create_app: Callable[[Settings], Flask]
    clock: Clock  # the machine's
    schedule: Callable[[Flask], Scheduler]


class Command(click.Command):
    """A command that takes `--json` (its function gets `as_json`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add the option behind the command's own."""
        super().__init__(*args, **kwargs)
        told = "Print one JSON document on standard output."
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help=told))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; a fault that does not know its command is given it, so that its usage line can be shown."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Group(click.Group):
    """A group whose commands take `--json`, and which names the nearest command for one that is not there."""

    command_class = Command
    group_class = type

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, else fail with the nearest name."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, self.list_commands(ctx), n=3)
        raise click.UsageError(f"No such command {name!r}.{nearest(near)}", ctx)


@dataclass(frozen=True)
class Lazy:
    """Where a command stands (`module:name`), and its line in `--help`."""

    target: str
    help: str

    @property
    def module(self) -> str:
        """The module's name."""
        return self.target.partition(":")[0]


class LazyGroup(Group):
    """A group that imports a command when it is called; a command is there when its module is."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        """Take the table of commands."""
        super().__init__(*args, **kwargs)
        self.lazy = {name: entry for name, entry in lazy.items() if find_spec(entry.module) is not None}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands that are there."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(entry.module), entry.target.partition(":")[2])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        rows = [(name, self.lazy[name].help) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def nearest(names: list[str]) -> str:
    """Return the sentence that names what was probably meant, "" for nothing."""
    return f" Did you mean {' or '.join(names)}?" if names else ""


class Whole(click.ParamType[int]):
    """A whole number in Western digits within bounds (int() alone takes ١٢ too)."""

    name = "number"

    def __init__(self, minimum: int = 0, maximum: int = 1_000_000_000) -> None:
        """Take the bounds, both included."""
        self.minimum = minimum
        self.maximum = maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number or fail with the range."""
        text = str(value)
        digits = text.removeprefix("-")
        plain = digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS
        if not plain or not self.minimum <= int(text) <= self.maximum:
            self.fail(f"{text!r} is not a whole number from {self.minimum} to {self.maximum}", param, ctx)
        return int(text)


def bootstrap() -> Bootstrap:
    """Return what the program gave to the command that runs."""
    found = click.get_current_context().find_object(Bootstrap)
    if found is None:
        raise LookupError("the command line was called without its bootstrap: use qaflow.__main__.main")
    return found


def ports() -> Ports:
    """Return the settings and the clock of the installation that was entered."""
    found: Ports = current_app.extensions["qaflow"]
    return found


@contextmanager
def installation(settings: Settings | None = None, *, new: bool = False) -> Iterator[Flask]:
    """Push the app of the installation: `db.session` and `ports()` work inside.

    A database that is not there or not of this program's schema is refused, save with `new` (for `init` and `demo`).
    """
    settings = settings or config.load()
    logs.configure(settings.home)
    app = bootstrap().create_app(settings)
    with app.app_context():
        try:
            if not new:
                health.require_current(db.session, settings)
            yield app
        except Unreachable as error:
            error.data.setdefault("database", settings.shown()["database_url"])
            raise
        finally:
            db.session.remove()
            db.engine.dispose()
