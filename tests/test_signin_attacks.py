"""Tokens that prove nothing: a provider that signs whatever a test says, and what the program makes of it."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from campus import NAMES, Campus, Visitor, served, threaded
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from qaflow.adapters.clock import SystemClock
from qaflow.config import Settings
from qaflow.providers import Oidc

LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
Change = Callable[[dict[str, Any]], None]


@dataclass
class Forger:
    """A provider that says what it is told to."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    known: RSAKey | None = None  # the key that it publishes, where another signs
    url: str = ""
    nonce: str = ""
    verifier: str = ""
    change: Change = lambda claims: None
    make: Callable[["Forger", dict[str, Any]], str] = lambda self, claims: self.signed(claims)

    def claims(self, **more: Any) -> dict[str, Any]:
        """Return what a right token says now."""
        now = int(SystemClock().now().timestamp())
        return {"iss": self.url, "aud": "qaflow", "sub": "7f3a", "iat": now, "exp": now + 300, **more}

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token signed by the provider's key."""
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def app(self) -> Flask:
        """Return it as an application."""
        app = Flask("forger")

        @app.get("/.well-known/openid-configuration")
        def discovery() -> Any:
            return jsonify({"issuer": self.url, "authorization_endpoint": self.url + "/authorize",
                            "token_endpoint": self.url + "/token", "jwks_uri": self.url + "/keys"})  # fmt: skip

        @app.get("/keys")
        def keys() -> Any:
            return jsonify(KeySet([self.known or self.key]).as_dict(private=False))

        @app.post("/token")
        def token() -> Any:
            self.verifier = request.form["code_verifier"]
            claims = self.claims(nonce=self.nonce, sid="s-1")
            self.change(claims)
            return jsonify({"access_token": "a", "token_type": "Bearer", "id_token": self.make(self, claims)})

        return app


@pytest.fixture
def forger() -> Iterator[Forger]:
    """Run the provider."""
    made = Forger()
    with threaded(made.app()) as url:
        made.url = url
        yield made


@pytest.fixture
def campus(settings: Settings, forger: Forger) -> Iterator[Campus]:
    """Serve the program beside it."""
    with served(settings, Oidc(key="campus", issuer=forger.url, client_id="qaflow", **NAMES, link="number")) as made:
        yield made


def came(visitor: Visitor, forger: Forger, state: str = "", more: str = "", query: str = "") -> Any:
    """Go to the provider and come back with a code."""
    asked = visitor.look(f"/signin/by/campus{query}").headers["Location"]
    given = dict(part.split("=", 1) for part in asked.partition("?")[2].split("&"))
    forger.nonce = given["nonce"]
    return visitor.look(f"/signin/by/campus/back?code=c&state={state or given['state']}{more}")


def put(**values: Any) -> Change:
    """Return what changes some claims; None takes one away."""

    def change(claims: dict[str, Any]) -> None:
        claims.update(values)
        for name in [name for name, value in claims.items() if value is None]:
            del claims[name]

    return change


def unsigned(_forger: Forger, claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()
             for one in ({"alg": "none"}, claims)]  # fmt: skip
    return ".".join([*parts, ""])


def by_secret(_forger: Forger, claims: dict[str, Any]) -> str:
    from joserfc.jwk import OctKey

    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("qaflow-qaflow-qaflow-qaflow-qaflow"))


def by_another(_forger: Forger, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048, {"kid": "one"}))


def test_a_right_token_lets_in_and_the_verifier_is_sent(campus: Campus, forger: Forger) -> None:
    visitor = campus.visitor()

    assert came(visitor, forger).status_code == 303
    assert visitor.is_in() and len(forger.verifier) >= 43


