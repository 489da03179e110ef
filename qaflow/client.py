"""A client of qaflow's REST API: who bears a token reads, acts, sends readings and evidence; nothing is done twice.

    with Client("https://qa.example.edu.cn", token) as college:
        for item in college.inbox():
            print(item["due"], item["action"])

Every POST carries an `Idempotency-Key`, so that a request whose reply was lost is sent again without harm.  Every
refusal is a `Problem` with its stable ``code``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, TypeVar

import httpx

Taken = TypeVar("Taken")
Document = dict[str, Any]
"""A JSON object as the API describes it (`/api/v1/openapi.json`)."""
PREFIX = "/api/v1"
TRIES = 4
TIMEOUT = 30.0  # seconds, of one try
PATIENCE = 60.0  # seconds that are waited at most where the server says how long
AGAIN = frozenset((429, 503, 507))
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
REPEATABLE = SAFE | {"POST"}  # a POST bears its key


class Reading(TypedDict, total=False):
    """One value of a control point for a subject at an instant."""

    point: str
    subject: str
    at: str
    value: float
    source: str
    reason: str  # where it corrects a value that stands


class Answer(TypedDict, total=False):
    """An answer to a point of the frame of diagnosis."""

    code: str
    place: int  # a diagnosis sheet; 0, if not given, is the stage of diagnosis
    version: int  # of the answer that it replaces; 0 for the first
    degree: str
    evidence: str
    problems: str
    causes: str
    files: list[str]  # hashes of the cycle's files


class Problem(Exception):
    """A refusal (RFC 9457): what, where, and what would be right."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        """Hold the status and the whole document."""
        self.status, self.document = status, dict(document)
        super().__init__(f"{status} {self.code}: {self.detail}")

    @property
    def code(self) -> str:
        """The stable code, such as ``transition.not_allowed``."""
        return str(self.document.get("code", ""))

    @property
    def detail(self) -> str:
        """One sentence for people."""
        return str(self.document.get("detail", ""))

    @property
    def errors(self) -> list[Document]:
        """The faults of single fields, each with `pointer`, `code` and `message`."""
        return list(self.document.get("errors", ()))

    @property
    def request_id(self) -> str:
        """The number under which the server's log knows the request."""
        return str(self.document.get("request_id", ""))


class Tagged(Document):
    """A thing with the tag under which it was read: what a change of it names in `If-Match`."""

    tag: str = ""


