"""P31: what is unsafe does not start, and the refusal says what to type; the nearest safe setting does."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import SECRET, Run
from flask import Flask
from test_run import start

from qaflow import paths
from qaflow.adapters.clock import SystemClock
from qaflow.config import Settings
from qaflow.services.running import deploying, installation
from qaflow.services.work import Origin
from qaflow.store import doctor as store
from qaflow.store.db import db

HTTPS = "https://qaflow.example.edu.cn"


@dataclass(frozen=True)
class Setting:
    """One unsafe setting of the environment, its refusal, and its nearest safe twin."""

    bad: dict[str, str]
    code: str
    good: dict[str, str]


SETTINGS = {
    "no secret key": Setting({"QAFLOW_SECRET_KEY": ""}, "config.secret_key", {}),
    "a short secret key": Setting(
        {"QAFLOW_SECRET_KEY": SECRET[:31]}, "config.secret_key", {"QAFLOW_SECRET_KEY": SECRET[:32]}
    ),
    "an example of a secret key": Setting({"QAFLOW_SECRET_KEY": "changeme" * 6}, "config.secret_key", {}),
    "debugging": Setting({"FLASK_DEBUG": "1"}, "config.debug", {"FLASK_DEBUG": "0"}),
    "plain http to other machines": Setting(
        {"QAFLOW_BASE_URL": "http://qaflow.example.edu.cn"}, "config.base_url", {"QAFLOW_BASE_URL": HTTPS}
    ),
    "any host name": Setting(
        {"QAFLOW_ALLOWED_HOSTS": "*"}, "config.allowed_hosts", {"QAFLOW_ALLOWED_HOSTS": "qaflow.example.edu.cn"}
    ),
}


@pytest.fixture
def made(app: Flask, settings: Settings) -> Settings:
    """Return the settings of an installation that is no sandbox."""
    now = SystemClock().now()
    installation.create(db.session, Origin(now=now, recorded=now, door="test"), sandbox=False)
    db.session.remove()
    (settings.home / "qaflow.db").chmod(0o600)
    return replace(settings, base_url=HTTPS)


@pytest.mark.parametrize("what", SETTINGS)
def test_an_unsafe_setting_starts_no_server_and_passes_no_check(
    made: Settings, runner: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    setting = SETTINGS[what]
    common = {"QAFLOW_HOME": str(made.home), "QAFLOW_SECRET_KEY": SECRET, "QAFLOW_BASE_URL": HTTPS}
    for command in (("run", "--json"), ("doctor", "--deploy", "--json")):
        refused = runner(*command, **(common | setting.bad))
        if command[0] == "doctor" and what == "no secret key":
            assert refused.exit_code in (2, 3) and "config.secret_key" in refused.stdout
            continue
        told = json.loads(refused.stdout)
        assert (refused.exit_code, told["code"]) == (2, setting.code)
        assert "type: " in told["detail"] and SECRET not in refused.output
    safe = runner("doctor", "--deploy", "--json", **(common | setting.good))
    assert safe.exit_code == 0, safe.output


def readable(made: Settings) -> None:
    (made.home / "qaflow.db").chmod(0o644)
    made.home.chmod(0o755)


def told_secret(made: Settings) -> None:
    (made.home / "secret").write_text(SECRET)
    (made.home / "secret").chmod(0o644)


FILES: dict[str, tuple[Callable[[Settings], None], str]] = {
    "a database that others may read": (readable, "config.database_readable"),
    "a secret that others may read": (told_secret, "config.secret_readable"),
}


@pytest.mark.parametrize("what", FILES)
def test_files_that_others_may_read_start_no_server(made: Settings, runner: Run, what: str) -> None:
    spoil, code = FILES[what]
    spoil(made)
    env = {"QAFLOW_SECRET_KEY": "" if "secret" in what else SECRET, "QAFLOW_BASE_URL": HTTPS}

    refused = runner("run", "--json", **env)

    told = json.loads(refused.stdout)
    assert (refused.exit_code, told["code"]) == (2, code) and "type: chmod 600" in told["detail"]
    for file in ("qaflow.db", "secret"):
        if (made.home / file).exists():
            (made.home / file).chmod(0o600)
    made.home.chmod(0o700)
    assert runner("doctor", "--deploy", "--json", **env).exit_code == 0


def test_a_database_on_a_network_file_system_starts_no_server(
    made: Settings, runner: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner("doctor", "--deploy", "--json", QAFLOW_BASE_URL=HTTPS).exit_code == 0
    monkeypatch.setattr(paths, "NETWORK_FILESYSTEMS", frozenset({paths.filesystem(made.home)}))

    refused = runner("run", "--json")

    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (2, "config.database_network")
    assert "type: export QAFLOW_HOME" in json.loads(refused.stdout)["detail"]


def codes(settings: Settings, now: Any = None) -> dict[str, str]:
    """Return what stands against opening an installation to others, with what to type."""
    found = deploying.check(db.session, settings, now or SystemClock().now())
    return {one["ref"]: one["remedy"] for one in found}


def test_several_web_processes_on_sqlite_are_told(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(made) == {}
    monkeypatch.setenv("WEB_CONCURRENCY", "4")

    assert codes(made) == {"config.sqlite_single_process": "unset WEB_CONCURRENCY"}


def test_no_host_name_allowed_on_an_open_address_is_told(made: Settings) -> None:
    opened = replace(made, host="0.0.0.0")

    assert "QAFLOW_ALLOWED_HOSTS" in codes(opened)["config.allowed_hosts"]
    assert codes(replace(opened, allowed_hosts=("qaflow.example.edu.cn",))) == {}


def test_a_database_whose_clock_is_off_is_told(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SystemClock().now()
    for seconds, told in ((29, {}), (31, {"clock.skew": "timedatectl set-ntp true"})):
        monkeypatch.setattr(store, "clock", lambda _, s=seconds: now + timedelta(seconds=s))
        assert codes(made, now) == told


def test_nobody_is_administrator_by_default(made: Settings) -> None:
    """The first one is made at the command line; the web has no way to."""
    rows = db.session.connection().exec_driver_sql("select login, password_hash from person").all()
    db.session.rollback()

    assert {login for login, _ in rows} == {"system", "operator"} and all(secret is None for _, secret in rows)


def test_a_sandbox_on_this_machine_alone_may_use_plain_http(app: Flask, settings: Settings) -> None:
    now = SystemClock().now()
    installation.create(db.session, Origin(now=now, recorded=now, door="test"), sandbox=True)
    (settings.home / "qaflow.db").chmod(0o600)

    assert codes(settings) == {}
    assert "installation.sandbox" in codes(replace(settings, host="0.0.0.0", allowed_hosts=("a.example",)))


def test_a_default_key_would_be_caught(made: Settings, runner: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: a program that brings its own key."""
    monkeypatch.setattr("qaflow.config._strong", lambda key, where: key)

    told = runner("doctor", "--deploy", "--json", QAFLOW_SECRET_KEY="changeme" * 6, QAFLOW_BASE_URL=HTTPS)

    assert told.exit_code == 0, "with the check taken out the example passes: the test above sees it"


def test_the_real_program_refuses_in_its_own_process(made: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = start(replace(made, secret_key="changeme" * 6), "run", "--port", str(port))
    _, told = process.communicate(timeout=30)

    assert process.returncode == 2 and "type: export QAFLOW_SECRET_KEY" in told
