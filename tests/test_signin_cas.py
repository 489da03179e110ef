"""Sign-in by CAS 3 against a real server, in a process and an environment of its own (it is under the GPL)."""

import re
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from campus import NAMES, WAIT, Campus, Visitor, served

from qaflow.config import Settings
from qaflow.providers import Cas, RoleRule

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".venv-cas"
TOKEN = re.compile(r"""<input[^>]*name=["']([^"']+)["'][^>]*value=["']([^"']*)["']""")
RULES = (RoleRule(attribute="groups", value="qa", role="quality_office"),)


def environment() -> Path:
    """Return the interpreter of the server's own environment, which is made where it is not there yet."""
    python = HOME / "bin" / "python"
    asked = ROOT / "requirements" / "cas-peer.txt"
    stamp = HOME / ".stamp"
    if not stamp.exists() or stamp.stat().st_mtime < asked.stat().st_mtime:
        venv.create(HOME, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", asked], check=True)
        stamp.touch()
    return python


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the server."""
    folder = tmp_path_factory.mktemp("cas")
    command = [environment(), Path(__file__).parent / "cas_peer.py", folder]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                              stderr=log, text=True) as process:  # fmt: skip
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}/cas"
        process.terminate()


@pytest.fixture
def campus(settings: Settings, server: str) -> Iterator[Campus]:
    """Serve the program beside it."""
    with served(settings, Cas(key="cas", server=server, **NAMES, link="number", full_name="name", roles=RULES)) as made:
        yield made


def away(visitor: Visitor, query: str = "") -> requests.Response:
    """Sign in at the server and return its answer, which sends the browser back with a ticket."""
    there = visitor.get(visitor.look(f"/signin/by/cas{query}").headers["Location"], allow_redirects=False, timeout=WAIT)
    if there.status_code == 302:
        return there
    form = dict(TOKEN.findall(there.text)) | {"username": "zhang", "password": "blue harbour"}
    return visitor.post(there.url, data=form, allow_redirects=False, timeout=WAIT)


def test_a_ticket_with_its_attributes_lets_in_and_gives_roles(campus: Campus) -> None:
    visitor = campus.visitor()

    arrived = visitor.follow(away(visitor, "?next=/me/password"))

    assert (arrived.status_code, arrived.headers.get("Location")) == (303, "/me/password"), arrived.text
    assert visitor.is_in()
    lead = campus.site.world.persons["lead"]
    assert campus.rows("select person_id, subject from linked_account") == [(lead, "zhang")]
    assert campus.rows("select role from role_grant where provider = 'cas'") == [("quality_office",)]


def test_a_ticket_counts_once(campus: Campus) -> None:
    visitor, thief = campus.visitor(), campus.visitor()
    back = away(visitor).headers["Location"]
    ticket = back.partition("ticket=")[2].partition("&")[0]
    assert visitor.look(back).status_code == 303
    state = thief.look("/signin/by/cas").headers["Location"].partition("state%3D")[2].partition("&")[0]

    again, stolen = visitor.look(back), thief.look(f"/signin/by/cas/back?state={state}&ticket={ticket}")

    assert again.status_code == 401 and "signin.state" in again.text
    assert stolen.status_code == 401 and "signin.provider" in stolen.text and not thief.is_in()


def test_a_ticket_for_another_service_lets_nobody_in(campus: Campus, server: str) -> None:
    visitor, thief = campus.visitor(), campus.visitor()
    ticket = away(visitor).headers["Location"].partition("ticket=")[2].partition("&")[0]
    state = thief.look("/signin/by/cas").headers["Location"].partition("state%3D")[2].partition("&")[0]

    answer = thief.look(f"/signin/by/cas/back?state={state}&ticket={ticket}")

    assert answer.status_code == 401 and "signin.provider" in answer.text and not thief.is_in()


@pytest.mark.parametrize("ticket", ["", "ST-made-up", "PT-made-up", "ST-" + "x" * 600])
def test_a_made_up_ticket_has_a_page(campus: Campus, ticket: str) -> None:
    visitor = campus.visitor()
    state = visitor.look("/signin/by/cas").headers["Location"].partition("state%3D")[2].partition("&")[0]

    answer = visitor.look(f"/signin/by/cas/back?state={state}&ticket={ticket}")

    assert answer.status_code == 401 and "signin.provider" in answer.text


def test_signing_out_at_the_server_ends_the_session_here(campus: Campus, server: str) -> None:
    visitor = campus.visitor()
    visitor.follow(away(visitor))
    assert visitor.is_in()

    visitor.get(f"{server}/logout", timeout=WAIT)

    assert not visitor.is_in()


@pytest.mark.parametrize("request_", ["", "<a/>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "<"])
def test_a_made_up_logout_ends_nothing(campus: Campus, request_: str) -> None:
    visitor = campus.visitor()
    visitor.follow(away(visitor))

    answer = visitor.post(f"{campus.url}/signin/by/cas/back", data={"logoutRequest": request_}, timeout=WAIT)

    assert answer.status_code == 401 and visitor.is_in()
