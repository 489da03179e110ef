"""The bench over HTTP: `qaflow run` as it is installed, and 32 programs that read, decide and deliver."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from qaflow.cli import output
from qaflow.cli.frame import bootstrap, ports
from qaflow.config import API_RATE_RANGE
from qaflow.errors import Unavailable
from qaflow.services.bench import doors
from qaflow.services.bench.doors import Owed, Served
from qaflow.services.bench.workloads import FORM, Bench
from qaflow.services.bench.world import HEAD_OF_OFFICE, World
from qaflow.services.points.handing_in import MOST

CLIENTS = 32
APPROVED = 2_000
DELIVERIES = 3
TICKS = os.sysconf("SC_CLK_TCK")  # of the system's clock in a second
OWN_TIME = slice(11, 13)  # of /proc/PID/stat behind the name: the process's own time, as user and in the system
PEERS = {"python-statemachine + SQL": 2100, "SpiffWorkflow": 960, "viewflow": 395, "ORM, machine an object": 250,
         "DBOS": 92}  # fmt: skip
"""W1 of what else a user would pick, acts a second without HTTP, as measured on 2026-11-20 (benchmarks/README.md)."""


def measured(bench: Bench, size: World, many: int, floor: float) -> dict[str, Any]:
    """Return the figures of approvals over HTTP beside the floor of one act in seconds."""
    output.note(f"bench: {many:,} approvals over HTTP by {CLIENTS} programs")
    waiting = doors.owed(bench.session, size, many, bootstrap().clock.now())
    office = doors.token(bench.session, HEAD_OF_OFFICE)
    with server() as (host, process):
        tags = dict(at_once(host, waiting, submitted))
        looked = served(process, lambda: at_once(host, waiting, inbox))
        decided = served(process, lambda: at_once(host, waiting, lambda o, c: approved(o, c, tags[o.cycle])))
        taken = [delivered(host, office, doors.delivery(size, slot)) for slot in range(DELIVERIES)]
    bulk = {"readings": MOST, "seconds": round(median(taken), 3)}
    return doors.beside(decided, floor) | {"clients": CLIENTS, "peers_per_second": PEERS,
                                           "inbox": doors.figures(looked), "bulk": bulk}  # fmt: skip


def served(process: int, work: Callable[[], list[float]]) -> Served:
    """Let programs send requests; return what they saw and what the server spent."""
    before, begun = spent(process), perf_counter()
    replies = work()
    return Served(replies, perf_counter() - begun, spent(process) - before)


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """Start the installed program on the bench's database; yield where it listens, and its process."""
    settings = ports().settings
    env = os.environ | {"QAFLOW_HOME": str(settings.home), "QAFLOW_DATABASE_URL": settings.database_url,
                        "QAFLOW_SECRET_KEY": secrets.token_urlsafe(48), "QAFLOW_MAIL_URL": "console:",
                        "QAFLOW_API_RATE": str(API_RATE_RANGE[1])}  # fmt: skip
    words = [sys.executable, "-m", "qaflow", "run", "--port", str(free_port())]
    with (Path(settings.home) / "server.log").open("wb") as log:
        process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - this program
        try:
            told = process.stdout.readline() if process.stdout else b""
            if not told:
                raise Unavailable("bench.server_failed", f"the server ended with {process.wait()}")
            yield urlsplit(told.decode().split()[-1]).netloc, process.pid
        finally:
            process.terminate()
            process.wait()
            if process.stdout:
                process.stdout.close()


def at_once(host: str, waiting: Sequence[Owed], send: Callable[[Owed, http.client.HTTPConnection], Any]) -> list[Any]:
    """Let every program send its share, one request after the other, on a connection of its own."""

    def share(number: int) -> list[Any]:
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            return [send(one, connection) for one in waiting[number::CLIENTS]]
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for part in pool.map(share, range(CLIENTS)) for one in part]


def submitted(one: Owed, connection: http.client.HTTPConnection) -> tuple[int, str]:
    """Submit a cycle's stage as it stands; return the cycle and its new tag."""
    tag = asked(connection, "GET", f"/cycles/{one.cycle}", one.lead)
    return one.cycle, asked(connection, "POST", f"/cycles/{one.cycle}/actions/submit", one.lead, tag, {"content": FORM})


def inbox(one: Owed, connection: http.client.HTTPConnection) -> float:
    """Read the first page of an approver's inbox; return the seconds of the reply."""
    start = perf_counter()
    asked(connection, "GET", "/inbox", one.approver)
    return perf_counter() - start


def approved(one: Owed, connection: http.client.HTTPConnection, tag: str) -> float:
    """Approve a cycle's stage; return the seconds of the reply."""
    start = perf_counter()
    asked(connection, "POST", f"/cycles/{one.cycle}/actions/approve", one.approver, tag, {})
    return perf_counter() - start


def delivered(host: str, token: str, readings: list[dict[str, Any]]) -> float:
    """Hand readings in with one request; return the seconds of the reply."""
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        start = perf_counter()
        asked(connection, "POST", "/readings", token, body={"items": readings})
        return perf_counter() - start
    finally:
        connection.close()


def asked(connection: http.client.HTTPConnection, method: str, path: str, token: str, tag: str = "",
          body: dict[str, Any] | None = None) -> str:  # fmt: skip
    """Send one request and return the tag of the reply; whatever is refused ends the bench."""
    headers = {"Authorization": f"Bearer {token}"} | ({"If-Match": tag} if tag else {})
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16),
                    "Prefer": "return=minimal"}  # fmt: skip
    connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status >= http.client.BAD_REQUEST:
        raise Unavailable("bench.refused", f"{method} {path}: {reply.status} {text[:300]!r}")
    return reply.headers.get("ETag", "")


def spent(process: int) -> float:
    """Return the processor seconds that a process has used."""
    told = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(one) for one in told[OWN_TIME]) / TICKS


def free_port() -> int:
    """Return a port of the loopback that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
