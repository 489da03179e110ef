"""Requests that no browser sends (bad input, 70 to 77): refused in words by the running program, which lives on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from browsing import PASSWORD
from flask import Flask
from rights.served import Surfer, server

from qaflow.adapters.clock import SystemClock
from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.services.work import Origin
from qaflow.store.db import db
from qaflow.testing import World

BIG = 100_000
SOON = 5


@pytest.fixture
def port(app: Flask, settings: Settings) -> Iterator[int]:
    """Return the port of the running program on a college with one cycle that is not the guest's."""
    world = World(db.session)
    world.start()
    passwords.password(db.session, world.origin(), "guest", PASSWORD)
    db.session.remove()
    with server(settings) as found:
        yield found


def raw(port: int, request: bytes) -> int:
    """Return the status with which the server answers some bytes, 0 where it hangs up or waits for the rest."""
    with socket.create_connection(("127.0.0.1", port), SOON) as line:
        try:
            line.sendall(request)
            first = line.makefile("rb").readline()
        except (ConnectionError, TimeoutError):
            return 0
    return int(first.split()[1]) if first.startswith(b"HTTP/") else 0


def get(path: bytes, *headers: bytes, host: bytes = b"127.0.0.1", method: bytes = b"GET") -> bytes:
    """Return a request's bytes."""
    return b"\r\n".join(
        [method + b" " + path + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers, b"", b""]
    )


