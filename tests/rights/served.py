"""The installed program as a real server process, browsers that keep their connection, and many of them at once.

As a script it is the program's command line, with a planted defect where one is named.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from urllib.parse import urlencode

TESTS = str(Path(__file__).resolve().parents[1])
SOON = 60
T = TypeVar("T")
OPEN: list[http.client.HTTPConnection] = []
"""Connections to be closed when the server ends."""


@dataclass
class Answer:
    """What the server said."""

    status: int
    headers: list[tuple[str, str]]
    text: str


class Surfer:
    """A browser on one connection: its cookies and the proof of its forms."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None, token: str = "") -> None:
        """Open the connection; with the cookies and proof of another it is that one's second tab."""
        self.port, self.cookies, self.token = port, dict(cookies or {}), token
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
        OPEN.append(self._line)

    def tab(self) -> Surfer:
        """Return a second tab of this browser."""
        return Surfer(self.port, self.cookies, self.token)

    def ask(self, method: str, path: str, data: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Send a request, an ended connection opened anew."""
        body = urlencode({"csrf_token": self.token} | (data or {})) if method == "POST" else None
        sent = {"Accept": "text/html", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} | headers
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded"}
        self._line.request(method, path, body, sent)
        answer = self._line.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(answer.status, answer.getheaders(), text)

    def sign_in(self, login: str, password: str) -> Answer:
        """Sign in, and take the proof that the pages' forms hold."""
        self.look("/signin")
        answer = self.ask("POST", "/signin", {"login": login, "password": password, "next": "/me"})
        if answer.status == 303:
            self.look("/me")
        return answer

    def look(self, path: str) -> None:
        """Open a page and take the proof that its forms hold."""
        from browsing import TOKEN

        found = TOKEN.search(self.ask("GET", path).text)
        assert found, path
        self.token = found[1]


@contextmanager
def server(settings: Any, *, defect: str = "", **more: str) -> Iterator[int]:
    """Run the program until the block ends; gives its port."""
    from processes import environment

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    env = environment(settings, QAFLOW_TICK_SECONDS="3600", QAFLOW_THREADS="16", PYTHONPATH=TESTS, **more)
    command = [sys.executable, "-m", "rights.served", defect or "none", "run", "--port", str(port)]
    with (settings.home / f"server-{port}.txt").open("w+b") as told:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=told, cwd=TESTS)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"qaflow: http"), (told.seek(0), told.read())
            yield port
        finally:
            while OPEN:
                OPEN.pop().close()
            process.kill()
            process.communicate()


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Let all act at one moment and return what each was told."""
    gate = Barrier(len(acts))

    def one(act: Callable[[], T]) -> T:
        gate.wait(SOON)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def _loose() -> None:
    """Plant the defect of a program that locks nothing, asks for no version, and numbers its history as it comes."""
    from qaflow.store import cycles, journal
    from qaflow.store.db import Sql

    load, update, append = cycles.load, cycles._update, journal.append
    cycles.load = lambda driver, cycle, lock=True: load(driver, cycle, lock=False)  # type: ignore[assignment]
    cycles._update = lambda changed: Sql(update(changed).sqlite.replace(" and version = :was", ""))  # type: ignore

    newest = Sql("select seq, hash from journal where stream = :s order by seq desc limit 1")

    def over(driver: Any, entries: Any) -> None:
        for entry in entries:
            seq, prev = driver.one(newest, {"s": entry.stream}) or (0, journal.GENESIS)
            moved = entry._replace(seq=seq + 1, prev=prev)
            append(driver, [moved._replace(hash=journal.digest(prev, *moved[:12]))])

    journal.append = over  # type: ignore[assignment]


def _forgetful() -> None:
    """Plant the defect of a process that counts guesses for itself and knows of no other's."""
    from qaflow.store import sessions

    counts: dict[str, int] = {}

    def tried(driver: Any, account: str, device: str, since: str) -> tuple[int, int, int, str | None]:
        counts[account] = counts.get(account, -1) + 1
        return counts[account], counts[account], 0, None

    sessions.tried = tried  # type: ignore[assignment]


def _quick() -> None:
    """Let passwords cost next to nothing: a race of many browsers says as much, a guess is counted alike."""
    from argon2 import PasswordHasher

    from qaflow.services.accounts import passwords

    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _unkeyed() -> None:
    """Plant the defect of keys that are looked up before, and kept after, the transaction of what they stand for."""
    from qaflow.services import repeats
    from qaflow.services.work import transact
    from qaflow.store import repeats as rows
    from qaflow.store.db import utc

    real = repeats.once

    def once(session: Any, ports: Any, origin: Any, one: Any, act: Any, refused: Any) -> Any:
        if one is None:
            return real(session, ports, origin, None, act, refused)
        seal = one.seal(ports)
        found = transact(session, lambda d: rows.find(d, origin.person, one.key))
        if found is not None:
            return repeats._again(one, seal, *found)
        reply = real(session, ports, origin, None, act, refused)
        text = repeats.json.dumps([reply.status, dict(reply.headers), reply.body])  # type: ignore[attr-defined]

        def keep(driver: Any) -> None:
            if rows.find(driver, origin.person, one.key) is None:
                rows.claim(driver, origin.person, one.key, one.digest, utc(origin.recorded))
                rows.answer(driver, origin.person, one.key, one.digest, seal.encrypt(text.encode()))

        transact(session, keep)
        return reply

    repeats.once = once


DEFECTS = {"none": lambda: None, "loose": _loose, "forgetful": _forgetful, "unkeyed": _unkeyed}

if __name__ == "__main__":
    from processes import program

    os.environ.pop("PYTHONPATH", None)
    _quick()
    DEFECTS[sys.argv[1]]()
    sys.exit(program(sys.argv[2:]))
