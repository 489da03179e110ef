"""The program `qaflow`: its commands, and the one place that turns an error into an exit code.

0 ok · 1 internal · 2 usage or configuration · 3 invalid data or failed check · 4 refused by state · 5 not permitted ·
6 unavailable · 130 interrupted.
"""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from qaflow import __version__, config, logs
from qaflow.cli import output
from qaflow.cli.frame import Lazy, LazyGroup
from qaflow.errors import QaflowError, Usage

INTERRUPTED = 130
INTERNAL = 1

COMMANDS = {
    "audit": Lazy("qaflow.cli.audit:audit", "Prove the journal: verify, checkpoint, pack, verify-pack."),
    "backup": Lazy("qaflow.cli.backup:backup", "Write one file with the database and the evidence."),
    "bench": Lazy("qaflow.cli.bench:bench", "Measure this machine beside its floors."),
    "cycle": Lazy("qaflow.cli.cycle:cycle", "List, show, start and move cycles."),
    "demo": Lazy("qaflow.cli.demo:demo", "Five colleges, one simulated teaching year, then the server."),
    "doctor": Lazy("qaflow.cli.doctor:doctor", "Check the invariants, the triggers and the incidents."),
    "export": Lazy("qaflow.cli.exports:exports", "Write tasks, points, readings and histories into files."),
    "import": Lazy("qaflow.cli.imports:imports", "Take units, people, subjects and data from files (xlsx, xls, csv)."),
    "init": Lazy("qaflow.cli.init:init", "Create or upgrade the database and load colleges."),
    "restore": Lazy("qaflow.cli.backup:restore", "Put a backup into an empty home."),
    "run": Lazy("qaflow.cli.run:run", "Serve the web door and wake the tick."),
    "tick": Lazy("qaflow.cli.tick:tick", "Do one sweep of what is due and print what it did."),
    "user": Lazy("qaflow.cli.user:user", "Add and disable people, set passwords, give tokens, hand over."),
    "workflow": Lazy("qaflow.cli.workflow:workflow", "Check, list, show, draw, publish and migrate definitions."),
}


class Program(LazyGroup):
    """The outermost group: whatever goes wrong inside, people get a sentence and scripts an exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the program and leave with its exit code."""
        if "_QAFLOW_COMPLETE" in os.environ:
            return super().main(args, prog_name, *rest, **extra)
        arguments = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        _begin_log()
        sys.exit(guarded(lambda: self._serve(arguments, prog_name or "qaflow", extra), "--json" in arguments))

    def _serve(self, arguments: list[str], name: str, extra: dict[str, Any]) -> int:
        try:
            with self.make_context(name, arguments, **extra) as ctx:
                self.invoke(ctx)
        except click.exceptions.Exit as leave:
            return leave.exit_code
        finally:
            _flush()
        return 0


def _begin_log() -> None:
    try:
        logs.configure(config.home())
    except QaflowError:
        logs.configure(None)  # the command itself will say what is wrong with the home


def guarded(work: Callable[[], int], as_json: bool) -> int:
    """Do the work and return its exit code, whatever it raises."""
    try:
        return work()
    except QaflowError as error:
        return _refused(error, as_json)
    except click.ClickException as error:
        return _misused(error, as_json)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()  # whoever read has read enough
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost frame: people get a sentence, the log the traceback
        return _broken(error, as_json)


def _refused(error: QaflowError, as_json: bool) -> int:
    _say(error, as_json)
    return error.exit


def _misused(error: click.ClickException, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.note(error.format_message())
        error = click.ClickException("a command is missing: name one of these")
    told = Usage("usage", error.format_message())
    if isinstance(error, click.UsageError) and error.ctx is not None and not isinstance(error, click.FileError):
        output.note(error.ctx.get_usage())
    _say(told, as_json)
    return told.exit


def _broken(error: Exception, as_json: bool) -> int:
    """Log the traceback; where standard output itself failed, nothing more goes there."""
    logs.get(logs.SPOKEN).error("cli.internal", exc_info=error)
    if isinstance(error, OSError):
        _drop_output()
    _say(QaflowError("internal", f"something went wrong inside qaflow ({type(error).__name__}); see the log"), as_json)
    return INTERNAL


def _say(error: QaflowError, as_json: bool) -> None:
    try:
        output.refuse(error, as_json)
        _flush()
    except OSError:
        _drop_output()


def _flush() -> None:
    """Write out what is buffered, while an error can still be told."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _drop_output() -> None:
    """Send the rest of standard output nowhere, so that the interpreter's last flush does not fail as well."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, ValueError, io.UnsupportedOperation):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@click.group(cls=Program, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qaflow")
def program() -> None:
    """Run the quality spirals of a college: start, advance, escalate and prove them."""
