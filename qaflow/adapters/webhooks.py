"""Sending to addresses that people gave: one request, one connection to a checked address, no redirects, bounded time.

httpcore, the ground under httpx, lets its user open the connections: name, checked address, `Host` and the name in the
certificate stay what they are, and neither proxies of the environment nor redirects come into it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import certifi
import httpcore

from qaflow.errors import Invalid
from qaflow.services.ports import Answer

from .clock import steady
from .targets import Guard

CONNECT = 5.0  # seconds
WHOLE = 10.0  # seconds for all of it, however slowly it drips
MOST = 65_536  # bytes of an answer that are read
SHOWN = 200
FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, OSError)


class Sender:
    """Posts to targets; each request has a connection of its own."""

    def __init__(self, allow: Iterable[str] = (), *, guard: Guard | None = None,
                 context: ssl.SSLContext | None = None, whole: float = WHOLE) -> None:  # fmt: skip
        """Take the networks of the campus that are allowed."""
        self._guard, self._context, self._whole = guard or Guard(allow), context, whole

    def check(self, url: str, plain: bool) -> None:
        """Refuse an address that may not be sent to: `Invalid` ``url.*``."""
        target = self._guard.target(url, plain)
        self._guard.addresses(target.host, target.port)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, plain: bool) -> Answer:
        """Send, and return what came of it; nothing is raised, and it takes no longer than `WHOLE`."""
        began = steady()
        try:
            status, wait = self._send(url, headers, body, plain, began + self._whole)
        except Invalid as error:
            return Answer(None, _since(began), error.code)
        except FAILURES as error:
            return Answer(None, _since(began), f"{type(error).__name__}: {error}"[:SHOWN])
        return Answer(status, _since(began), "", wait)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes, plain: bool, end: float) -> tuple[int, int]:
        target = self._guard.target(url, plain)
        asked = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        backend = _Checked(self._guard, end)
        limits = {"timeout": {"connect": CONNECT, "read": self._whole, "write": self._whole, "pool": CONNECT}}
        context = (self._context or _context()) if target.scheme == "https" else None
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend, max_keepalive_connections=0) as pool,
            pool.stream("POST", asked, headers=_headers(target.host, target.port, target.scheme, headers),
                        content=body, extensions=limits) as response,
        ):  # fmt: skip
            _read(response.iter_stream())
            return response.status, _wait(response.headers)


class _Checked(httpcore.NetworkBackend):
    """Connects to the address that it has just checked, and to no other."""

    def __init__(self, guard: Guard, end: float) -> None:
        self._guard, self._end, self._plain = guard, end, httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception = httpcore.ConnectError("no address")
        for address in self._guard.addresses(host, port):
            try:
                stream = self._plain.connect_tcp(address, port, _left(self._end, timeout), local_address,
                                                 socket_options)  # fmt: skip
                return _Bounded(stream, self._end)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _Bounded(httpcore.NetworkStream):
    """A stream whose every step must end before one instant."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._end, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._end, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:  # fmt: skip
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _left(self._end, timeout)), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(end: float, timeout: float | None) -> float:
    left = end - steady()
    if left <= 0:
        raise httpcore.ReadTimeout("it took too long")
    return left if timeout is None else min(left, timeout)


def _headers(host: str, port: int, scheme: str, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    named = f"[{host}]" if ":" in host else host
    whole = named if port == {"https": 443, "http": 80}[scheme] else f"{named}:{port}"
    return [(b"Host", whole.encode()), *((k.encode(), v.encode()) for k, v in headers.items())]


def _read(parts: Iterable[bytes]) -> None:
    """Read the answer, as far as it is not too long: the status has said all."""
    size = 0
    for part in parts:
        size += len(part)
        if size > MOST:
            return


def _wait(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the seconds of `Retry-After`, 0 without any."""
    told = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return int(told) if told.isdigit() and len(told) < 6 else 0


def _since(began: float) -> int:
    return int((steady() - began) * 1000)


def _context() -> ssl.SSLContext:
    """Return the machine's own authorities, and those of certifi where the machine knows none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
