"""A real HTTP server on loopback that takes webhooks and answers as it is told."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Taken:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """The server; `plan` gives what the next requests get (200 when it is empty): a status, `drop` or `stall`."""

    plan: list[int | str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        receiver, self._go = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                what = receiver.plan.pop(0) if receiver.plan else 200
                found = {name.lower(): value for name, value in self.headers.items()}
                receiver.taken.append(Taken(found, body))
                if what == "stall":
                    receiver._go.wait()
                if isinstance(what, str):
                    self.close_connection = True
                    return
                self.send_response(what)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __exit__(self, *_: object) -> None:
        self._go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
