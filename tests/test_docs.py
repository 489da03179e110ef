"""The pages for readers agree with the program."""

import configparser
import re
from pathlib import Path

import pytest

from qaflow.cli.main import COMMANDS
from qaflow.engine import loader

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def required():
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["options"]["install_requires"] + setup["options.extras_require"]["dev"]
    return {re.match(r"[\w.-]+", line)[0].lower() for line in lines.split("\n") if line.strip()}


def test_every_dependency_has_its_reason():
    explained = {name.lower() for name in re.findall(r"^\| ([\w.-]+) \|", page("docs/dependencies.md"), re.MULTILINE)}
    assert explained - {"package"} == required()


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_only_commands_that_exist_and_leaves_none_out(readme):
    named = set(re.findall(r"(?:^|`)qaflow ([a-z]+)", page(readme), re.MULTILINE))
    assert named <= set(COMMANDS)
    assert set(COMMANDS) - named <= {"demo"}  # started by make


@pytest.mark.parametrize("readme", READMES)
def test_a_readmes_links_lead_somewhere(readme):
    targets = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\"]+)\"", page(readme))
    assert len(targets) >= 5
    for target in targets:
        assert (ROOT / "".join(target)).exists(), target


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_every_setting_and_its_number(readme):
    rows = [line for line in page(readme).splitlines() if line.startswith("| `QAFLOW_")]
    named = [name for row in rows for name in re.findall(r"`QAFLOW_([A-Z_]+)`", row.split("|")[1])]
    read = dict(re.findall(r'env, "([A-Z_]+)"(?:, (\d+))?', page("qaflow/config.py")))

    told = [name for name, number in read.items() if any(f"_{name}`" in row and number in row for row in rows)]
    assert sorted(named) == sorted(["HOME", *read])
    assert told == list(read)


@pytest.mark.parametrize("readme", READMES)
def test_the_definition_in_a_readme_is_one(readme):
    (text,) = re.findall(r"```yaml\n(.*?)```", page(readme), re.DOTALL)
    loaded = loader.read(text, "readme.yaml")
    assert loaded.faults == ()
    assert loaded.value.hinge == "implement"
