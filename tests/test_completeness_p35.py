"""P35: each request that was to change something leaves exactly one line in the log, done or refused, and no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browsing import PAGE, PASSWORD
from processes import tell
from rights.served import Surfer, server
from rights.table import Cell, Table, request
from rights.world import Rights, settled
from test_sessions_p27 import possible

from qaflow import logs
from qaflow.config import Settings
from qaflow.store.db import db
from qaflow.testing import World

UTC_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
FORGED = 'x\n{"event": "web.asked", "person": 1}\r\n2025-01-01 forged'


@pytest.fixture
def log(rights: Rights, tmp_path: Path) -> Path:
    """Return the file into which the program logs as it does when it serves."""
    file = logs.configure(tmp_path)
    assert file is not None
    return file


def lines(log: Path) -> list[dict[str, Any]]:
    """Return the lines of the log about requests."""
    found = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [one for one in found if one["event"] == "web.asked"]


def refused(table: Table, cell: Cell) -> Cell:
    """Return a cell of the same route that is refused."""
    cells = (Cell(cell.row, login, cell.place) for login in table.people)
    return next((c for c in cells if not table.allowed(c)), Cell(cell.row, "anonymous", cell.place))


def test_each_request_leaves_one_line_with_who_when_what_and_how_it_ended(rights: Rights, log: Path) -> None:
    table = Table()
    cells = [one for cell in possible(table) for one in (cell, refused(table, cell))]
    for number, cell in enumerate(cells, 1):
        path, form = request(rights, cell)
        answer = settled(rights.ask(cell.login, "POST", path, form))
        found = lines(log)
        assert len(found) == number, cell
        line, logins = found[-1], rights.live.execute("select id, login from person").fetchall()
        assert (line["method"], line["path"], line["status"]) == ("POST", path, answer.status_code)
        assert UTC_INSTANT.fullmatch(line["timestamp"]) and line["request"] == answer.headers["X-Request-ID"]
        away = cell.login in table.out or cell.row.path in ("/signin", "/signout")
        assert away or dict(logins)[line["person"]] == cell.login, cell
        assert (line["refused"] is None) == (answer.status_code < 400), cell
        rights.restore()

    tell(f"P35: {len(cells)} requests on {len(cells) // 2} routes, allowed and refused: one line each")
    assert len(cells) >= 60


def test_what_was_done_stands_in_the_history_with_the_number_of_its_request(rights: Rights, log: Path) -> None:
    for cell in (c for c in possible(Table()) if c.row.path.startswith("/cycles/<number>/") and c.row.rule == "do"):
        (before,) = rights.live.execute("select max(id) from journal").fetchone()
        path, form = request(rights, cell)
        answer = rights.ask(cell.login, "POST", path, form)
        facts = rights.live.execute("select kind, actor, door, request_id, stream from journal where id > ?", (before,))
        own = [row for row in facts if row[4].startswith("cycle:")]
        rights.restore()
        if path.endswith("/watch"):
            continue  # a convenience of one person, no fact
        assert len(own) >= 1, cell
        ((person,),) = rights.live.execute("select id from person where login = ?", (cell.login,)).fetchall()
        assert {(actor, door, number) for _, actor, door, number, _ in own} == {
            (str(person), "web", answer.headers["X-Request-ID"])
        }, cell


def test_no_secret_and_no_forged_line_comes_into_the_log(rights: Rights, log: Path) -> None:
    client = rights.app.test_client()
    secrets = [PASSWORD, rights.tokens["lead"], *(c.value for c in rights.cookies["lead"]), "hush hush hush"]
    count = 0
    for path in ("/signin", "/me/password", "/me/deputies", "/nothing%0a%0dforged", "/cycles/1/comment"):
        for browser in (client, rights.client("lead")):
            form = {"csrf_token": rights.tokens["lead"], "login": FORGED, "password": "hush hush hush", "who": FORGED,
                    "old_password": PASSWORD, "text": FORGED}  # fmt: skip
            browser.post(path, data=form, headers=PAGE | {"User-Agent": "x y", "X-Forwarded-For": "1.2.3.4"})
            count += 1

    text = log.read_text(encoding="utf-8")
    assert len(lines(log)) == count
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
    for secret in secrets:
        assert secret not in text
    assert not any(one.get("person") == 1 for one in lines(log)) and "2025-01-01 forged" not in text


def test_a_handler_without_its_line_is_caught(rights: Rights, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: nothing is written of what was refused."""
    monkeypatch.setattr("qaflow.web.requests.log.info", lambda *_, **__: None)

    with pytest.raises(AssertionError):
        test_each_request_leaves_one_line_with_who_when_what_and_how_it_ended(rights, log)


def test_the_running_program_logs_no_secret_either(app: Any, settings: Settings) -> None:
    world = World(db.session)
    from qaflow.services.accounts import passwords

    passwords.password(db.session, world.origin(), "lead", PASSWORD)
    db.session.remove()
    with server(settings) as port:
        surfer = Surfer(port)
        assert surfer.sign_in("lead", "hush hush hush").status == 401
        assert surfer.sign_in("lead", PASSWORD).status == 303
        held = [surfer.token, *surfer.cookies.values()]

    text = (settings.home / "logs" / "qaflow.log").read_text(encoding="utf-8")
    assert text.count('"web.asked"') == 2
    for secret in (PASSWORD, "hush hush hush", *held):
        assert secret not in text