class Client:
    """A connection to one installation, for the bearer of one token."""

    def __init__(self, base_url: str, token: str, *, transport: httpx.BaseTransport | None = None,
                 wait: Callable[[float], None] = time.sleep) -> None:  # fmt: skip
        """Connect; ``transport`` and ``wait`` stand in for the network and the passing of time in tests."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, application/problem+json"}
        self._http = httpx.Client(base_url=base_url.rstrip("/") + PREFIX, headers=headers, timeout=TIMEOUT,
                                  transport=transport)  # fmt: skip
        self._wait = wait

    def __enter__(self) -> Client:
        """Return the client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def prove(self, password: str = "", code: str = "") -> Document:
        """Prove anew who one is; the proof goes along with whatever this connection sends from now on.

        For colleges that want a fresh proof of whoever approves (`Problem` 401 ``proof.needed``).
        """
        given = {name: text for name, text in (("password", password), ("code", code)) if text}
        found = self.post("/me/proof", given)
        self._http.headers["X-Proof"] = found["proof"]
        return found

    def me(self) -> Document:
        """Return whose token this is, and what it is for."""
        return self.get("/me")

    def cycles(self, **filters: Any) -> Iterator[Document]:
        """Give the cycles that one may see, narrowed by the filters of the description."""
        return self.pages("/cycles", **filters)

    def cycle(self, number: int) -> Tagged:
        """Return a cycle, what may be done there, and its tag."""
        return self.get(f"/cycles/{number}")

    def history(self, number: int) -> Iterator[Document]:
        """Give a cycle's facts, the oldest first."""
        return self.pages(f"/cycles/{number}/history")

    def act(self, cycle: Tagged, action: str, **fields: Any) -> Document:
        """Act on a cycle as it was read; `Problem` 412 where somebody else was there since."""
        return self.post(f"/cycles/{cycle['id']}/actions/{action}", fields, tag=cycle.tag)

    def attach(self, cycle: int, name: str, data: bytes, media: str) -> Document:
        """Leave a file as evidence of the stage in which a cycle stands; its `hash` is what answers name."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": media}
        path = f"/cycles/{cycle}/files"
        return _document(self.request("POST", path, params={"name": name}, content=data, headers=headers))

    def files(self, cycle: int) -> Iterator[Document]:
        """Give the files of a cycle in the order in which they were left."""
        return self.pages(f"/cycles/{cycle}/files")

    def file(self, cycle: int, number: int) -> bytes:
        """Return a file as it was left."""
        return self.request("GET", f"/cycles/{cycle}/files/{number}", headers={"Accept": "*/*"}).content

    def save_file(self, cycle: int, number: int, to: str | Path) -> int:
        """Save a file of a cycle as it was left; return its bytes."""
        return self.save(f"/cycles/{cycle}/files/{number}", to)

    def save_pack(self, cycle: int, to: str | Path) -> int:
        """Save a cycle's whole history as a file that proves itself (`qaflow audit verify-pack`)."""
        return self.save(f"/audit/cycles/{cycle}/pack", to)

    def save_log(self, kind: str, to: str | Path, *, names: bool = False, **chosen: Any) -> int:
        """Save the college's history as ``xes``, ``ocel`` or ``journal``, of a `layer` or from `first` to `last`."""
        return self.save(f"/audit/logs/{kind}", to, names="true" if names else "false", **chosen)

    def frame(self, cycle: int) -> Tagged:
        """Return the points of the frame of diagnosis that a cycle is asked, with every answer."""
        return self.get(f"/cycles/{cycle}/frame")

    def answer(self, cycle: int, answers: Sequence[Answer]) -> Document:
        """Answer points of the frame, all or none; `Problem` 412 where somebody answered meanwhile."""
        return self.post(f"/cycles/{cycle}/frame", {"answers": list(answers)})

    def inbox(self, **filters: Any) -> Iterator[Document]:
        """Give the work that waits for one, the most urgent first."""
        return self.pages("/inbox", **filters)

    def send(self, readings: Sequence[Reading], *, all_or_nothing: bool = False) -> Document:
        """Send readings, up to 10,000 at once; the reply names the result of each."""
        return self.post("/readings", {"items": list(readings), "all_or_nothing": all_or_nothing})

    def events(self, after: int = 0) -> Iterator[Document]:
        """Give what happened after a position, as CloudEvents; `sequence` is the position of each."""
        more = True
        while more:
            page = self.get("/events", after=after)
            yield from page["items"]
            after, more = page["after"], page["more"]

    def pages(self, path: str, **filters: Any) -> Iterator[Document]:
        """Give every item of a list, page after page."""
        asked = {name: value for name, value in filters.items() if value is not None}
        while True:
            page = self.get(path, **asked)
            yield from page["items"]
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    def get(self, path: str, **query: Any) -> Tagged:
        """Return a thing with its tag."""
        reply = self.request("GET", path, params=query)
        found = Tagged(reply.json())
        found.tag = reply.headers.get("ETag", "")
        return found

    def post(self, path: str, body: Mapping[str, Any], *, tag: str = "", key: str = "") -> Document:
        """Make something, or act; ``key`` is one's own name for this request, a fresh one if not given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())} | ({"If-Match": tag} if tag else {})
        return _document(self.request("POST", path, json=dict(body), headers=headers))

    def patch(self, path: str, body: Mapping[str, Any], tag: str) -> Document:
        """Change a thing as it was read."""
        return _document(self.request("PATCH", path, json=dict(body), headers={"If-Match": tag}))

    def delete(self, path: str, tag: str = "") -> None:
        """Take a thing away."""
        self.request("DELETE", path, headers={"If-Match": tag} if tag else {})

    def save(self, path: str, to: str | Path, **query: Any) -> int:
        """Save a file that the API hands out, piece by piece, in place of one that is there; return its bytes.

        It bears its name once it is whole; one that breaks off is begun again.
        """
        target = Path(to)
        part = target.with_name(f"{target.name}.part")
        try:
            size = self._done("GET", path, lambda reply: _kept(reply, part), params=query, headers={"Accept": "*/*"})
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return size

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the reply; what may be repeated is, where the network failed or the server asks to wait.

        Raises `Problem` where the server refuses, and httpx's `TransportError` where it is not reached.
        """
        return self._done(method, path, _read, **more)

    def _done(self, method: str, path: str, take: Callable[[httpx.Response], Taken], **more: Any) -> Taken:
        """Return what is taken of a reply that is no refusal, as `request` does."""
        for left in reversed(range(TRIES)):
            again, pause = left and method in REPEATABLE, _pause(TRIES - left)
            try:
                with self._http.stream(method, path, **more) as reply:
                    if not reply.is_error:
                        return take(reply)
                    reply.read()
            except httpx.TransportError:
                if not again:
                    raise
                self._wait(pause)
                continue
            if reply.status_code not in AGAIN or not again:
                raise Problem(reply.status_code, _problem(reply))
            self._wait(_told(reply) or pause)
        raise AssertionError("the last try returns or raises")


def _read(reply: httpx.Response) -> httpx.Response:
    reply.read()
    return reply


def _kept(reply: httpx.Response, part: Path) -> int:
    with part.open("wb") as file:
        return sum(map(file.write, reply.iter_bytes()))


def _pause(number: int) -> float:
    return float(2 ** (number - 1))  # seconds: 1, 2, 4


def _told(reply: httpx.Response) -> float:
    told = reply.headers.get("Retry-After", "")
    return min(float(told), PATIENCE) if told.isascii() and told.isdigit() else 0.0


def _document(reply: httpx.Response) -> Document:
    return dict(reply.json()) if reply.content else {}


def _problem(reply: httpx.Response) -> Document:
    try:
        found = reply.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"code": f"http.{reply.status_code}", "detail": reply.reason_phrase}