@pytest.mark.parametrize("change", [
    put(nonce="another"), put(nonce=None), put(aud="another"), put(aud=["qaflow", "another"]),
    put(aud=["qaflow", "another"], azp="another"), put(azp="another"), put(iss="https://elsewhere.example"),
    put(iss=None),
    put(exp=1_700_000_000), put(exp=None), put(iat=None), put(iat=4_000_000_000), put(sub=None), put(sub=""),
    put(sub=["a", "b"]), put(sub={"a": 1}),
])  # fmt: skip - numbered: a function has no name of its own
def test_a_token_for_others_or_another_time_lets_nobody_in(campus: Campus, forger: Forger, change: Change) -> None:
    forger.change, visitor = change, campus.visitor()

    answer = came(visitor, forger)

    assert answer.status_code == 401 and "signin.provider" in answer.text and not visitor.is_in()


@pytest.mark.parametrize("make", [unsigned, by_secret, by_another, lambda *_: "", lambda *_: "a.b.c"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(campus: Campus, forger: Forger, make: Any) -> None:
    forger.make, visitor = make, campus.visitor()

    answer = came(visitor, forger)

    assert answer.status_code == 401 and "signin.provider" in answer.text and not visitor.is_in()


def test_a_wrong_state_lets_nobody_in(campus: Campus, forger: Forger) -> None:
    visitor = campus.visitor()

    answer = came(visitor, forger, state="of-another-browser")

    assert answer.status_code == 401 and "signin.state" in answer.text and not visitor.is_in()


def test_a_round_ends_after_ten_minutes(campus: Campus, forger: Forger) -> None:
    visitor = campus.visitor()
    state = visitor.look("/signin/by/campus").headers["Location"].partition("state=")[2].partition("&")[0]
    campus.site.later(minutes=11)

    assert "signin.state" in visitor.look(f"/signin/by/campus/back?code=c&state={state}").text


def test_another_providers_answer_is_refused(campus: Campus, forger: Forger) -> None:
    """RFC 9207: everything else is right, so that nothing but the issuer's name refuses it."""
    visitor = campus.visitor()

    answer = came(visitor, forger, more="&iss=https://elsewhere.example")

    assert answer.status_code == 401 and not visitor.is_in()
    assert came(visitor, forger, more=f"&iss={forger.url}").status_code == 303


def ended(visitor: Visitor, token: str) -> int:
    """Send what a provider's server sends by itself."""
    return visitor.post(f"{visitor.home}/signin/by/campus/back", data={"logout_token": token}, timeout=10).status_code


def test_the_provider_ends_a_session_by_its_own_word(campus: Campus, forger: Forger) -> None:
    visitor, server = campus.visitor(), campus.visitor()
    came(visitor, forger)
    right = {"events": {LOGOUT: {}}, "jti": "1", "sid": "s-1"}
    wrong = [right | {"events": {}}, right | {"aud": "another"}, right | {"nonce": "n"}, right | {"sid": 7}]

    refused = [ended(server, forger.signed(forger.claims(**claims))) for claims in wrong]
    still = visitor.is_in()
    others = ended(server, forger.signed(forger.claims(**right | {"sid": "s-2"})))

    assert set(refused) == {401} and still and others == 200 and visitor.is_in()
    assert ended(server, forger.signed(forger.claims(**right))) == 200 and not visitor.is_in()
    assert ended(server, "") == 401


ELSEWHERE = ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "\\\\elsewhere.example",
             "///x", "javascript:alert(1)", "/%09/elsewhere.example", "%2F%2Felsewhere.example", "/%0d%0aX-Made: up",
             "")  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leads_elsewhere(campus: Campus, forger: Forger, target: str) -> None:
    """Of somebody who has something to do here: a newcomer is led to wait, whatever was asked."""
    forger.change, visitor = put(number="lead"), campus.visitor()

    answer = came(visitor, forger, query=f"?next={target}")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_next_leads_within(campus: Campus, forger: Forger) -> None:
    forger.change, visitor = put(number="lead"), campus.visitor()

    assert came(visitor, forger, query="?next=/me/password").headers["Location"] == "/me/password"
