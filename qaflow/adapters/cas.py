"""CAS, protocol 3: service tickets with attributes, single logout.

Own and small rather than python-cas: that one parses what comes without guarding against entities, waits for ever and
follows redirects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from qaflow.adapters.asking import Asking
from qaflow.errors import Unproven
from qaflow.providers import Cas
from qaflow.services.ports import Ended, Identity, Sent

SPACE = "{http://www.yale.edu/tp/cas}"
SAML = "{urn:oasis:names:tc:SAML:2.0:protocol}"
LONGEST_TICKET, LONGEST_LOGOUT = 512, 20_000


class CasProvider:
    """A server of CAS."""

    def __init__(self, of: Cas) -> None:
        """Know its settings."""
        self._of, self._http = of, Asking(of)
        self._server = of.server.rstrip("/")

    def begin(self, back: str, state: str, now: datetime, fresh: bool) -> Sent:
        """Return where to send the browser; the state is part of the service's address, so that the ticket is too."""
        service = f"{back}?{urlencode({'state': state})}"
        asked = {"service": service} | ({"renew": "true"} if fresh else {})
        return Sent(f"{self._server}/login?{urlencode(asked)}", {"service": service, "fresh": "yes" if fresh else ""})

    def finish(self, back: str, kept: Mapping[str, str], answer: Mapping[str, str], now: datetime) -> Identity:
        """Return who signed in, by the server's word on the ticket."""
        ticket = answer.get("ticket", "")
        if not ticket.startswith("ST-") or len(ticket) > LONGEST_TICKET:
            raise _unproven("ticket")
        asked = {"service": kept["service"], "ticket": ticket} | ({"renew": "true"} if kept.get("fresh") else {})
        root = _parsed(self._http.fetched(f"{self._server}/p3/serviceValidate", params=asked))
        failed = root.find(f"{SPACE}authenticationFailure")
        if failed is not None:
            raise _unproven(str(failed.get("code", "failed"))[:80])
        passed = root.find(f"{SPACE}authenticationSuccess")
        if root.tag != f"{SPACE}serviceResponse" or passed is None or passed.find(f"{SPACE}proxies") is not None:
            raise _unproven("response")
        return self._identity(passed, ticket)

    def leave(self, back: str, proof: str, now: datetime) -> str | None:
        """Return the server's own sign-out."""
        return f"{self._server}/logout?{urlencode({'service': back})}"

    def ended(self, sent: Mapping[str, str], now: datetime) -> Ended:
        """Return the session that a logout request ends: its ticket, which only the server and we know."""
        text = sent.get("logoutRequest", "")
        root = _parsed(text.encode()) if len(text) <= LONGEST_LOGOUT else None
        index = None if root is None or root.tag != f"{SAML}LogoutRequest" else root.findtext(f"{SAML}SessionIndex")
        if not index or not index.strip().startswith("ST-"):
            raise _unproven("logoutRequest")
        return Ended(index.strip(), "")

    def _identity(self, passed: Element, ticket: str) -> Identity:
        user = (passed.findtext(f"{SPACE}user") or "").strip()
        said: dict[str, tuple[str, ...]] = {"user": (user,)}
        for one in passed.findall(f"{SPACE}attributes/*"):
            name = one.tag.removeprefix(SPACE)
            said[name] = (*said.get(name, ()), (one.text or "").strip())
        found = said.get(self._of.subject or "user", ())
        if len(found) != 1 or not found[0]:
            raise _unproven("subject")
        return Identity(provider=self._of.key, subject=found[0], attributes=said, session=ticket)


def _parsed(text: bytes) -> Element:
    try:
        found: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:  # a charset nobody knows is the last
        raise _unproven("xml") from error
    return found


def _unproven(why: str) -> Unproven:
    return Unproven("signin.provider", "what the provider sent does not prove who it is", why=why)
