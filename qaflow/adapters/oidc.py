"""OpenID Connect: authorisation code with PKCE (RFC 7636), discovery, nonce and state, RP-initiated and back-channel
logout.  The exchange is authlib's; what a token says is proven in `oidc_tokens`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from qaflow.adapters import asking
from qaflow.adapters.asking import Asking
from qaflow.adapters.attributes import flat
from qaflow.adapters.oidc_tokens import ODD, Expected, Tokens, unproven
from qaflow.errors import Unproven
from qaflow.providers import Oidc
from qaflow.services.ports import Ended, Identity, Sent

KEPT = timedelta(hours=1)  # so long what discovery told is believed
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
RANDOM = 48
DENIED = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})


class OidcProvider:
    """A provider of OpenID Connect."""

    def __init__(self, of: Oidc) -> None:
        """Know its settings; nothing is asked of it before somebody signs in."""
        self._of, self._http = of, Asking(of)
        self._found: dict[str, Any] = {}
        self._found_at: datetime | None = None
        self._tokens = Tokens(self._http)

    def begin(self, back: str, state: str, now: datetime, fresh: bool) -> Sent:
        """Return where to send the browser, with the nonce and verifier that must come true at its return."""
        endpoint = self._metadata(now)["authorization_endpoint"]
        kept = {"nonce": secrets.token_urlsafe(RANDOM), "verifier": secrets.token_urlsafe(RANDOM),
                "fresh": "yes" if fresh else ""}  # fmt: skip
        more = {"prompt": "login", "max_age": "0"} if fresh else {}
        with self._client(back) as client:
            url, _ = client.create_authorization_url(endpoint, state=state, nonce=kept["nonce"],
                                                     code_verifier=kept["verifier"], **more)  # fmt: skip
        return Sent(url, kept)

    def finish(self, back: str, kept: Mapping[str, str], answer: Mapping[str, str], now: datetime) -> Identity:
        """Return who signed in, by the ID token that the code gives."""
        if "error" in answer:
            why = answer["error"]
            code = "signin.denied" if why in DENIED else "signin.provider"
            raise Unproven(code, "the provider refused", why=why[:80])
        if answer.get("iss", self._of.issuer) != self._of.issuer:  # RFC 9207: another provider's answer
            raise unproven("issuer")
        metadata = self._metadata(now)
        token = self._exchanged(back, metadata, kept["verifier"], answer.get("code", ""))
        expected = Expected(self._of.issuer, self._of.client_id, kept["nonce"], bool(kept.get("fresh")))
        claims = self._tokens.identity(str(token.get("id_token", "")), metadata["jwks_uri"], expected, now)
        said = claims | self._told(metadata, str(token.get("access_token", "")), str(claims["sub"]))
        return self._identity(said, str(token["id_token"]))

    def leave(self, back: str, proof: str, now: datetime) -> str | None:
        """Return the provider's own sign-out (OpenID Connect RP-Initiated Logout 1.0)."""
        endpoint = self._metadata(now).get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return None
        asking.require_secure(endpoint)
        given = {"post_logout_redirect_uri": back, "client_id": self._of.client_id}
        joint = "&" if "?" in endpoint else "?"
        return endpoint + joint + urlencode(given | ({"id_token_hint": proof} if proof else {}))

    def ended(self, sent: Mapping[str, str], now: datetime) -> Ended:
        """Return whose sessions a logout token ends (OpenID Connect Back-Channel Logout 1.0)."""
        expected = Expected(self._of.issuer, self._of.client_id, "")
        claims = self._tokens.logout(sent.get("logout_token", ""), self._metadata(now)["jwks_uri"], expected, now)
        return Ended(str(claims.get("sid", "")), self._subject(claims) if "sid" not in claims else "")

    def _client(self, back: str, method: str = "client_secret_basic") -> OAuth2Session:
        of = self._of
        made = OAuth2Session(of.client_id, of.client_secret or None, scope=" ".join(of.scopes), redirect_uri=back,
                             token_endpoint_auth_method=method if of.client_secret else "none",
                             code_challenge_method="S256")  # fmt: skip
        made.trust_env, made.verify, made.max_redirects = False, self._http.verify, 0
        return made

    def _metadata(self, now: datetime) -> dict[str, Any]:
        """Return what the provider says of itself, as its issuer."""
        if self._found_at is None or not timedelta() <= now - self._found_at < KEPT:
            found = self._http.document(self._of.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._of.issuer or not all(isinstance(found.get(n), str) for n in NEEDED):
                raise asking.down("describes itself under another name, or not wholly")
            for name in NEEDED:
                asking.require_secure(found[name])
            self._found, self._found_at = found, now
        return self._found

    def _exchanged(self, back: str, metadata: Mapping[str, Any], verifier: str, code: str) -> Mapping[str, Any]:
        methods = metadata.get("token_endpoint_auth_methods_supported")
        only_post = isinstance(methods, list) and methods and "client_secret_basic" not in methods
        method = "client_secret_post" if only_post else "client_secret_basic"
        try:
            with self._client(back, method) as client:
                token: Mapping[str, Any] = client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=verifier, timeout=asking.SECONDS
                )
        except requests.RequestException as error:
            raise asking.down(type(error).__name__) from error
        except (AuthlibBaseError, *ODD) as error:
            raise unproven("code") from error
        return token

    def _told(self, metadata: Mapping[str, Any], access: str, subject: str) -> dict[str, Any]:
        """Return what the provider says of the person beside the token; of another person it says nothing."""
        endpoint = metadata.get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not access:
            return {}
        found = self._http.document(endpoint, headers={"Authorization": f"Bearer {access}"})
        if found.get("sub") != subject:
            raise unproven("userinfo")
        return found

    def _identity(self, claims: Mapping[str, Any], token: str) -> Identity:
        sid = claims.get("sid")
        return Identity(provider=self._of.key, subject=self._subject(claims), attributes=flat(claims),
                        session=sid if isinstance(sid, str) else "", proof=token)  # fmt: skip

    def _subject(self, claims: Mapping[str, Any]) -> str:
        found = flat(claims).get(self._of.subject or "sub", ())
        if len(found) != 1 or not found[0].strip():
            raise unproven("subject")
        return found[0]
