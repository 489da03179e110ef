"""Servers on loopback for the tests of notices: a real SMTP server with faults, and bots that answer as documented."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import serving
from aiosmtpd.smtp import SMTP, AuthResult

PASSWORD = "blue & harbour/7:@"


class Sink:
    """What a mail server took, and how it misbehaves: ``ok drop refuse stall`` (after the message came)."""

    def __init__(self) -> None:
        self.how = "ok"
        self.mails: list[EmailMessage] = []
        self.secure: list[bool] = []  # whether each came over TLS
        self.given: list[tuple[str, str]] = []  # names and passwords
        self.port = 0

    @property
    def url(self) -> str:
        """The address as QAFLOW_MAIL_URL."""
        return self.address("127.0.0.1")

    def address(self, host: str, scheme: str = "smtp", who: str = "") -> str:
        """Return the address under another name of this machine, with a name and password."""
        return f"{scheme}://{who}{host}:{self.port}?from=qaflow@college.test&domain=college.test"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _kind: str, told: Any) -> AuthResult:
        """Let in whoever knows the password."""
        self.given.append((told.login.decode(), told.password.decode()))
        return AuthResult(success=told.password == PASSWORD.encode(), handled=False)

    @property
    def ids(self) -> list[str]:
        """The Message-IDs in the order in which they came."""
        return [str(mail["Message-ID"]) for mail in self.mails]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message, or misbehave."""
        if self.how == "refuse":
            return "554 5.0.0 no"
        if self.how == "stall":
            await asyncio.sleep(60)
        self.secure.append(server.transport.get_extra_info("sslcontext") is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        if self.how == "drop":
            server.transport.abort()
        return "250 taken"


@contextmanager
def smtp(tls: ssl.SSLContext | None = None, *, implicit: bool = False, host: str = "127.0.0.1",
         **more: Any) -> Iterator[Sink]:  # fmt: skip
    """Serve SMTP on a free port of loopback; with TLS by STARTTLS, or from the start."""
    sink, loop, ready = Sink(), asyncio.new_event_loop(), threading.Event()
    servers: list[asyncio.Server] = []

    async def serve() -> None:
        more.setdefault("authenticator", sink.authenticate)
        begun, later = (tls, None) if implicit else (None, tls)
        made = await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop, tls_context=later, **more),
                                        host, 0, ssl=begun)  # fmt: skip
        servers.append(made)
        sink.port = made.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(_ended(servers[0]), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class Vendor:
    """A vendor's bots: what was posted to them, and what they answer."""

    def __init__(self) -> None:
        self.status, self.answer = 200, {"errcode": 0, "errmsg": "ok"}
        self.posted: list[tuple[str, Any]] = []
        self.origin = ""


@contextmanager
def vendor() -> Iterator[Vendor]:
    """Serve bots on a free port of loopback."""
    made = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posted.append((self.path, json.loads(body)))
            text = json.dumps(made.answer).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.origin = f"http://127.0.0.1:{server.server_address[1]}"
    with serving.beside(server):
        yield made
