"""Asking a provider over HTTP: in time, without redirects, no more than is sensible, every failure one error."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests

from qaflow.errors import Unavailable
from qaflow.providers import LOOPBACK, Provider

SECONDS = 10.0
MOST_BYTES = 1_000_000
PART = 65_536
OK = 200


class Asking:
    """Asks one provider; neither proxies nor passwords of the environment have a say."""

    def __init__(self, of: Provider) -> None:
        """Know by which authority its certificate is proven."""
        self.verify: str | bool = of.ca_file or True

    def fetched(self, url: str, **request: Any) -> bytes:
        """Return what stands at an address; raise Unavailable (``signin.provider_down``)."""
        require_secure(url)
        with requests.Session() as session:
            session.trust_env = False
            try:
                with session.get(url, timeout=SECONDS, verify=self.verify, allow_redirects=False, stream=True,
                                 **request) as answer:  # fmt: skip
                    return _body(answer)
            except requests.RequestException as error:
                raise down(type(error).__name__) from error

    def document(self, url: str, **request: Any) -> dict[str, Any]:
        """Return the JSON object that stands at an address."""
        try:
            found = json.loads(self.fetched(url, **request))
        except (ValueError, RecursionError) as error:
            raise down("answered no JSON") from error
        if not isinstance(found, dict):
            raise down("answered no JSON object")
        return found


def _body(answer: requests.Response) -> bytes:
    if answer.status_code != OK:
        raise down(f"answered {answer.status_code}")
    body = b""
    for part in answer.iter_content(PART):
        body += part
        if len(body) > MOST_BYTES:
            raise down("answered with too much")
    return body


def require_secure(url: str) -> None:
    """Refuse an address over plain http, whoever named it."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise down("names an address that is none") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise down("names an address that is not encrypted")


def down(why: str) -> Unavailable:
    """Return the error of a provider that does not answer as it should."""
    return Unavailable("signin.provider_down", f"the provider {why}", why=why)
