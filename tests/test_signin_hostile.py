"""What a provider, or whoever plays one, may answer at worst: a page that says so, nobody let in, never a fault."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import serving
from campus import NAMES
from test_signin_attacks import Forger

from qaflow.adapters.cas import CasProvider
from qaflow.adapters.clock import SystemClock
from qaflow.adapters.oidc import OidcProvider
from qaflow.errors import QaflowError
from qaflow.providers import Cas, Oidc
from qaflow.services.ports import Identity

DEEP = b"[" * 100_000
PLAIN = "application/json"
BACK = "https://qa.example.edu.cn/signin/by/campus/back"
NOT_LET_IN = ("signin.provider", "signin.provider_down")


class Puppet:
    """A provider whose every answer a test may put in the place of the right one."""

    def __init__(self) -> None:
        self.forger, self.url = Forger(), ""
        self.bodies: dict[str, bytes | Callable[[], bytes]] = {}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.client = self.forger.app().test_client()

    def answer(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        """Return what is answered: the right thing, unless a test says another."""
        at = urlsplit(path)
        self.asked.append((at.path, parse_qs(at.query) | parse_qs(body.decode(errors="replace"))))
        self.forger.url = self.url
        found = self.bodies.get(at.path)
        if found is not None:
            return 200, found() if callable(found) else found
        right = self.client.open(path, method=method, data=body, content_type=kind)
        return right.status_code, right.data


@contextmanager
def puppet() -> Iterator[Puppet]:
    """Serve it on a free port."""
    made = Puppet()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = made.answer(self.command, self.path, body, self.headers.get("Content-Type", ""))
            self.send_response(status)
            self.send_header("Content-Type", PLAIN)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # waited for at the end
    made.url = made.forger.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving.beside(server):
        yield made


@pytest.fixture(scope="module")
def there() -> Iterator[Puppet]:
    """Run the provider."""
    with puppet() as made:
        yield made


@pytest.fixture
def oidc(there: Puppet) -> OidcProvider:
    """Return the program's side of it, which knows nothing of it yet."""
    there.bodies, there.asked = {}, []
    there.forger.change = lambda claims: None
    return OidcProvider(Oidc(key="campus", issuer=there.url, client_id="qaflow", **NAMES))


@pytest.fixture
def cas(there: Puppet) -> CasProvider:
    """Return the program's side of it as a server of CAS."""
    there.bodies, there.asked = {}, []
    return CasProvider(Cas(key="cas", server=f"{there.url}/cas", **NAMES))


def discovery(there: Puppet, **more: Any) -> bytes:
    """Return what the provider says of itself, with something else in it."""
    right = json.loads(there.client.get("/.well-known/openid-configuration").data)
    return json.dumps(right | more).encode()


def came(oidc: OidcProvider, there: Puppet, fresh: bool = False) -> Identity:
    """Go to the provider and come back with a code."""
    now = SystemClock().now()
    sent = oidc.begin(BACK, "state", now, fresh)
    there.forger.nonce = sent.kept["nonce"]
    return oidc.finish(BACK, sent.kept, {"code": "c", "state": "state"}, now)


def refused(does: Callable[[], object]) -> str:
    """Return the code with which something is refused; any other exception is a fault."""
    with pytest.raises(QaflowError) as told:
        does()
    return told.value.code


HOSTILE = [b"", b"null", b"[]", b'"x"', b"{", DEEP, b'{"a":' * 50_000, b"\xff\xfe", b'{"issuer": NaN}', b"9" * 5000,
           b'{"keys": 5}', b'{"keys": [5]}', b'{"keys": ["x"]}', b'{"keys": [{}]}', b'{"keys": [null]}',
           b'{"keys": [{"kty": "RSA"}]}', b'{"keys": [{"kty": "RSA", "n": 5, "e": []}]}',
           b'{"keys": [{"kty": "RSA", "kid": "one", "n": "AQ", "e": "AQ"}]}',
           b'{"keys": [{"kty": "oct", "kid": "one", "k": "' + b"A" * 40 + b'"}]}', b'{"keys": {}}',
           b'{"access_token": 5, "id_token": 5}', b'{"id_token": {"a": 1}}', b'{"error": []}', b'{"error": {"a": 1}}',
           b'{"expires_in": "x", "access_token": "a", "id_token": "a.b.c"}',
           b'{"expires_in": 1e400, "access_token": "a", "id_token": "a.b.c"}']  # fmt: skip


@pytest.mark.parametrize("at", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:24]))
def test_no_document_of_a_provider_is_a_fault_or_lets_in(
    oidc: OidcProvider, there: Puppet, at: str, body: bytes
) -> None:
    there.bodies[at] = body

    assert refused(lambda: came(oidc, there)) in NOT_LET_IN


