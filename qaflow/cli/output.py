"""What a command prints: one JSON document, or tables and lines for people. Refusals go the same two ways."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from qaflow.errors import QaflowError, problem

NARROWEST = 40  # below that a table shows nothing but dots
WIDE = 160  # where the output goes into a file or a pipe

Columns = Sequence[tuple[str, str]]  # key in the item, heading


def emit(document: Mapping[str, Any], as_json: bool, table: Columns = (), lines: Iterable[str] = ()) -> None:
    """Print the document: whole as JSON, else `lines`, its `items` as a table, and how to read on."""
    if as_json:
        click.echo(as_text(document))
        return
    for line in lines:
        click.echo(line)
    if table:
        console().print(tabulated(document.get("items", ()), table))
    if document.get("next"):
        click.echo(f"… --after {document['next']}")


def told(report: Mapping[str, Any], as_json: bool, lines: Iterable[str], failure: QaflowError | None) -> None:
    """Print a check's report; a failed one is raised, and as JSON stands whole in the problem document."""
    if failure is None or not as_json:
        emit(report, as_json, lines=lines)
    if failure is not None:
        raise failure


def listed(items: Iterable[Mapping[str, Any]], next: str | None = None) -> dict[str, Any]:
    """Return the shape of every list: `items` and the cursor of the page behind it."""
    return {"items": list(items), "next": next}


def tabulated(items: Iterable[Mapping[str, Any]], columns: Columns) -> Table:
    """Return the items as a table; texts are shown as they are, never read as markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for _, heading in columns:
        table.add_column(heading, overflow="fold")
    for item in items:
        table.add_row(*(Text(shown(item.get(key))) for key, _ in columns))
    return table


def shown(value: object) -> str:
    """Return a value as people read it: a pair in their language, nothing as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, Mapping) and value.keys() >= {"zh", "en"}:
        return localized(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(each) for each in value)
    return str(value)


def localized(pair: Mapping[str, str]) -> str:
    """Return the text of a {zh, en} pair in the language of QAFLOW_LANGUAGE or of the terminal."""
    return pair[language()]


def language() -> str:
    """Return zh or en: QAFLOW_LANGUAGE, else as the terminal's locale says, else en."""
    chosen = os.environ.get("QAFLOW_LANGUAGE", "")
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if (chosen or locale).startswith("zh") else "en"


def console() -> Console:
    """Return the console of standard output, wide where nobody looks."""
    seen = sys.stdout is not None and sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns if seen else WIDE
    return Console(file=sys.stdout, width=max(columns, NARROWEST), highlight=False, markup=False, emoji=False)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None] | None]:
    """Show on standard error how far something is, and for how long it runs; nothing where nobody looks."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description} {task.completed:,.0f}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.update(task, completed=done)


def note(text: str) -> None:
    """Tell people something on standard error, so that standard output stays the document's."""
    click.echo(text, err=True)


def as_text(document: Mapping[str, Any]) -> str:
    """Return the document as JSON; times and paths as text."""
    return json.dumps(document, ensure_ascii=False, indent=2, default=_plain)


def refuse(error: QaflowError, as_json: bool) -> None:
    """Print a refusal: the sentence and its faults on standard error; with `as_json` the problem on standard output."""
    if as_json:
        click.echo(as_text(problem(error)))
    note(f"qaflow: {error.detail} [{error.code}]")
    for fault in error.errors:
        note(_line(fault))
    for fact in ("database", "cause"):
        if error.data.get(fact):
            note(f"  {fact}: {error.data[fact]}")
    if error.data.get("allowed"):
        note(f"  possible: {shown(list(error.data['allowed']))}")


def stdin_bytes(limit: int) -> bytes:
    """Return what standard input holds, at most `limit` bytes of it; nothing where it is closed."""
    return b"" if sys.stdin is None or sys.stdin.closed else sys.stdin.buffer.read(limit)


def _line(fault: Mapping[str, Any] | str) -> str:
    """Return one fault as `place: what [code] remedy`."""
    if isinstance(fault, str):
        return f"  {fault}"
    place = f"{fault['at']}: " if fault.get("at") else ""
    if "message" in fault:  # a fault of a command's data names its place itself
        return f"  {shown(fault['message'])} [{fault.get('code', '')}]"
    code = f" [{fault['code']}]" if fault.get("code") else ""
    remedy = f" {shown(fault['remedy'])}" if fault.get("remedy") else ""
    return f"  {place}{shown(fault.get('detail', ''))}{code}{remedy}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a document")