LARGE = {
    "address": (get(b"/" + b"a" * BIG), {400, 404, 414, 431}),
    "query": (get(b"/inbox?q=" + b"a" * BIG), {401, 400, 414, 431}),
    "one header": (get(b"/", b"X-A: " + b"a" * BIG), {200, 400, 431}),
    "10,000 headers": (get(b"/", *(b"X-%d: a" % n for n in range(10_000))), {200, 400, 431}),
    "a megabyte of headers": (get(b"/", *(b"X-%d: %s" % (n, b"a" * BIG) for n in range(11))), {0, 400, 431}),
    "cookie": (get(b"/me", b"Cookie: qaflow=" + b"a" * BIG), {401, 400, 431}),
    "no host": (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", {400, 200}),
    "two hosts": (get(b"/", b"Host: evil.example"), {400}),
    "no request": (b"\x00\x01\x02\r\n\r\n", {0, 400}),
    "length and chunks": (
        get(b"/signin", b"Content-Length: 4", b"Transfer-Encoding: chunked", method=b"POST"),
        {0, 400, 401, 403},
    ),
    "length below nothing": (get(b"/signin", b"Content-Length: -1", method=b"POST"), {400, 401, 403}),
    "17 MB of form": (
        get(b"/signin", b"Content-Length: 17825792", b"Content-Type: application/x-www-form-urlencoded", method=b"POST")
        + b"a" * 10,
        {0, 413, 408},
    ),
}


def sent(*headers: bytes, body: bytes, path: bytes = b"/api/v1/me/tokens") -> bytes:
    """Return a POST to the API whose body is as it stands."""
    kind = b"Content-Type: application/json"
    return get(path, b"Transfer-Encoding: chunked", kind, *headers, method=b"POST") + body


WHOLE = b"3\r\n{}\n\r\n0\r\n\r\n"
CHUNKED = {
    "whole": (WHOLE, {422}),
    "trailers": (b"2\r\n{}\r\n0\r\nIf-Match: *\r\n\r\n", {400, 422}),
    "a size that is no number": (b"zz\r\n{}\r\n0\r\n\r\n", {400}),
    "a size below nothing": (b"-2\r\n{}\r\n0\r\n\r\n", {400}),
    "a size with a plus": (b"+2\r\n{}\r\n0\r\n\r\n", {400}),
    "a size with 0x": (b"0x2\r\n{}\r\n0\r\n\r\n", {400}),
    "a size with a low line": (b"0_2\r\n{}\r\n0\r\n\r\n", {400}),
    "a size of a terabyte": (b"10000000000\r\n{}", {0, 400, 413}),
    "a chunk longer than it says": (b"1\r\n{}\r\n0\r\n\r\n", {400}),
    "no end": (b"2\r\n{}\r\n", {0, 400, 408}),
    "an endless extension": (b"2;" + b"a" * BIG + b"\r\n{}\r\n0\r\n\r\n", {0, 400, 413, 422, 431}),
    "20 MB": (b"1400000\r\n" + b" " * 0x1400000 + b"\r\n0\r\n\r\n", {0, 413}),
}


def test_a_body_in_chunks_is_read_as_one_and_refused_as_one(port: int, app: Flask) -> None:
    now = SystemClock().now()
    token = passwords.token_for(db.session, Origin(now=now, recorded=now, door="test"), "guest").encode()
    bearer = b"Authorization: Bearer " + token
    for what, (body, statuses) in CHUNKED.items():
        assert raw(port, sent(bearer, body=body)) in statuses, what
        assert raw(port, get(b"/healthz")) == 200, what


DOUBTFUL = ((b"Content-Length: 2",), (b"content-length:\t5",), (b"Content-Length: 2", b"Content-Length: 3"),
            (b"Transfer-Encoding: identity",), (b"Content-Length: 2, 2",))  # fmt: skip


def test_what_follows_a_body_of_doubtful_length_is_no_request_of_its_own(port: int) -> None:
    """Request smuggling: one answer at most is given, and never one to the words within the body."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    for headers in DOUBTFUL:
        whole = sent(*headers, body=b"0\r\n\r\n" + inner).replace(b"Connection: close\r\n", b"")
        heard = b""
        with socket.create_connection(("127.0.0.1", port), 1) as line:
            line.sendall(whole)
            try:
                while part := line.recv(65_536):
                    heard += part
            except TimeoutError:
                pass
        assert heard.count(b"HTTP/1.1 ") <= 1 and b"HTTP/1.1 200" not in heard, headers


HOSTS = (b"evil.example", b"127.0.0.1.evil.example", b"evil.example:80@127.0.0.1", b"[::", b"a b", b"127.0.0.1/../evil")


def test_what_is_too_large_or_malformed_is_refused_and_the_program_lives(port: int) -> None:
    for what, (request, statuses) in LARGE.items():
        assert raw(port, request) in statuses, what
        assert raw(port, get(b"/healthz")) == 200, what


def test_a_host_that_is_not_ours_is_refused(port: int) -> None:
    for host in HOSTS:
        for path in (b"/", b"/signin", b"/healthz"):
            assert raw(port, get(path, host=host)) == 400, host
    assert raw(port, get(b"/healthz", b"X-Forwarded-Host: evil.example")) == 200


def test_no_link_and_no_redirect_is_made_of_a_forged_host(port: int) -> None:
    answer = Surfer(port).ask(
        "GET",
        "/me",
        None,
        **{
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "host=evil.example",
            "X-Original-URL": "/healthz",
            "X-Rewrite-URL": "/healthz",
        },
    )

    assert answer.status == 303 and "evil" not in repr(answer.headers) + answer.text


VERBS = (b"TRACE", b"TRACK", b"CONNECT", b"PUT", b"DELETE", b"PATCH", b"PROPFIND", b"G" * 300)


def signed_in(port: int) -> bytes:
    """Return the header by which the guest is known."""
    surfer = Surfer(port)
    assert surfer.sign_in("guest", PASSWORD).status == 303
    return b"Cookie: qaflow=" + surfer.cookies["qaflow"].encode()


def test_a_verb_that_no_page_has_is_refused(port: int) -> None:
    cookie = signed_in(port)
    for verb in VERBS:
        for path in (b"/me", b"/cycles/1"):
            assert raw(port, get(path, cookie, method=verb)) in (400, 403, 404, 405, 501), (verb, path)


PATHS = (
    "//cycles/1",
    "/./cycles/1",
    "/inbox/../cycles/1",
    "/%63ycles/1",
    "/cycles/%31",
    "/cycles%2f1",
    "/cycles/1/",
    "/cycles/1%00",
    "/cycles/1;a=b",
    "/%2e%2e/cycles/1",
    "/help/%2e%2e/cycles/1",
    "/CYCLES/1",
    "/cycles/01",
    "/cycles/1%20",
    "/cycles/%EF%BC%91",
    "/static/../cycles/1",
    "/static/%2e%2e/cycles/1",
    "http://127.0.0.1/cycles/1",
    "/cycles/1?",
    "/cycles/1#x",
    "/cycles/-1",
    "/cycles/1.0",
    "/cycles/99999999999999999999999999",
)


def test_however_an_address_is_written_its_right_is_that_of_the_page(port: int) -> None:
    """Routing and rights see one path: to a guest no spelling of another's cycle is more than not there."""
    cookie = signed_in(port)
    for path in PATHS:
        assert raw(port, get(path.encode(), cookie)) in (301, 303, 308, 400, 404), path
        assert raw(port, get(path.encode())) in (301, 303, 308, 400, 401, 404), path


def test_a_path_out_of_the_static_files_finds_nothing(port: int) -> None:
    for path in (
        b"/static/../web/csrf.py",
        b"/static/%2e%2e/__init__.py",
        b"/static/..%2f__init__.py",
        b"/bootstrap/static/../../../../../../etc/passwd",
        b"/static/%00",
        b"/static/..\\__init__.py",
    ):
        assert raw(port, get(path)) in (400, 404)
