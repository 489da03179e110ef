"""Sign-in by a directory, over TLS, against a real server of the protocol."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from campus import NAMES, Campus, served
from certifying import certificate

from qaflow.adapters.clock import SystemClock
from qaflow.config import Settings
from qaflow.providers import Ldap, RoleRule

RULES = (RoleRule(attribute="group", value="qa", role="quality_office"),)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Run the server; return its address and its certificate."""
    cert, key = certificate(tmp_path_factory.mktemp("ldap"))
    command = [sys.executable, Path(__file__).parent / "ldap_peer.py", cert, key]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"ldaps://localhost:{process.stdout.readline().strip()}", str(cert)
        process.terminate()


def of(directory: tuple[str, str], **more: str) -> Ldap:
    """Return the settings of the directory."""
    given = {"url": directory[0], "ca_file": directory[1], "base": "ou=people,dc=example",
             "bind_dn": "cn=reader,dc=example", "bind_password": "the reader's own"} | more  # fmt: skip
    return Ldap(key="directory", **NAMES, link="employeeNumber", full_name="cn", login="uid", roles=RULES, **given)


@pytest.fixture
def campus(settings: Settings, directory: tuple[str, str]) -> Iterator[Campus]:
    """Serve the program beside it."""
    with served(settings, of(directory)) as made:
        yield made


def test_a_password_of_the_directory_lets_in_and_gives_roles(campus: Campus) -> None:
    visitor = campus.visitor()

    answer = visitor.submit("/signin/by/directory", login="zhang", password="blue harbour", next="/me/password")

    assert (answer.status_code, answer.headers.get("Location")) == (303, "/me/password"), answer.text
    assert visitor.is_in()
    assert campus.rows("select person_id, subject from linked_account") == [(campus.site.world.persons["lead"], "u-1")]
    assert campus.rows("select role from role_grant where provider = 'directory'") == [("quality_office",)]


def test_a_newcomer_of_the_directory_waits(campus: Campus) -> None:
    visitor = campus.visitor()

    answer = visitor.submit("/signin/by/directory", login="wang", password="green harbour")

    assert answer.headers["Location"] == "/signin/waiting"
    assert campus.rows("select login, name from person where login = 'wang'") == [("wang", "王五")]


@pytest.mark.parametrize(("login", "password"), [
    ("zhang", "wrong"), ("nobody", "blue harbour"), ("*", "blue harbour"), ("zhang)(uid=*", "blue harbour"),
    ("*)(userPassword=*", "blue harbour"), ("\\2a", "blue harbour"), ("zhang\x00", "wrong"),
    ("reader", "the reader's own"),
])  # fmt: skip
def test_what_does_not_fit_lets_nobody_in(campus: Campus, login: str, password: str) -> None:
    visitor = campus.visitor()

    answer = visitor.submit("/signin/by/directory", login=login, password=password)

    assert answer.status_code in (401, 422) and not visitor.is_in()
    assert campus.rows("select 1 from linked_account") == []


@pytest.mark.parametrize("password", ["", " "])
def test_an_empty_password_is_refused(campus: Campus, password: str) -> None:
    visitor = campus.visitor()

    answer = visitor.submit("/signin/by/directory", login="zhang", password=password)

    assert answer.status_code in (401, 422) and not visitor.is_in()


def test_an_empty_password_is_never_sent(directory: tuple[str, str]) -> None:
    from qaflow.adapters.directory import LdapDirectory

    assert LdapDirectory(of(directory, url="ldaps://127.0.0.1:9")).weigh("zhang", "", SystemClock().now()) is None


def test_an_entry_without_a_stable_id_is_nobody(campus: Campus) -> None:
    answer = campus.visitor().submit("/signin/by/directory", login="li", password="red harbour")

    assert answer.status_code == 401 and campus.rows("select 1 from linked_account") == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ldap3 leaves a refused socket open
@pytest.mark.parametrize("more", [{"url": "ldaps://127.0.0.1:9"}, {"ca_file": ""}, {"bind_password": "wrong"}])
def test_where_the_directory_is_not_proven_or_down_the_page_says_so(
    settings: Settings, directory: tuple[str, str], more: dict[str, str]
) -> None:
    with served(settings, of(directory, **more)) as campus:
        visitor = campus.visitor()

        answer = visitor.submit("/signin/by/directory", login="zhang", password="blue harbour")

        assert answer.status_code == 503 and "signin.provider_down" in answer.text and not visitor.is_in()


def test_guesses_at_the_directory_are_counted_as_all_others(campus: Campus) -> None:
    from qaflow.services.accounts.signin import STRANGERS

    visitor = campus.visitor()
    for _ in range(STRANGERS):
        assert visitor.submit("/signin/by/directory", login="zhang", password="wrong").status_code == 401

    assert visitor.submit("/signin/by/directory", login="zhang", password="blue harbour").status_code == 429
    assert visitor.submit("/signin/by/directory", login="wang", password="green harbour").status_code == 303
