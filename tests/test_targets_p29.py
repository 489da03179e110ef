"""P29: no address that people give reaches the machine's own network; the checked address is the one connected to."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from qaflow.adapters.targets import Guard
from qaflow.adapters.webhooks import Sender
from qaflow.errors import Invalid

PUBLIC = "93.184.215.14"
INSIDE = ("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
          "127.255.255.254", "0", "0.0.0.0", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::]",
          "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "169.254.169.254", "0xa9fea9fe",
          "2852039166", "169.254.1.1", "100.64.0.1", "100.100.100.200", "100.127.255.254", "10.0.0.1", "10.255.255.255",
          "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9",
          "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "[fd00::1]", "[fc00::1]", "[fe80::1]",
          "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
          "[2001:db8::1]", "[fec0::1]", "192.0.0.8", "192.88.99.1", "[3fff::1]", "①②⑦.⓪.⓪.①", "127。0。0。1",
          "ⓛocalhost", "[64:ff9b:1::7f00:1]", "[5f00::1]")  # fmt: skip
MALFORMED = ("https://user@example.com/", "https://user:pw@127.0.0.1/", "https://example.com@127.0.0.1/",
             "https://127.0.0.1\\@example.com/", "file:///etc/passwd", "gopher://127.0.0.1:25/_HELO",
             "http://127.0.0.1/", "ftp://example.com/", "//127.0.0.1/", "https://", "https://exa mple.com/",
             "https://127.0.0.1:22/", "https://127.0.0.1:5432/", "https://[::1%25lo]/",
             "https://example.com/#x", "javascript:alert(1)")  # fmt: skip


class Canary:
    """A listener on loopback that counts who connects, on both families."""

    def __init__(self) -> None:
        self.seen = 0
        self._sockets = [self._listen(socket.AF_INET, "127.0.0.1", 0)]
        self.port = self._sockets[0].getsockname()[1]
        self._sockets.append(self._listen(socket.AF_INET6, "::1", self.port))
        for one in self._sockets:
            threading.Thread(target=self._count, args=(one,), daemon=True).start()

    @staticmethod
    def _listen(family: int, host: str, port: int) -> socket.socket:
        made = socket.socket(family)
        made.bind((host, port))
        made.listen()
        return made

    def _count(self, one: socket.socket) -> None:
        while True:
            try:
                connection, _ = one.accept()
            except OSError:
                return
            self.seen += 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()

    def close(self) -> None:
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    yield found
    found.close()


def post(sender: Sender, url: str) -> Any:
    return sender.post(url, {"Content-Type": "text/plain"}, b"x", True)


def test_the_list_holds_sixty_targets() -> None:
    assert len(set(INSIDE) | set(MALFORMED)) >= 60


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_neither_accepted_nor_connected_to(canary: Canary, host: str) -> None:
    sender = Sender(guard=Guard(ports=False))  # any port, so that the canary could be met

    with pytest.raises(Invalid) as caught:
        sender.check(f"https://{host}:{canary.port}/", False)
    answer = post(sender, f"http://{host}:{canary.port}/")

    assert caught.value.code == "url.not_public" and caught.value.status == 422
    assert (answer.status, answer.detail) == (None, "url.not_public")
    assert canary.seen == 0


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_address_to_send_to_is_refused(canary: Canary, url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Sender().check(url, False)

    assert caught.value.code == "url.invalid"
    assert canary.seen == 0


class Rebinding:
    """A stand-in for DNS whose answer changes from one question to the next."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


class ResolveThenFetch(Sender):
    """The mutant: it checks, and then lets the library look the name up once more."""

    def post(self, url: str, headers: Any, body: bytes, plain: bool) -> Any:
        target = self._guard.target(url, plain)
        self._guard.addresses(target.host, target.port)
        address = self._guard._resolve(target.host, target.port)[0]
        with socket.create_connection((address, target.port), 2) as stream:
            stream.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
            return stream.recv(100)


def test_a_name_whose_answer_changes_between_check_and_connect_gains_nothing(canary: Canary) -> None:
    url = f"http://rebind.example:{canary.port}/"
    at_once = Rebinding([PUBLIC], ["127.0.0.1"])
    sender = Sender(guard=Guard(resolver=at_once, ports=False))
    sender.check(url.replace("http:", "https:"), False)

    answer = post(sender, url)

    assert answer.detail == "url.not_public"
    assert (canary.seen, at_once.asked) == (0, 2)  # once at each check, never for the connection itself
    ResolveThenFetch(guard=Guard(resolver=Rebinding([PUBLIC], ["127.0.0.1"]), ports=False)).post(url, {}, b"", True)
    assert canary.seen == 1  # the mutant is caught


def test_one_inner_address_among_public_ones_closes_the_name(canary: Canary) -> None:
    sender = Sender(guard=Guard(resolver=lambda host, port: [PUBLIC, "127.0.0.1"], ports=False))

    assert post(sender, f"http://both.example:{canary.port}/").detail == "url.not_public"
    assert canary.seen == 0


def test_a_redirect_inside_is_not_followed(canary: Canary) -> None:
    with Redirecting(f"http://127.0.0.1:{canary.port}/") as outside:
        answer = post(Sender(guard=Guard(loopback=True, ports=False)), f"http://127.0.0.1:{outside.port}/")

    assert (answer.status, answer.taken) == (302, False)
    assert canary.seen == 0


class Redirecting:
    """A server that sends everybody elsewhere."""

    def __init__(self, to: str) -> None:
        self._to, self._socket = to, Canary._listen(socket.AF_INET, "127.0.0.1", 0)
        self.port = self._socket.getsockname()[1]

    def __enter__(self) -> "Redirecting":
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        connection.recv(65_536)
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {self._to}\r\nContent-Length: 0\r\n\r\n".encode())
        connection.close()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()


def test_a_network_of_the_campus_is_open_where_it_is_allowed_and_only_that() -> None:
    guard = Guard(("10.1.2.0/24",), resolver=lambda host, port: [host])

    assert guard.addresses("10.1.2.7", 443) == ["10.1.2.7"]
    for other in ("10.1.3.7", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(Invalid):
            guard.addresses(other, 443)


def test_allowing_everything_opens_neither_the_machine_nor_metadata() -> None:
    guard = Guard(("0.0.0.0/0", "::/0"), resolver=lambda host, port: [host])

    for never in ("127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "100.100.100.200"):
        with pytest.raises(Invalid):
            guard.addresses(never, 443)
