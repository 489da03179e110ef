"""The providers by which a campus signs in: one file (YAML or JSON) that `QAFLOW_SIGNIN` names, read once at start.

Whatever is unknown, missing or unsafe in it is refused with its place and with what to type. Secrets stand in the file
(then for its owner alone) or are named as ``{env: NAME}`` or ``{file: PATH}``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from qaflow.errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_PROVIDERS, MOST_RULES, MOST_BYTES = 20, 200, 1_000_000
NAME, LONG = validate.Length(1, 200), validate.Length(1, 2000)
KEY = validate.Regexp(r"[a-z][a-z0-9-]{0,39}\Z", error="must be small letters, digits and hyphens")
ROLE = validate.Regexp(r"[^@\s]+(@\S+)?\Z", error="must be as in an import of people: role, role@unit:CODE, …")
EXAMPLE = "see docs/sign-in.md"


@dataclass(frozen=True, kw_only=True)
class RoleRule:
    """Whoever has this value in this attribute holds this role (``role@scope``)."""

    attribute: str
    value: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What all kinds have: who they are to people, and what their attributes mean here."""

    key: str
    name_zh: str
    name_en: str
    college: str = ""  # whose people these are; may be left out where there is one college
    subject: str = ""  # the attribute that never changes and is nobody else's later; "" the protocol's own
    login: str = ""  # the attributes from which a new person is made
    full_name: str = ""
    link: str = ""  # the attribute that is an imported person's login; "" nobody is linked by it
    roles: tuple[RoleRule, ...] = ()
    ca_file: str = ""  # the campus's own certificate authority


@dataclass(frozen=True, kw_only=True)
class Oidc(Provider):
    """OpenID Connect: authorisation code with PKCE."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")


@dataclass(frozen=True, kw_only=True)
class Cas(Provider):
    """CAS, protocol 3."""

    server: str


@dataclass(frozen=True, kw_only=True)
class Ldap(Provider):
    """A directory: search as ourselves, then bind as whoever signs in."""

    url: str
    starttls: bool = False
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    base: str
    filter: str = "(uid={login})"


class Secret(fields.Field[str]):
    """A text, or where it stands."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, str) and value:
            self.context_inline()
            return value
        if isinstance(value, Mapping) and len(value) == 1:
            (kind, where), *_ = value.items()
            if kind == "env" and isinstance(where, str):
                return _there(os.environ.get(where, ""), f"the environment variable {where} is not set")
            if kind == "file" and isinstance(where, str):
                return _there(_read_secret(Path(where)), f"{where} is empty")
        raise ValidationError("must be a text, {env: NAME} or {file: PATH}")

    def context_inline(self) -> None:
        """Note that the file holds a secret itself."""
        root: Any = self.root
        root.inline = True


def _there(text: str, otherwise: str) -> str:
    if not text:
        raise ValidationError(otherwise)
    return text


def _read_secret(file: Path) -> str:
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValidationError(f"others may read {file}; type: chmod 600 {file}")
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"cannot read {file}") from error


def _secure(scheme: str) -> Callable[[str], None]:
    """Return the check of an address that passwords or tokens go to: encrypted, unless it is this machine."""

    def check(text: str) -> None:
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            raise ValidationError("is no address") from None
        plain = scheme.removesuffix("s")
        if parts.scheme not in {scheme, plain} or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValidationError(f"is no address of the form {scheme}://HOST/…")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValidationError(f"goes over plain http, where tokens can be read; write https://{parts.hostname}")

    return check


class _Names(Schema):
    zh = fields.Str(required=True, validate=NAME)
    en = fields.Str(required=True, validate=NAME)


class _Rule(Schema):
    attribute = fields.Str(required=True, validate=NAME)
    value = fields.Str(required=True, validate=LONG)
    role = fields.Str(required=True, validate=ROLE)


class _Provider(Schema):
    inline = False
    key = fields.Str(required=True, validate=KEY)
    kind = fields.Str(required=True)
    name = fields.Nested(_Names, required=True)
    college = fields.Str(validate=NAME)
    subject = fields.Str(validate=NAME)
    login = fields.Str(validate=NAME)
    full_name = fields.Str(validate=NAME)
    link = fields.Str(validate=NAME)
    ca_file = fields.Str(validate=LONG)
    roles = fields.List(fields.Nested(_Rule), validate=validate.Length(0, MOST_RULES))


