"""The client of the API, against the program as a server of its own; what its manual shows is run here."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from browsing import Site
from browsing import site as made
from conftest import Run
from framing import DEPARTMENT, FrameWorld, framed
from rights.served import server

from qaflow.adapters.clock import SystemClock
from qaflow.client import TRIES, Client, Problem
from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.services.ports import Ports
from qaflow.services.sweeping import tick
from qaflow.store.db import db

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "client.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def names(settings: Settings) -> Iterator[dict[str, Any]]:
    """Return what the manual's examples name: a server's address, and two tokens."""
    site = made(settings)
    assert site.world.start() == 1
    yield from served(settings, site, TOKEN="lead", OFFICE="office")


@pytest.fixture
def diagnosing(settings: Settings) -> Iterator[dict[str, Any]]:
    """Return the same of a college whose department diagnoses by the frame."""
    college = framed(settings)
    site = next(college)
    cast(FrameWorld, site.world).diagnose(DEPARTMENT)
    yield from served(settings, site, TOKEN="dept")
    college.close()


def served(settings: Settings, site: Site, **logins: str) -> Iterator[dict[str, Any]]:
    """Serve a college, and return the address and the tokens of some of its people."""
    ports: Ports = site.app.extensions["qaflow"]
    tick.run(db.session, replace(ports, clock=SystemClock()), door="cli")  # so that the server's own finds nothing due
    tokens = {name: passwords.token_for(db.session, site.world.origin(), login) for name, login in logins.items()}
    db.session.remove()
    db.engine.dispose()
    with server(settings) as port:
        yield {"BASE": f"http://127.0.0.1:{port}", **tokens}


def told(example: str, names: dict[str, Any]) -> list[str]:
    """Run an example and return the lines that it prints."""
    out = StringIO()
    with redirect_stdout(out):
        exec(compile(example, str(MANUAL), "exec"), dict(names))
    return out.getvalue().splitlines()


def test_what_the_manual_shows_works(
    names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: Run
) -> None:
    home = tmp_path / "taken"
    home.mkdir()
    monkeypatch.chdir(home)

    mine, evidence, act, history, files, events, refusal = (told(one, names) for one in EXAMPLES if "frame" not in one)

    assert mine[0] == "lead" and {line.split()[1] for line in mine[1:]} == {"goal"}
    assert act == ["goal review", "412 visit.stale"]
    assert evidence == ["minutes.txt 16 True", "what was decided"]
    kinds = [line.split()[1] for line in history]
    assert (kinds[0], kinds[-1]) == ("CycleStarted", "StageSubmitted")
    packs = sorted(home.glob("cycle-*.json"))
    assert {one.name for one in home.iterdir()} == {"history.xes", "minutes.txt", *(one.name for one in packs)}
    log = (home / "history.xes").read_bytes()
    assert files == [f"{len(log)} bytes"] and log.startswith(b"<?xml") and log.rstrip().endswith(b"</log>")
    assert packs and not any(runner("audit", "verify-pack", str(one)).exit_code for one in packs)
    assert (home / "minutes.txt").read_bytes() == b"what was decided"
    assert len(events) >= 2
    assert refusal == ["422 data.invalid /scopes"]


def test_what_the_manual_shows_of_the_frame_works(diagnosing: dict[str, Any]) -> None:
    (example,) = [one for one in EXAMPLES if "frame" in one]

    assert told(example, diagnosing) == ["2 of 25"]


def answering(*replies: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Return a network that answers so, one reply after the other, and what was asked of it."""
    asked: list[httpx.Request] = []
    left = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return httpx.MockTransport(answer), asked


def test_a_post_whose_reply_was_lost_is_sent_again_under_its_own_key() -> None:
    network, asked = answering(httpx.ReadTimeout("gone"), httpx.Response(200, json={"id": 7}))
    waited: list[float] = []

    with Client("http://qa.test", "t", transport=network, wait=waited.append) as college:
        found = college.post("/cycles", {"track": "yearly"})

    assert found == {"id": 7} and waited == [1.0]
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1


