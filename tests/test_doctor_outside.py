"""What `qaflow doctor --deploy` finds about providers and channels: unreachable, not what they seem, broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from campus import NAMES
from conftest import Run
from flask import Flask
from test_signin_hostile import Puppet, discovery, puppet

from qaflow import testing
from qaflow.adapters import campus as adapters
from qaflow.adapters.clock import SystemClock
from qaflow.providers import Cas, Ldap, Oidc, Provider
from qaflow.services.notices import channels as channel_desk
from qaflow.services.notices.channels import NewBot
from qaflow.services.ports import Ports
from qaflow.services.running import outside
from qaflow.store.db import db

SAID = "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>{}</cas:serviceResponse>"
REFUSED = SAID.format("<cas:authenticationFailure code='INVALID_TICKET'>no</cas:authenticationFailure>").encode()
LET_IN = SAID.format("<cas:authenticationSuccess><cas:user>x</cas:user></cas:authenticationSuccess>").encode()
ASKED = {"/.well-known/openid-configuration", "/token", "/cas/p3/serviceValidate"}


@pytest.fixture
def there() -> Iterator[Puppet]:
    """Run a provider whose token endpoint refuses, as a right one refuses a made-up code."""
    with puppet() as made:
        made.bodies["/token"] = b'{"error": "invalid_grant"}'
        made.bodies["/cas/p3/serviceValidate"] = REFUSED
        yield made


def found(app: Flask, *providers: Provider) -> list[str]:
    """Return what the doctor says of some providers."""
    ports: Ports = app.extensions["qaflow"]
    ports = replace(ports, settings=replace(ports.settings, providers=providers),
                    redirecting=adapters.redirecting(providers), weighing=adapters.weighing(providers))  # fmt: skip
    return [one["why"] for one in outside.check(db.session, ports, SystemClock().now())]


def oidc(url: str) -> Oidc:
    """Return a provider of OpenID Connect."""
    return Oidc(key="campus", issuer=url, client_id="qaflow", **NAMES)


def cas(url: str) -> Cas:
    """Return a server of CAS."""
    return Cas(key="cas", server=url, **NAMES)


def test_providers_that_refuse_what_is_made_up_are_right(app: Flask, there: Puppet) -> None:
    assert found(app, oidc(there.url), cas(f"{there.url}/cas")) == []
    assert {path for path, _ in there.asked} >= ASKED


def test_providers_that_cannot_be_reached_are_named(app: Flask) -> None:
    down = (oidc("http://127.0.0.1:9"), cas("http://127.0.0.1:9/cas"),
            Ldap(key="directory", **NAMES, url="ldaps://127.0.0.1:9", base="dc=x"))  # fmt: skip

    told = found(app, *down)

    assert [why.split(":")[0] for why in told] == ["the provider campus", "the provider cas", "the provider directory"]


@pytest.mark.parametrize("page", [b"<html>Welcome</html>", b"", b"<a/>", b"not found"])
def test_an_address_where_no_server_of_cas_is(app: Flask, there: Puppet, page: bytes) -> None:
    there.bodies["/cas/p3/serviceValidate"] = page

    assert len(found(app, cas(f"{there.url}/cas"))) == 1


def test_a_provider_that_describes_itself_under_another_name(app: Flask, there: Puppet) -> None:
    there.bodies["/.well-known/openid-configuration"] = discovery(there, issuer="https://elsewhere.example")

    (told,) = found(app, oidc(there.url))
    assert "another name" in told


def test_a_provider_that_lets_in_whoever_comes(app: Flask, there: Puppet) -> None:
    there.bodies["/cas/p3/serviceValidate"] = LET_IN

    (told,) = found(app, cas(f"{there.url}/cas"))
    assert "made-up" in told
    assert testing.World(db.session).query("select count(*) from linked_account") == [(0,)]


class Deaf:
    """Bots of any address."""

    def check(self, kind: str, address: str) -> None:
        """Take it."""


def test_a_channel_that_fails_and_one_whose_secret_cannot_be_read(app: Flask) -> None:
    from asking import who

    world, ports = testing.World(db.session), replace(app.extensions["qaflow"], chats=Deaf())
    bot = NewBot(kind="wecom", name="the group", address="https://bots.example/?key=hush-hush")
    number = channel_desk.add(db.session, ports, world.origin("admin"), who(world, "admin"), bot)
    other = replace(ports, settings=replace(ports.settings, secret_key="another-key-than-before-0123456789-abc"))

    assert outside.check(db.session, ports, world.now) == []
    (sealed,) = outside.check(db.session, other, world.now)
    world.query("update channel set tries = 3, last_error = '93000' where id = :i returning id", i=number)
    db.session.commit()
    (broken,) = outside.check(db.session, ports, world.now)

    assert (sealed["ref"], broken["ref"]) == ("secret.sealed", "channel.broken")
    assert "the group" in sealed["why"] and "93000" in broken["why"]
    assert "hush" not in json.dumps([sealed, broken])


def test_the_command_tells_of_it_and_a_missing_secret_does_not_start(app: Flask, runner: Run, tmp_path: Path) -> None:
    testing.World(db.session)
    db.session.remove()
    file = tmp_path / "signin.yaml"
    head = "providers:\n  - key: campus\n    kind: oidc\n    name: {zh: 甲, en: A}\n    client_id: q\n"
    file.write_text(head + "    issuer: http://127.0.0.1:9\n")
    file.chmod(0o600)

    told = runner("doctor", "--deploy", QAFLOW_SIGNIN=str(file))
    file.write_text(head + "    issuer: http://127.0.0.1:9\n    client_secret: {env: QAFLOW_NOT_SET}\n")
    missing = runner("doctor", "--deploy", QAFLOW_SIGNIN=str(file))

    assert told.exit_code == 3 and "the provider campus" in told.output + told.stderr
    assert missing.exit_code == 2 and "QAFLOW_NOT_SET" in missing.output + missing.stderr
