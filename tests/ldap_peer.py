"""A directory of ldaptor over TLS: `ldap_peer.py CERTIFICATE KEY`; prints its port. It ends with its parent."""

import sys
import warnings

warnings.simplefilter("ignore")

from ldaptor.inmemory import ReadOnlyInMemoryLDAPEntry  # noqa: E402
from ldaptor.interfaces import IConnectedLDAPEntry  # noqa: E402
from ldaptor.protocols.ldap.ldapserver import LDAPServer  # noqa: E402
from twisted.internet import reactor, ssl, stdio  # noqa: E402
from twisted.internet.protocol import Factory, Protocol  # noqa: E402
from twisted.python.components import registerAdapter  # noqa: E402

CLASSES = [b"person", b"organizationalPerson", b"inetOrgPerson"]


def person(uid: bytes, password: bytes, **more: list[bytes]) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """Return a person's place and attributes."""
    given = {key.encode(): value for key, value in more.items()}
    return b"uid=" + uid, {b"objectClass": CLASSES, b"uid": [uid], b"userPassword": [password], **given}


root = ReadOnlyInMemoryLDAPEntry(b"dc=example", {b"dc": [b"example"], b"objectClass": [b"dcObject"]})
root.addChild(b"cn=reader", {b"objectClass": [b"person"], b"cn": [b"reader"], b"userPassword": [b"the reader's own"]})
people = root.addChild(b"ou=people", {b"objectClass": [b"organizationalUnit"], b"ou": [b"people"]})
for place, attributes in (
    person(b"zhang", b"blue harbour", entryUUID=[b"u-1"], cn=["张三".encode()], employeeNumber=[b"lead"],
           group=[b"qa"]),
    person(b"wang", b"green harbour", entryUUID=[b"u-2"], cn=["王五".encode()]),
    person(b"li", b"red harbour", cn=["李四".encode()]),
):
    people.addChild(place, attributes)


class Served(Factory):
    """Gives every connection the tree."""

    protocol = LDAPServer

    def __init__(self) -> None:
        self.root = root


class Parent(Protocol):
    """Tells when the parent is gone."""

    def connectionLost(self, reason: object = None) -> None:  # noqa: N802 - twisted's name
        """Stop."""
        if reactor.running:
            reactor.stop()


registerAdapter(lambda factory: factory.root, Served, IConnectedLDAPEntry)
context = ssl.DefaultOpenSSLContextFactory(sys.argv[2], sys.argv[1])
port = reactor.listenSSL(0, Served(), context, interface="127.0.0.1")
sys.stdout.write(f"{port.getHost().port}\n")
sys.stdout.flush()
stdio.StandardIO(Parent())
reactor.run()