def test_who_is_told_to_wait_waits_so_long() -> None:
    network, _ = answering(httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, json={"login": "x"}))
    waited: list[float] = []

    with Client("http://qa.test", "t", transport=network, wait=waited.append) as college:
        assert college.me()["login"] == "x"

    assert waited == [7.0]


def test_a_change_that_may_not_be_repeated_is_sent_once() -> None:
    network, asked = answering(httpx.ReadTimeout("gone"))

    with Client("http://qa.test", "t", transport=network) as college, pytest.raises(httpx.ReadTimeout):
        college.patch("/goals/1", {"text": "x"}, '"1"')

    assert len(asked) == 1 and asked[0].headers["If-Match"] == '"1"'


def test_a_server_that_stays_away_is_told_after_the_last_try() -> None:
    network, asked = answering(*[httpx.Response(503, json={"code": "busy", "detail": "later"})] * TRIES)

    with (
        Client("http://qa.test", "t", transport=network, wait=lambda _: None) as college,
        pytest.raises(Problem) as told,
    ):
        college.me()

    assert (told.value.status, told.value.code, len(asked)) == (503, "busy", TRIES)


class Broken(httpx.SyncByteStream):
    """A body that breaks off after its first piece."""

    def __iter__(self) -> Iterator[bytes]:
        """Give the piece, then fail."""
        yield b"half of "
        raise httpx.ReadError("gone")


def test_a_file_that_breaks_off_is_begun_again_and_stands_there_only_when_it_is_whole(tmp_path: Path) -> None:
    network, asked = answering(httpx.Response(200, stream=Broken()), httpx.Response(200, content=b"the whole"))
    target = tmp_path / "pack.json"
    target.write_bytes(b"the one before")
    waited: list[bytes] = []

    with Client("http://qa.test", "t", transport=network, wait=lambda _: waited.append(target.read_bytes())) as college:
        size = college.save_pack(7, target)

    assert (size, target.read_bytes(), waited) == (9, b"the whole", [b"the one before"])
    assert [one.name for one in tmp_path.iterdir()] == ["pack.json"]
    assert [one.url.path for one in asked] == ["/api/v1/audit/cycles/7/pack"] * 2


@pytest.mark.parametrize(("replies", "raised"), [
    ([httpx.Response(403, json={"code": "action.forbidden", "detail": "no"})], Problem),
    ([httpx.Response(200, stream=Broken()) for _ in range(TRIES)], httpx.ReadError),
])  # fmt: skip
def test_what_is_refused_or_never_comes_whole_leaves_no_file(
    tmp_path: Path, replies: list[httpx.Response], raised: type[Exception]
) -> None:
    network, _ = answering(*replies)

    with (
        Client("http://qa.test", "t", transport=network, wait=lambda _: None) as college,
        pytest.raises(raised),
    ):
        college.save_log("journal", tmp_path / "log.jsonl", names=True)

    assert list(tmp_path.iterdir()) == []


def test_a_list_is_given_page_after_page() -> None:
    network, asked = answering(httpx.Response(200, json={"items": [{"id": 1}], "next": "c"}),
                               httpx.Response(200, json={"items": [{"id": 2}], "next": None}))  # fmt: skip

    with Client("http://qa.test", "t", transport=network) as college:
        found = [one["id"] for one in college.cycles(status="running")]

    assert found == [1, 2]
    assert [dict(request.url.params) for request in asked] == [{"status": "running"},
                                                               {"status": "running", "after": "c"}]  # fmt: skip


def test_an_answer_that_is_no_problem_document_is_told_by_its_status() -> None:
    network, _ = answering(httpx.Response(502, text="<html>"))

    with Client("http://qa.test", "t", transport=network) as college, pytest.raises(Problem) as told:
        college.me()

    assert told.value.code == "http.502"
