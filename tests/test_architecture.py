"""House rules that a linter does not know."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qaflow import errors

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "qaflow").rglob("*.py"))
CLOCK_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.localtime"}
PLAIN_CHANCE = {"random.random", "random.randint", "random.choice", "random.shuffle", "random.sample"}
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def parsed(file: Path) -> ast.Module:
    """Return the file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Give `name.name` and the line of each such call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f"{ast.unparse(node.func.value)}.{node.func.attr}", node.lineno


def breaches(tree: ast.AST, forbidden: set[str]) -> list[tuple[str, int]]:
    """Return the calls whose last two words are forbidden."""
    return [(name, line) for name, line in calls(tree) if ".".join(name.split(".")[-2:]) in forbidden]


def test_import_contracts_hold() -> None:
    """Layers, the pure engine, services without Flask: as `setup.cfg` says."""
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_clock_reads_the_machines_clock() -> None:
    found = {file.relative_to(ROOT).as_posix(): breaches(parsed(file), CLOCK_CALLS) for file in SOURCES}

    assert [name for name, lines in found.items() if lines] == ["qaflow/adapters/clock.py"]


def test_the_engine_takes_no_chances() -> None:
    for file in (ROOT / "qaflow" / "engine").rglob("*.py"):
        assert not breaches(parsed(file), PLAIN_CHANCE | CLOCK_CALLS), file


def test_errors_import_nothing_of_the_program() -> None:
    imported = [node for node in ast.walk(parsed(ROOT / "qaflow" / "errors.py")) if isinstance(node, ast.ImportFrom)]

    assert [node.module for node in imported if node.module and node.module.startswith("qaflow")] == []


def tree_of(kind: type[errors.QaflowError]) -> Iterator[type[errors.QaflowError]]:
    """Give the class and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree_of(below)


@pytest.mark.parametrize("kind", list(tree_of(errors.QaflowError)), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means_and_how_it_ends(kind: type[errors.QaflowError]) -> None:
    told = kind()

    assert told.detail
    assert "\n" not in told.detail
    assert told.exit in range(1, 7)
    assert errors.problem(told)["status"] in range(400, 600)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_public_thing_has_a_docstring(file: Path) -> None:
    module = parsed(file)

    assert ast.get_docstring(module)
    things = [node for node in module.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert [node.name for node in things if not node.name.startswith("_") and not ast.get_docstring(node)] == []


def test_no_test_is_skipped() -> None:
    for file in (ROOT / "tests").rglob("*.py"):
        used = {node.attr for node in ast.walk(parsed(file)) if isinstance(node, ast.Attribute)}
        assert not used & SKIPS, file


def test_no_page_takes_anything_from_elsewhere() -> None:
    for page in (ROOT / "templates").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "http://" not in text, page
        assert "https://" not in text, page
        assert "style=" not in text, page
        assert "<script>" not in text, page
