"""My tokens in the browser: a new one is shown once, opens what it is for, and nothing more once it is revoked."""

import re

import pytest
from browsing import Site
from calling import Program

TOKEN = re.compile(r"<code class=\"text-break\">(\S+)</code>")


def test_a_token_is_shown_once_opens_what_it_is_for_and_nothing_once_revoked(site: Site) -> None:
    lead = site.browser("lead", "en")

    shown = lead.post("/me/tokens", "/me/tokens", name="nightly", days="3", scope="read")
    program = Program(site, TOKEN.findall(shown.text)[0])
    told = program.get("/me").get_json()
    refused = program.post("/readings", {"items": []})
    page = lead.get("/me/tokens").text
    (number,) = re.findall(r"/me/tokens/(\d+)/revoke", page)
    lead.post(f"/me/tokens/{number}/revoke", "/me/tokens")

    assert (told["login"], told["scopes"]) == ("lead", ["read"])
    assert refused.get_json(force=True)["code"] == "token.scope"
    assert program.token not in page and "nightly" in page and "last used" in page
    assert program.get("/me").status_code == 401


@pytest.mark.parametrize(("sent", "fault"), [
    ({"name": "", "days": "3", "scope": "read"}, "Something must be entered here"),
    ({"name": "x", "days": "0", "scope": "read"}, "This value is out of range"),
    ({"name": "x", "days": "3"}, "Choose what the token is for"),
    ({"name": "x", "days": "3", "scope": "everything"}, "Choose what the token is for"),
])  # fmt: skip
def test_what_makes_no_token_is_told_at_its_field_and_keeps_what_was_typed(
    site: Site, sent: dict[str, str], fault: str
) -> None:
    answer = site.browser("lead", "en").post("/me/tokens", "/me/tokens", **sent)

    assert answer.status_code == 422 and fault in answer.text
    assert site.world.query("select count(*) from token") == [(0,)]


def test_another_persons_token_is_not_there(site: Site) -> None:
    lead, office = site.browser("lead"), site.browser("office")
    lead.post("/me/tokens", "/me/tokens", name="nightly", days="3", scope="read")
    ((number,),) = site.world.query("select id from token")

    assert office.post(f"/me/tokens/{number}/revoke", "/me/tokens").status_code == 404
    assert site.world.query("select revoked_at from token") == [(None,)]
