"""Which addresses may be sent to: those of the public internet, and the networks of the campus that are allowed.

The check is made twice, when an address is entered and when it is connected to, and the second time the address that
was checked is the one that is connected to: a name whose answer changes in between gains nothing by it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from qaflow.config import NEVER_TARGETS
from qaflow.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
PORTS = {"https": (443, 8443), "http": (80, 8080)}
LONGEST = 2000
BAD_SIGNS = frozenset("\\<>\"{}|^`") | {chr(n) for n in range(33)} | {"\x7f"}
INSIDE = tuple(ip_network(one) for one in ("fec0::/10", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
"""Networks that the library takes for public: the old site-local one, those of protocols, relays and examples."""
NEVER = tuple(ip_network(one) for one in NEVER_TARGETS)


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a name, as the system's resolver gives them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Target:
    """An address in parts, as it is both checked and asked for: nothing is parsed a second time."""

    scheme: str
    host: str
    port: int
    path: str


class Guard:
    """Says which targets are open; `within` are allowed networks, `loopback` and `ports` are for tests alone."""

    def __init__(self, within: Iterable[str] = (), *, resolver: Callable[[str, int], list[str]] = resolve,
                 loopback: bool = False, ports: bool = True) -> None:  # fmt: skip
        """Take what is allowed; the program itself never gives the last two."""
        self._within = tuple(ip_network(one) for one in within)
        self._resolve, self._loopback, self._ports = resolver, loopback, ports

    def target(self, url: str, plain: bool) -> Target:
        """Return the address in parts; `Invalid` ``url.invalid`` where it is none that can be sent to."""
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode("ascii")
        except (ValueError, UnicodeError) as error:
            raise _bad(f"this is no address: {error}") from error
        if len(url) > LONGEST or BAD_SIGNS & set(url) or not host or "%" in host or parts.fragment:
            raise _bad("this is no address")
        if parts.username is not None or parts.password is not None:
            raise _bad("a name and password may not stand in the address")
        if parts.scheme != "https" and not (plain and parts.scheme == "http"):
            raise _bad("the address must begin with https://")
        port = port or PORTS[parts.scheme][0]
        if self._ports and port not in PORTS[parts.scheme]:
            raise _bad(f"port {port} is not sent to: {', '.join(map(str, PORTS[parts.scheme]))}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path.encode("ascii", "replace").decode())

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of them open; `Invalid` ``url.not_public`` where one is not."""
        name = host.rstrip(".").lower()
        if not self._loopback and (name == "localhost" or name.endswith(".localhost")):
            raise _inside(host)  # whatever the resolver makes of it
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError, ValueError) as error:
            raise Invalid("url.unknown_host", f"the name {host} is not known") from error
        if not found or not all(self._open(ip_address(one.partition("%")[0])) for one in found):
            raise _inside(host)
        return found

    def _open(self, address: Address) -> bool:
        if self._loopback and address.is_loopback:
            return True
        if any(address.version == one.version and address in one for one in NEVER):
            return False
        if any(address.version == one.version and address in one for one in self._within):
            return True
        if any(address.version == one.version and address in one for one in INSIDE):
            return False
        return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(host: str) -> Invalid:
    return Invalid("url.not_public", f"{host} does not lie in the public internet")


def _bad(why: str) -> Invalid:
    return Invalid("url.invalid", why)