@pytest.mark.parametrize("more", [
    {"userinfo_endpoint": "http://["}, {"userinfo_endpoint": "http://10.0.0.1/"}, {"token_endpoint": "http://["},
    {"token_endpoint": "https://127.0.0.1:1/"}, {"token_endpoint": "https://x.example:99999/"},
    {"jwks_uri": "http://qaflow.example/keys"}, {"jwks_uri": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:0"}, {"authorization_endpoint": ""}, {"issuer": "https://elsewhere.example"},
])  # fmt: skip
def test_no_address_that_a_provider_names_is_a_fault_or_leads_where_nothing_is_encrypted(
    oidc: OidcProvider, there: Puppet, more: dict[str, Any]
) -> None:
    there.bodies["/.well-known/openid-configuration"] = discovery(there, **more)

    assert refused(lambda: came(oidc, there)) in NOT_LET_IN


@pytest.mark.parametrize("methods", [5, {"a": 1}, [[]], [], None, "client_secret_post"])
def test_an_odd_list_of_methods_is_passed_over(oidc: OidcProvider, there: Puppet, methods: Any) -> None:
    there.bodies["/.well-known/openid-configuration"] = discovery(there, token_endpoint_auth_methods_supported=methods)

    assert came(oidc, there).subject == "7f3a"


@pytest.mark.parametrize("text", [
    b"", b"<", b"<a/>", b"\xff\xfe<a/>", b"<?xml version='1.0' encoding='no-such'?><a/>",
    b"<?xml version='1.0' encoding='utf-7'?><a/>", b"<a>" * 100_000, b"<!DOCTYPE a><a/>",
    b"<?xml version='1.0' encoding='utf-16'?><a/>",
    b"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess/></cas:serviceResponse>",
    b"<cas:serviceResponse xmlns:cas='http://elsewhere/'><cas:authenticationSuccess><cas:user>zhang</cas:user>"
    b"</cas:authenticationSuccess></cas:serviceResponse>",
    b"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess><cas:user> </cas:user>"
    b"</cas:authenticationSuccess></cas:serviceResponse>",
], ids=lambda text: repr(text[:40]))  # fmt: skip
def test_no_answer_of_a_cas_server_is_a_fault_or_lets_in(cas: CasProvider, there: Puppet, text: bytes) -> None:
    there.bodies["/cas/p3/serviceValidate"] = text
    now = SystemClock().now()
    sent = cas.begin(BACK, "state", now, False)

    assert refused(lambda: cas.finish(BACK, sent.kept, {"ticket": "ST-1"}, now)) in NOT_LET_IN
    logout = {"logoutRequest": text.decode(errors="replace")}
    assert refused(lambda: cas.ended(logout, now)) == "signin.provider"


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "a" * 100_000, "é.é.é", "\ud800", "\x00", "." * 5000])
def test_no_logout_token_is_a_fault_or_ends_anything(oidc: OidcProvider, token: str) -> None:
    assert refused(lambda: oidc.ended({"logout_token": token}, SystemClock().now())) == "signin.provider"


@pytest.mark.parametrize("claims", [
    {"exp": float("nan")}, {"iat": float("inf")}, {"exp": "soon"}, {"exp": [1]}, {"aud": 5}, {"aud": []},
    {"aud": [[]]}, {"iss": ["x"]}, {"sub": 10**3000}, {"sub": "  "}, {"nonce": 5}, {"nonce": [""]},
    {"azp": ["qaflow"]},
])  # fmt: skip
def test_no_claim_is_a_fault_or_lets_in(oidc: OidcProvider, there: Puppet, claims: dict[str, Any]) -> None:
    there.forger.change = lambda said: said.update(claims)

    assert refused(lambda: came(oidc, there)) in NOT_LET_IN


@pytest.mark.parametrize("auth_time", [None, -400, 400, "nan", True, "now", [0]])
def test_a_fresh_proof_is_of_the_last_minutes_and_a_time_at_all(
    oidc: OidcProvider, there: Puppet, auth_time: Any
) -> None:
    now = SystemClock().now().timestamp()
    odd = {"nan": float("nan"), "now": "now", None: None}
    said = odd.get(auth_time, auth_time) if not isinstance(auth_time, list) else auth_time
    there.forger.change = lambda claims: claims.update(
        auth_time=now + said if isinstance(said, int) and not isinstance(said, bool) else said
    )
    assert refused(lambda: came(oidc, there, fresh=True)) == "signin.provider"

    there.forger.change = lambda claims: claims.update(auth_time=int(now) - 5)
    assert came(oidc, there, fresh=True).subject == "7f3a"


def test_a_fresh_proof_is_asked_for_at_the_provider(oidc: OidcProvider, cas: CasProvider) -> None:
    now = SystemClock().now()

    asked = parse_qs(urlsplit(oidc.begin(BACK, "state", now, True).url).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert "renew=true" in cas.begin(BACK, "state", now, True).url
    assert "prompt" not in oidc.begin(BACK, "state", now, False).url


def test_the_verifier_that_is_sent_is_that_of_the_challenge_and_new_each_time(
    oidc: OidcProvider, there: Puppet
) -> None:
    """RFC 7636: what goes away with the browser is the hash of what is sent with the code."""
    now, challenges = SystemClock().now(), []
    for _ in range(2):
        sent = oidc.begin(BACK, "state", now, False)
        asked = parse_qs(urlsplit(sent.url).query)
        there.forger.nonce = sent.kept["nonce"]
        oidc.finish(BACK, sent.kept, {"code": "c", "state": "state"}, now)
        digest = hashlib.sha256(there.forger.verifier.encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"][0]
        assert asked["code_challenge_method"] == ["S256"] and there.forger.verifier not in sent.url
        challenges.append((asked["code_challenge"][0], asked["nonce"][0]))

    assert challenges[0][0] != challenges[1][0] and challenges[0][1] != challenges[1][1]


def test_cas_is_asked_of_the_very_service_of_this_round(cas: CasProvider, there: Puppet) -> None:
    """A ticket is for one service; the address that is validated holds the state of the round."""
    now = SystemClock().now()
    sent = cas.begin(BACK, "of-this-round", now, True)
    there.bodies["/cas/p3/serviceValidate"] = (
        b"<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess><cas:user>zhang"
        b"</cas:user></cas:authenticationSuccess></cas:serviceResponse>"
    )

    assert cas.finish(BACK, sent.kept, {"ticket": "ST-1", "service": "https://elsewhere"}, now).subject == "zhang"
    (path, asked) = there.asked[-1]
    assert path == "/cas/p3/serviceValidate"
    assert asked == {"service": [f"{BACK}?state=of-this-round"], "ticket": ["ST-1"], "renew": ["true"]}
