"""LDAP (extra `ldap`): find the entry as ourselves, then bind as it with the password.

A login that is not there costs a bind as well, so that nobody is told from nobody by the time; an empty password, which
servers take for an anonymous bind, is refused before anything is sent; referrals are never followed.
"""

from __future__ import annotations

import secrets
import ssl
import warnings
from datetime import datetime
from typing import Any

from qaflow.adapters.asking import down
from qaflow.adapters.attributes import flat
from qaflow.errors import Unproven
from qaflow.providers import Ldap
from qaflow.services.ports import Identity

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="pyasn1|ldap3")  # ldap3 2.9 on pyasn1 0.6
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.core.results import RESULT_SUCCESS
    from ldap3.utils.conv import escape_filter_chars

SECONDS = 10
ID = ("entryUUID", "objectGUID", "ipaUniqueID", "nsUniqueId", "GUID")


class LdapDirectory:
    """A directory."""

    def __init__(self, of: Ldap) -> None:
        """Know its settings."""
        self._of = of
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=of.ca_file or None)
        self._server = ldap3.Server(of.url, tls=tls, connect_timeout=SECONDS, get_info=ldap3.NONE)

    def weigh(self, login: str, password: str, now: datetime) -> Identity | None:
        """Return who it is, None where login and password do not fit."""
        if not login.strip() or not password:
            return None
        try:
            found = self._found(login)
            dn = found["dn"] if found is not None else f"uid=nobody-{secrets.token_hex(8)},{self._of.base}"
            if not self._bound(dn, password) or found is None:
                return None
        except (LDAPException, OSError) as error:
            raise down(type(error).__name__) from error
        return self._identity(found)

    def _found(self, login: str) -> dict[str, Any] | None:
        """Return the one entry of a login; several are as good as none."""
        of = self._of
        wanted = of.filter.replace("{login}", escape_filter_chars(login))
        with self._connection(of.bind_dn or None, of.bind_password or None) as connection:
            if not self._opened(connection):
                raise down("refuses our own account")
            connection.search(of.base, wanted, ldap3.SUBTREE, attributes=["*", *ID], size_limit=2, time_limit=SECONDS)
            entries = [one for one in connection.response or () if one["type"] == "searchResEntry"]
        return entries[0] if len(entries) == 1 else None

    def _bound(self, dn: str, password: str) -> bool:
        with self._connection(dn, password) as connection:
            return self._opened(connection)

    def _opened(self, connection: Any) -> bool:
        """Open, encrypt and bind; the password is sent only over what is encrypted."""
        connection.open()
        if self._of.starttls and not connection.start_tls():
            raise down("does not encrypt")
        connection.bind()
        return bool(connection.result["result"] == RESULT_SUCCESS)

    def _connection(self, dn: str | None, password: str | None) -> Any:
        return _Closing(ldap3.Connection(
            self._server, user=dn, password=password, auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False,
            authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS, receive_timeout=SECONDS, read_only=True,
            return_empty_attributes=False, check_names=False, raise_exceptions=False,
        ))  # fmt: skip

    def _identity(self, entry: dict[str, Any]) -> Identity:
        said = flat({"dn": entry["dn"]} | _texts(entry["raw_attributes"]))
        names = [self._of.subject] if self._of.subject else [name for name in ID if name in said]
        found = said.get(names[0], ()) if names else ()
        if len(found) != 1:
            raise Unproven("signin.provider", "the directory gives no stable id", why="subject")
        return Identity(provider=self._of.key, subject=found[0], attributes=said)


class _Closing:
    """A connection that is closed whatever happens, without binding by itself."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> Any:
        return self._connection

    def __exit__(self, *_: object) -> None:
        left = self._connection.socket
        self._connection.unbind()
        if left is not None:
            left.close()  # one that could not be connected is left open by the library


def _texts(raw: dict[str, list[bytes]]) -> dict[str, list[str]]:
    """Return the values as texts; what is no UTF-8, as Active Directory's ids, in hexadecimal."""
    found: dict[str, list[str]] = {}
    for name, values in raw.items():
        if name.lower() in {"userpassword", "unicodepwd", "sambantpassword", "jpegphoto", "thumbnailphoto"}:
            continue
        found[name] = [_decoded(name, value) for value in values]
    return found


def _decoded(name: str, value: bytes) -> str:
    if name == "objectGUID":
        return value.hex()
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
