"""`qaflow run` as a real process: it listens, is alone on its home, and ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

import pytest

from qaflow import scheduler
from qaflow.config import Settings
from qaflow.errors import Unavailable
from qaflow.scheduler import shielded

SOON = 20  # seconds in which a server must start or stop


@pytest.fixture
def port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start(settings: Settings, *args: str) -> subprocess.Popen[str]:
    """Start `qaflow` with the settings in a process of its own."""
    env = {"QAFLOW_HOME": str(settings.home), "QAFLOW_SECRET_KEY": settings.secret_key}
    command = [sys.executable, "-m", "qaflow", *args]
    return subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


@contextmanager
def served(settings: Settings, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run the server until the block ends; it stands when its first line is out."""
    process = start(settings, "run", "--port", str(port))
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"qaflow: http://127.0.0.1:{port}\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str) -> dict[str, object]:
    """Return the document that the server answers with."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=SOON) as answer:
        document: dict[str, object] = json.load(answer)
    return document


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_server_answers_until_it_is_told_to_stop(settings: Settings, port: int, number: int, code: int) -> None:
    with served(settings, port) as process:
        assert get(port, "/healthz") == {"status": "ok"}
        assert get(port, "/readyz")["ready"] is True

        process.send_signal(number)

        assert process.wait(SOON) == code
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_second_server_on_one_home_is_refused_and_the_first_lives(settings: Settings, port: int) -> None:
    with served(settings, port):
        second = start(settings, "run", "--port", str(port + 1), "--json")
        out, _ = second.communicate(timeout=SOON)

        assert second.returncode == 4
        assert json.loads(out)["code"] == "config.sqlite_single_process"
        assert get(port, "/healthz") == {"status": "ok"}


def test_home_of_a_killed_server_can_be_served_again(settings: Settings, port: int) -> None:
    with served(settings, port) as process:
        process.kill()
        process.wait(SOON)

    with served(settings, port):
        assert get(port, "/healthz") == {"status": "ok"}


def test_port_in_use_is_unavailable_with_another_to_try(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(settings, "run", "--port", str(port), "--json")
        out, _ = process.communicate(timeout=SOON)

    assert process.returncode == 6
    assert json.loads(out)["code"] == "config.port_in_use"
    assert f"--port {port + 1}" in json.loads(out)["detail"]


def test_without_a_database_nothing_is_served_or_made(settings: Settings, port: int) -> None:
    (settings.home / "qaflow.db").unlink()

    process = start(settings, "run", "--port", str(port))
    _, told = process.communicate(timeout=SOON)

    assert process.returncode == 4
    assert "type: qaflow init" in told
    assert not (settings.home / "qaflow.db").exists()


def test_without_a_secret_nothing_is_served(settings: Settings, port: int) -> None:
    process = start(Settings(home=settings.home, database_url=settings.database_url), "run", "--port", str(port))
    _, told = process.communicate(timeout=SOON)

    assert process.returncode == 2
    assert "config.secret_key" in told


def test_alarm_clock_goes_on_after_a_sweep_that_failed() -> None:
    calls: list[int] = []
    again = Event()

    def tick() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable
        again.set()

    alarm = scheduler.start(tick, 1, datetime.now(UTC))
    try:
        assert again.wait(SOON)
    finally:
        alarm.shutdown()


def test_failing_sweep_is_not_raised_into_the_alarm_clock() -> None:
    def tick() -> None:
        raise Unavailable

    shielded(tick)()