class _Oidc(_Provider):
    issuer = fields.Str(required=True, validate=[LONG, _secure("https")])
    client_id = fields.Str(required=True, validate=NAME)
    client_secret = Secret()
    scopes = fields.List(fields.Str(validate=validate.Regexp(r"[!#-\[\]-~]{1,200}\Z")),
                         validate=[validate.Length(1, 20), validate.ContainsNoneOf([""])])  # fmt: skip


class _Cas(_Provider):
    server = fields.Str(required=True, validate=[LONG, _secure("https")])


class _Ldap(_Provider):
    url = fields.Str(required=True, validate=[LONG, _secure("ldaps")])
    starttls = fields.Bool(truthy={True}, falsy={False})
    bind_dn = fields.Str(validate=LONG)
    bind_password = Secret()
    base = fields.Str(required=True, validate=LONG)
    filter = fields.Str(validate=[LONG, validate.Regexp(r"\(.*\{login\}.*\)\Z", error="must hold {{login}}, as in "
                                                        "(uid={{login}})")])  # fmt: skip


KINDS: dict[str, tuple[type[_Provider], type[Provider]]] = {
    "oidc": (_Oidc, Oidc), "cas": (_Cas, Cas), "ldap": (_Ldap, Ldap),
}  # fmt: skip


def load(file: Path) -> tuple[Provider, ...]:
    """Return the providers of a file in its order; raise ConfigError (``config.signin``) for the first fault."""
    document = _document(file)
    if not isinstance(document, dict) or set(document) != {"providers"} or not isinstance(document["providers"], list):
        raise _bad(file, "must hold `providers:` and under it a list")
    listed = document["providers"]
    if not 0 < len(listed) <= MOST_PROVIDERS:
        raise _bad(file, f"must name 1 to {MOST_PROVIDERS} providers")
    made = [_provider(file, number, one) for number, one in enumerate(listed)]
    keys = [one.key for one, _ in made]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise _bad(file, f"providers[{number}].key: {key} stands twice")
    if any(inline for _, inline in made):
        _require_private(file)
    return tuple(one for one, _ in made)


def _document(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _bad(file, "is too large")
        return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(file, f"cannot be read ({type(error).__name__})") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise _bad(file, f"{where}is no YAML: {getattr(error, 'problem', None) or 'malformed'}") from error


def _provider(file: Path, number: int, given: Any) -> tuple[Provider, bool]:
    """Return a provider, and whether its secret stands in the file."""
    kind = given.get("kind") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise _bad(file, f"providers[{number}].kind: must be one of {', '.join(KINDS)}")
    shape, made = KINDS[kind]
    schema = shape()
    try:
        values = schema.load(given)
    except ValidationError as error:
        place, why = _first(error.messages)
        raise _bad(file, f"providers[{number}]{place}: {why}") from error
    name = values.pop("name")
    values.pop("kind")
    values["roles"] = tuple(RoleRule(**rule) for rule in values.pop("roles", ()))
    if "scopes" in values:
        values["scopes"] = tuple(dict.fromkeys(("openid", *values["scopes"])))
    found = made(name_zh=name["zh"], name_en=name["en"], **values)
    if found.ca_file and not Path(found.ca_file).is_file():
        raise _bad(file, f"providers[{number}].ca_file: there is no file {found.ca_file}")
    if isinstance(found, Ldap):
        _encrypted(file, number, found)
    return found, schema.inline


def _encrypted(file: Path, number: int, of: Ldap) -> None:
    parts = urlsplit(of.url)
    if parts.scheme == "ldap" and not of.starttls and parts.hostname not in LOOPBACK:
        raise _bad(file, f"providers[{number}].url: passwords would go in the clear; write ldaps://{parts.hostname} or "
                   "starttls: true")  # fmt: skip


def _first(messages: Any, place: str = "") -> tuple[str, str]:
    """Return the place and words of the first fault; values are never repeated, they may be secrets."""
    if isinstance(messages, dict):
        key, inner = next(iter(messages.items()))
        return _first(inner, f"{place}[{key}]" if isinstance(key, int) else place if key == "_schema" else
                      f"{place}.{key}")  # fmt: skip
    if isinstance(messages, list):
        return _first(messages[0], place)
    return place, str(messages)


def _require_private(file: Path) -> None:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError("config.signin_readable", f"others may read {file}, which holds secrets; "
                          f"type: chmod 600 {file}", path=str(file))  # fmt: skip


def _bad(file: Path, what: str) -> ConfigError:
    return ConfigError("config.signin", f"QAFLOW_SIGNIN {file}: {what}; {EXAMPLE}", path=str(file))
