"""The command line's frame: one error contract, `--json` everywhere, commands that load when they are called."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from qaflow import errors
from qaflow.cli import output
from qaflow.cli.frame import Command, Group, Lazy, LazyGroup, Whole
from qaflow.cli.main import COMMANDS, Program, program

ENTRY = [sys.executable, "-m", "qaflow"]


def invoke(work: Callable[..., Any], *args: str) -> Result:
    """Run a program whose one command `act` does the work."""
    sample = Program("qaflow", lazy={})
    sample.add_command(Command("act", callback=work, params=[click.Option(["--limit"], type=Whole(1, 100))]))
    return CliRunner().invoke(sample, args, catch_exceptions=False)


def raises(error: BaseException) -> Callable[..., None]:
    """Return the work that fails so."""

    def work(**_options: Any) -> None:
        raise error

    return work


KINDS = [
    (errors.QaflowError, 500, 1),
    (errors.Invalid, 422, 3),
    (errors.CorruptHistory, 500, 3),
    (errors.Usage, 400, 2),
    (errors.ConfigError, 500, 2),
    (errors.Missing, 404, 3),
    (errors.Refused, 409, 4),
    (errors.Stale, 412, 4),
    (errors.Forbidden, 403, 5),
    (errors.Unproven, 401, 5),
    (errors.Unavailable, 503, 6),
    (errors.Busy, 503, 6),
]


@pytest.mark.parametrize(("kind", "status", "code"), KINDS)
def test_each_error_has_its_exit_code_and_status(kind: type[errors.QaflowError], status: int, code: int) -> None:
    result = invoke(raises(kind()), "act", "--json")

    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert (document["status"], document["code"]) == (status, kind.code)
    assert kind.__doc__ is not None
    assert document["detail"] == kind.__doc__
    assert kind.__doc__ in result.stderr


def test_refusal_tells_its_faults_and_what_would_be_allowed() -> None:
    fault = {"at": "a.yaml:3:5", "code": "role.unknown", "detail": "no role 'x'", "remedy": "did you mean 'y'?"}
    error = errors.Refused("transition.not_allowed", "cannot approve", errors=[fault, "plain"], allowed=["submit"])

    told = invoke(raises(error), "act")
    document = json.loads(invoke(raises(error), "act", "--json").stdout)

    assert told.stdout == ""
    assert "qaflow: cannot approve [transition.not_allowed]" in told.stderr
    assert "a.yaml:3:5: no role 'x' [role.unknown] did you mean 'y'?" in told.stderr
    assert "possible: submit" in told.stderr
    assert document["errors"] == [fault, {"detail": "plain"}]
    assert document["allowed"] == ["submit"]


def test_data_of_an_error_cannot_forge_its_code() -> None:
    error = errors.Missing("cycle.not_found", "no such cycle", status="fine")

    assert errors.problem(error)["status"] == 404


@pytest.mark.parametrize(
    ("args", "nearest"),
    [
        (["ac"], "act"),
        (["act", "--limti", "3"], "--limit"),
        (["act", "--limit=-1"], "1 to 100"),
        (["act", "--limit=١٢"], "1 to 100"),
        (["act", "--limit", "1" * 5000], "1 to 100"),
        (["act", "--limit"], "--limit"),
        (["act", "more"], "more"),
    ],
)
def test_misuse_shows_the_usage_line_and_what_was_meant(args: list[str], nearest: str) -> None:
    told = invoke(lambda **_: None, *args)
    as_document = invoke(lambda **_: None, *args, "--json")

    assert told.exit_code == as_document.exit_code == 2
    assert told.stderr.startswith("Usage: qaflow")
    assert nearest in told.stderr
    assert json.loads(as_document.stdout)["code"] == "usage"


def test_whole_number_within_bounds_is_taken() -> None:
    seen: list[Any] = []

    assert invoke(lambda limit, as_json: seen.append((limit, as_json)), "act", "--limit", "12").exit_code == 0
    assert seen == [(12, False)]


def test_internal_error_shows_no_traceback_and_logs_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()

    result = invoke(raises(ZeroDivisionError("deep inside")), "act", "--json")

    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert json.loads(result.stdout)["code"] == "internal"
    logged = json.loads((home / "logs" / "qaflow.log").read_text().splitlines()[-1])
    assert "ZeroDivisionError: deep inside" in logged["exception"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (click.Abort(), 130), (BrokenPipeError(), 0), (OSError(28, "full"), 1)],
)
def test_interruptions_leave_quietly(error: BaseException, code: int) -> None:
    result = invoke(raises(error), "act")

    assert result.exit_code == code
    assert "Traceback" not in result.output


def test_command_may_choose_its_exit_code() -> None:
    assert invoke(lambda **_: click.get_current_context().exit(3), "act").exit_code == 3


def leaves(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    """Return the commands below a command, with their paths."""
    if not isinstance(command, click.Group):
        return [(path, command)]
    ctx = click.Context(command)
    names = command.list_commands(ctx)
    below = [(name, command.get_command(ctx, name)) for name in names]
    return [leaf for name, each in below if each for leaf in leaves(each, f"{path} {name}")]


def test_every_command_takes_json_and_tells_what_it_does() -> None:
    found = leaves(program, "qaflow")

    assert "qaflow run" in dict(found)
    for path, command in found:
        assert any(param.name == "as_json" for param in command.params), path
        assert command.help, path


def test_every_line_of_help_names_a_command_that_is_there() -> None:
    ctx = click.Context(program)

    for name in program.list_commands(ctx):
        assert program.get_command(ctx, name) is not None
        assert COMMANDS[name].help in " ".join(CliRunner().invoke(program, ["--help"]).output.split())


def test_command_whose_module_is_not_there_is_absent() -> None:
    group = LazyGroup("x", lazy={"gone": Lazy("qaflow.cli.gone:gone", ""), "run": Lazy("qaflow.cli.run:run", "")})

    assert group.list_commands(click.Context(group)) == ["run"]


def test_commands_of_a_group_take_json_too() -> None:
    group = Group("outer")

    @group.command("inner")
    def inner(as_json: bool) -> None:
        click.echo(str(as_json))

    assert CliRunner().invoke(group, ["inner", "--json"]).output == "True\n"


def test_list_is_one_document_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    page = output.listed([{"key": "a[b]", "name": {"zh": "课程", "en": "Course"}, "due": None}], next="c7")

    output.emit(page, True)
    assert json.loads(capsys.readouterr().out) == page

    output.emit(page, False, table=[("key", "Key"), ("name", "Name"), ("due", "Due")])
    heading, row, more = capsys.readouterr().out.splitlines()
    assert heading.split() == ["Key", "Name", "Due"]
    assert row.split()[0] == "a[b]"
    assert more == "… --after c7"


@pytest.mark.parametrize(
    ("env", "text"),
    [({"LANG": "zh_CN.UTF-8"}, "课程"), ({"LANG": "C"}, "Course"), ({"LANG": "C", "QAFLOW_LANGUAGE": "zh"}, "课程")],
)
def test_terminal_speaks_its_locale(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], text: str) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    assert output.localized({"zh": "课程", "en": "Course"}) == text


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash with `qaflow` as the installed program."""
    script = f'qaflow() {{ {" ".join(ENTRY)} "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], env=os.environ | env, capture_output=True, encoding="utf-8", timeout=30, check=False
    )


@pytest.mark.parametrize(
    ("line", "env", "code"),
    [
        ("qaflow --help", {"LC_ALL": "C", "COLUMNS": "1"}, 0),
        ("qaflow --help | head -n 1; exit ${PIPESTATUS[0]}", {}, 0),
        ("qaflow --help | true; exit ${PIPESTATUS[0]}", {}, 0),
        ("qaflow --help > /dev/full", {}, 1),
        ("qaflow --help >&-", {}, 0),
        ("qaflow rum --json > /dev/full", {}, 2),
        ("qaflow 质量 2>&1", {"LC_ALL": "C"}, 2),
        ("qaflow 质量 2>&1", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, 2),
        ("qaflow $'\\xff' 2>&1", {}, 2),
    ],
)
def test_real_process_survives_its_surroundings(line: str, env: dict[str, str], code: int) -> None:
    result = shell(line, **env)

    assert result.returncode == code
    assert "Traceback" not in result.stdout + result.stderr
    assert "Exception ignored" not in result.stderr
    if "质量" in line and "PYTHONUTF8" not in env:
        assert "质量" in result.stdout
