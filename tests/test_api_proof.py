"""A fresh proof over the API: given with all that a person has, sealed to the token, good as long as the page's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pyotp
import pytest
from browsing import PASSWORD, Site
from calling import API, Program, code, program
from test_second_factor import enrolled

from qaflow.client import Client, Problem
from qaflow.services.accounts import passwords
from qaflow.services.accounts.signin import STRANGERS

MINUTES = 15
SOON = 10
AWAY = {"starts": "2025-09-08", "ends": "2025-09-12"}
SIGNING = {"/cycles/{number}/actions/{action}", "/inbox/bulk", "/warnings/{warning}/{step}"}


class Waiting:
    """A hasher that compares when it is told to."""

    def __init__(self) -> None:
        """Begin with nothing to compare."""
        self.asked, self.go = Event(), Event()

    def verify(self, _kept: str, _text: str) -> bool:
        """Wait, and find that it fits."""
        self.asked.set()
        return self.go.wait(SOON * 2)


@pytest.fixture
def site(site: Site) -> Site:
    """Return a college that wants a fresh proof of approvals; a stage waits for one."""
    sent = {"second_factor": "", "minutes": str(MINUTES)}
    site.browser("admin").post("/organisation/signin", "/organisation/signin", **sent)
    site.password("major")
    assert site.world.start() == 1
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    return site


@pytest.fixture
def major(site: Site) -> Program:
    """Return a program of whoever approves."""
    return program(site, "major")


def proof(asking: Program, **given: str) -> str:
    """Return a fresh proof."""
    answer = asking.post("/me/proof", given or {"password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["proof"])


def approve(asking: Program, proof: str | None = None, **headers: str) -> Any:
    """Approve the stage that waits, as it stands."""
    tag = asking.get("/cycles/1").headers["ETag"]
    sent = headers | ({"X-Proof": proof} if proof is not None else {})
    return asking.post("/cycles/1/actions/approve", {}, If_Match=tag, **sent)


def waits(site: Site) -> bool:
    """Tell whether the stage still waits for its approval."""
    return bool(site.world.state(1)["leaf"] == "review")


def test_an_approval_counts_with_a_fresh_proof_alone(site: Site, major: Program) -> None:
    without = approve(major)
    still = waits(site)
    given = approve(major, proof(major))

    assert code(without) == (401, "proof.needed") and still
    assert without.headers["WWW-Authenticate"] == 'Bearer realm="qaflow", error="insufficient_user_authentication"'
    assert given.status_code == 200 and not waits(site)


def test_a_proof_counts_as_long_as_the_college_says_and_tells_until_when(site: Site, major: Program) -> None:
    answer = major.post("/me/proof", {"password": PASSWORD}).get_json()
    until = datetime.fromisoformat(answer["until"])
    assert until == site.clock.instant + timedelta(minutes=MINUTES)

    site.later(minutes=MINUTES, seconds=1)
    assert code(approve(major, answer["proof"])) == (401, "proof.needed") and waits(site)
    site.later(hours=12)
    assert code(approve(major, answer["proof"])) == (401, "proof.invalid") and waits(site)
    again = proof(major)
    site.later(minutes=MINUTES)
    assert approve(major, again).status_code == 200


def test_a_proof_is_worth_nothing_beside_another_token(site: Site, major: Program) -> None:
    other, head = program(site, "major"), program(site, "head")
    site.password("head")

    assert code(approve(major, proof(other))) == (401, "proof.invalid")
    assert code(approve(major, proof(head))) == (401, "proof.invalid")
    assert waits(site)


@pytest.mark.parametrize("text", ["", "x", "gAAAAA", "x" * 4000, "é"])
def test_what_is_no_proof_is_refused(site: Site, major: Program, text: str) -> None:
    assert code(approve(major, text)) == (401, "proof.invalid") and waits(site)


def test_a_proof_ends_with_the_password_that_gave_it(site: Site, major: Program) -> None:
    given = proof(major)
    site.password("major", "green valley nine doors")

    assert code(approve(major, given)) == (401, "proof.invalid") and waits(site)


def test_wrong_passwords_are_counted_with_those_of_the_sign_in(site: Site, major: Program) -> None:
    wrong = {code(major.post("/me/proof", {"password": f"no {n}"})) for n in range(STRANGERS - 1)}
    by_page = site.browser().sign_in("major", password="nor this one")
    stopped = major.post("/me/proof", {"password": PASSWORD})

    assert wrong == {(401, "signin.wrong")} and by_page.status_code == 401
    assert stopped.get_json(force=True)["code"] == "signin.too_many"
    site.later(hours=1, seconds=1)
    assert proof(major)


def test_others_write_while_a_password_is_weighed_and_its_guess_counts_already(
    site: Site, major: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, lead = Waiting(), program(site, "lead")
    before = site.world.query("select count(*) from sign_in_guess")
    monkeypatch.setattr(passwords, "HASHER", slow)
    with ThreadPoolExecutor(2) as pool:
        try:
            asked = pool.submit(major.post, "/me/proof", {"password": PASSWORD})
            assert slow.asked.wait(SOON)
            written = pool.submit(lead.post, "/me/absences", AWAY).result(SOON)
            counted = site.world.query("select count(*) from sign_in_guess")
        finally:
            slow.go.set()

    assert (written.status_code, asked.result().status_code) == (201, 201)
    assert counted[0][0] == before[0][0] + 1


def test_the_same_proof_asked_twice_at_once_is_weighed_once(
    site: Site, major: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Waiting()
    monkeypatch.setattr(passwords, "HASHER", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(major.post, "/me/proof", {"password": PASSWORD}, Idempotency_Key="k")
        assert slow.asked.wait(SOON)
        early = major.post("/me/proof", {"password": PASSWORD}, Idempotency_Key="k")
        slow.go.set()

    assert code(early) == (409, "idempotency.under_way")
    assert major.post("/me/proof", {"password": PASSWORD}, Idempotency_Key="k").data == first.result().data


def test_whoever_has_codes_gives_both_and_each_code_once(site: Site, major: Program) -> None:
    _, key, _ = enrolled(site, "major")
    shown = pyotp.TOTP(key).at(site.clock.instant)

    assert code(major.post("/me/proof", {"password": PASSWORD})) == (401, "second.wrong")
    assert code(major.post("/me/proof", {"code": shown})) == (401, "signin.wrong")
    given = proof(major, password=PASSWORD, code=shown)
    assert code(major.post("/me/proof", {"password": PASSWORD, "code": shown})) == (401, "second.wrong")
    assert approve(major, given).status_code == 200


def test_who_has_nothing_here_that_proves_them_is_told_so(site: Site) -> None:
    lead = program(site, "lead")

    assert code(lead.post("/me/proof", {"password": "anything"})) == (409, "proof.none")
    assert code(lead.post("/me/proof", {})) == (409, "proof.none")


def test_a_program_proves_and_so_approves_nothing_where_a_proof_is_wanted(site: Site) -> None:
    admin = program(site, "admin")
    number = admin.post("/programs", {"login": "rooms", "name": "Rooms"}).get_json()["id"]
    wanted = {"name": "x", "scopes": ["read", "work"], "days": 3}
    rooms = Program(site, admin.post(f"/programs/{number}/tokens", wanted).get_json()["token"])

    assert code(rooms.post("/me/proof", {"password": PASSWORD})) == (409, "account.program")


def test_many_are_approved_at_once_with_one_proof(site: Site, major: Program) -> None:
    ((item,),) = site.world.query("select id from work_item where kind = 'decide' and state = 'open'")
    sent = {"act": "approve", "items": [{"id": item}]}

    without = major.post("/inbox/bulk", sent).get_json()
    still = waits(site)
    given = major.post("/inbox/bulk", sent, **{"X-Proof": proof(major)}).get_json()

    assert [one["code"] for one in without["results"]] == ["proof.needed"] and still
    assert given["done"] == 1 and not waits(site)


def test_a_key_is_free_again_where_a_proof_was_wanting(site: Site, major: Program) -> None:
    first = approve(major, Idempotency_Key="k")
    given = approve(major, proof(major), Idempotency_Key="k")

    assert (first.status_code, given.status_code) == (401, 200) and not waits(site)


def test_neither_password_nor_proof_is_kept_or_logged(
    site: Site, major: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"password": PASSWORD}
    wrong = major.post("/me/proof", {"password": "not mine at all"}, Idempotency_Key="k")
    first = major.post("/me/proof", sent, Idempotency_Key="k")
    again = major.post("/me/proof", sent, Idempotency_Key="k")
    given = first.get_json()["proof"]
    approve(major, given)

    tables = [name for (name,) in site.world.query("select name from sqlite_master where type = 'table'")]
    kept = str([site.world.query(f"select * from {name}") for name in tables])
    heard = "".join(capsys.readouterr())
    assert (wrong.status_code, first.status_code) == (401, 201) and again.get_json() == first.get_json()
    for secret in (PASSWORD, "not mine at all", given):
        assert secret not in kept and secret not in heard
    assert "/me/proof" in heard and "answered_request" in tables


def test_the_description_names_the_header_where_something_is_signed(site: Site) -> None:
    paths = site.app.test_client().get(f"{API}/openapi.json").get_json()["paths"]

    operations = [(path, verb) for path, verbs in paths.items() for verb in verbs.values() if isinstance(verb, dict)]
    headers = [(path, one) for path, verb in operations for one in verb.get("parameters", ()) if one["in"] == "header"]
    named = {path.removeprefix(API): one["required"] for path, one in headers if one["name"] == "X-Proof"}
    assert named == dict.fromkeys(SIGNING, False)


def test_the_client_proves_once_and_sends_the_proof_along(site: Site, major: Program) -> None:
    with Client("http://localhost", major.token, transport=httpx.WSGITransport(app=site.app)) as college:
        cycle = college.cycle(1)
        with pytest.raises(Problem) as refused:
            college.act(cycle, "approve")
        college.prove(PASSWORD)
        after = college.act(cycle, "approve")

    assert (refused.value.status, refused.value.code) == (401, "proof.needed")
    assert after["leaf"] != "review"
