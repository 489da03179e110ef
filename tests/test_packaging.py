"""The wheel carries all that the program needs, and works where it is installed."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BESIDE = ("migrations", "templates", "workflows")
LEFT_OUT = {"__pycache__"}


def setup_cfg() -> ConfigParser:
    """Return setup.cfg, its interpolation signs taken as they are."""
    parsed = ConfigParser(interpolation=None)
    parsed.read(ROOT / "setup.cfg", encoding="utf-8")
    return parsed


def tree() -> set[str]:
    """Return every file that must travel, as its name in the wheel."""
    places = [(ROOT / "qaflow", "qaflow"), *((ROOT / name, f"qaflow/{name}") for name in BESIDE)]
    return {
        f"{prefix}/{file.relative_to(folder).as_posix()}"
        for folder, prefix in places
        for file in folder.rglob("*")
        if file.is_file() and not LEFT_OUT & set(file.parts)
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the tree, so that nothing of an earlier build gets in."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("qaflow", *BESIDE):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(copy / "dist"), str(copy))
    (made,) = (copy / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment elsewhere, which borrows only the dependencies of this one."""
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    pip(sys.executable, "--python", str(place / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def pip(python: str, *args: str) -> None:
    """Run pip, quietly unless it fails."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *args]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def run(*command: str | Path, home: Path) -> str:
    """Run a program of the other environment away from the checkout; return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=home, env=env | {"QAFLOW_HOME": str(home)}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_packages_are_listed_as_they_stand_in_the_tree() -> None:
    listed = setup_cfg()["options"]["packages"].split()
    folders = {file.parent for file in (ROOT / "qaflow").rglob("*.py") if not LEFT_OUT & set(file.parts)}
    in_tree = {".".join(folder.relative_to(ROOT).parts) for folder in folders}

    assert sorted(listed) == sorted(in_tree | {f"qaflow.{name}" for name in BESIDE})


def test_every_package_says_what_it_is_about() -> None:
    for folder in {file.parent for file in (ROOT / "qaflow").rglob("*.py")}:
        assert (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""'), folder


def test_pyproject_holds_the_build_system_and_ruff_alone() -> None:
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert set(parsed) == {"build-system", "tool"}
    assert set(parsed["tool"]) == {"ruff"}


def test_lock_pins_every_dependency() -> None:
    lock = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lock if "==" in line}
    config = setup_cfg()
    asked = config["options"]["install_requires"].split() + config["options.extras_require"]["dev"].split()

    names = {part.partition(">")[0].partition("[")[0].lower() for part in asked}
    assert names - pinned == set()


def test_wheel_holds_every_file_of_the_tree_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/") and ".dist-info/" not in name}

    assert held == tree()


def test_installed_program_runs_from_its_own_files(installed: Path, tmp_path: Path) -> None:
    script = (
        "import json, qaflow.paths as p; from qaflow.app import create_app;"
        "print(json.dumps([str(p.PACKAGE), *(str(p.data_dir(n)) for n in p.DATA_FOLDERS)])); create_app()"
    )

    places = json.loads(run(installed / "python", "-c", script, home=tmp_path))

    assert "Commands:" in run(installed / "qaflow", "--help", home=tmp_path)
    assert all(Path(place).is_relative_to(installed.parent) for place in places)


def test_installed_program_migrates_and_lists_its_definitions(installed: Path, tmp_path: Path) -> None:
    run(installed / "qaflow", "init", "--college", "wuhan-software", "--sandbox", "--json", home=tmp_path)

    listed = json.loads(run(installed / "qaflow", "workflow", "list", "--json", home=tmp_path))

    assert {item["college"] for item in listed["items"]} == {"wuhan-software"}
