"""What a token proves: signed by a key of the provider's, never in a symmetric way, for us, now.

Source: OpenID Connect Core 1.0, 3.1.3.7; Back-Channel Logout 1.0, 2.6.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from qaflow.adapters import asking
from qaflow.adapters.asking import Asking
from qaflow.errors import Unproven

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""Never `none`, and none whose key is the client's own secret."""
LEEWAY = 60  # seconds by which clocks may differ
FRESH = 300  # seconds since the provider asked anew
AGAIN = timedelta(minutes=1)  # keys are not asked for more often, whatever key a token names
ODD = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What libraries raise over keys and tokens that are of no form at all."""
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class Expected(NamedTuple):
    """Whose token is expected: of which issuer, for which client, with which nonce ("" none)."""

    issuer: str
    client: str
    nonce: str
    fresh: bool = False


class Tokens:
    """The keys of a provider, and what is proven by them."""

    def __init__(self, http: Asking) -> None:
        """Know no keys yet."""
        self._http = http
        self._keys: KeySet | None = None
        self._keys_at: datetime | None = None

    def identity(self, token: str, jwks: str, expected: Expected, now: datetime) -> dict[str, Any]:
        """Return the claims of an ID token; raise Unproven (``signin.provider``) for any that does not hold."""
        claims = self._signed(token, jwks, now)
        needs = {"sub": {"essential": True}, "nonce": {"essential": True, "value": expected.nonce}}
        _hold(claims, expected, now, needs)
        if expected.fresh:
            asked = claims.get("auth_time")
            if not isinstance(asked, int | float) or not -LEEWAY <= now.timestamp() - asked <= FRESH:
                raise unproven("auth_time")
        return claims

    def logout(self, token: str, jwks: str, expected: Expected, now: datetime) -> dict[str, Any]:
        """Return the claims of a logout token, which is no ID token and names a session or a subject."""
        claims = self._signed(token, jwks, now)
        _hold(claims, expected, now, {"jti": {"essential": True}})
        events = claims.get("events")
        named = isinstance(claims.get("sid", ""), str) and isinstance(claims.get("sub", ""), str)
        if not isinstance(events, dict) or LOGOUT not in events or "nonce" in claims or not named:
            raise unproven("events")
        if not (claims.get("sid") or claims.get("sub")):
            raise unproven("subject")
        return claims

    def _signed(self, token: str, jwks: str, now: datetime) -> dict[str, Any]:
        for known in (True, False):  # the provider may have a new key: asked for once
            try:
                found = jwt.decode(token, self._key_set(jwks, now, known), algorithms=ALGORITHMS)
                return dict(found.claims)
            except (JoseError, *ODD) as error:
                if not known or not self._stale(now):
                    raise unproven("signature") from error
        raise unproven("signature")

    def _stale(self, now: datetime) -> bool:
        return self._keys_at is None or not timedelta() <= now - self._keys_at < AGAIN

    def _key_set(self, jwks: str, now: datetime, known: bool) -> KeySet:
        if self._keys is None or not known:
            found = self._http.document(jwks)
            try:
                self._keys, self._keys_at = KeySet.import_key_set(found), now  # type: ignore[arg-type]
            except (JoseError, *ODD) as error:
                raise asking.down("publishes keys that are none") from error
        return self._keys


def _hold(claims: dict[str, Any], expected: Expected, now: datetime, needs: dict[str, Any]) -> None:
    """Require what every token says: who made it, for whom, when, until when."""
    at = int(now.timestamp())
    registry = jwt.JWTClaimsRegistry(now=at, leeway=LEEWAY, iss={"essential": True, "value": expected.issuer},
                                     aud={"essential": True, "value": expected.client}, iat={"essential": True},
                                     exp={"essential": True}, **needs)  # fmt: skip
    try:
        registry.validate(claims)
    except JoseError as error:
        raise unproven(str(getattr(error, "claim", "") or "claims")) from error
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != expected.client:
        raise unproven("azp")


def unproven(why: str) -> Unproven:
    """Return the error of an answer that proves nothing; `why` goes into the log."""
    return Unproven("signin.provider", "what the provider sent does not prove who it is", why=why)
