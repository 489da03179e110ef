"""The sign-in as administrators keep it: the college's rules, who lacks what, and people's accounts at providers."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.resource import Resource
from qaflow.errors import Missing
from qaflow.providers import MOST_PROVIDERS
from qaflow.services.rehearsing import digest_of
from qaflow.services.signin import desk, linking
from qaflow.services.signin.desk import LISTED, MINUTES
from qaflow.store.second_factors import Rule

resource = Resource("api_signin", __name__, url_prefix="", description="How people sign in")
SUBJECT = 2000
LINKS = 1000


class Rules(s.Strict):
    """What the college asks: one-time codes of who may do much, a fresh proof for an approval after so many minutes."""

    second_factor = s.flag(required=True)
    approval_minutes = s.whole(*MINUTES, required=True, allow_none=True)


class Provider(s.Strict):
    """A way to sign in that the operator set up."""

    key = s.text(s.NAME, required=True)
    name = s.one(s.Named, required=True)


class Someone(s.Strict):
    """A person."""

    id = s.ident(required=True)
    login = s.text(s.NAME, required=True)
    name = s.text(s.NAME, required=True)


class Waiting(Someone):
    """A person whom a provider brought and whom nobody gave a role yet."""

    provider = s.text(s.NAME, required=True)
    since = s.instant(required=True)


class Idle(Someone):
    """A person who has not signed in for 90 days, or never did."""

    last_at = s.instant(required=True, allow_none=True)
    providers = s.whole(required=True)


class Standing(s.Strict):
    """How the college signs in: its rules, its providers, who waits for a role, lacks a second factor, never comes."""

    rules = s.one(Rules, required=True)
    providers = s.many(Provider, MOST_PROVIDERS, required=True)
    waiting = s.many(Waiting, LISTED, required=True)
    lacking = s.many(Someone, LISTED, required=True)
    idle = s.many(Idle, LISTED, required=True)


class Link(s.Strict):
    """An account at a provider, by the provider's stable id; `made_person` where the person was added for it."""

    id = s.ident(required=True)
    provider = s.text(s.NAME, required=True)
    subject = s.text(SUBJECT, required=True)
    made_person = s.flag(required=True)
    linked_at = s.instant(required=True)
    last_at = s.instant(required=True)


class Signing(s.Strict):
    """How a person signs in."""

    last_at = s.instant(required=True, allow_none=True)
    second_factor = s.flag(required=True)
    links = s.many(Link, LINKS, required=True)


@resource.get("/signin", scope="admin", gives=Standing)
def show(call: Call) -> dict[str, Any]:
    """Show how the college signs in."""
    found = desk.look(call.session, call.origin, call.me)
    providers = [{"key": one.key, "name": {"zh": one.name_zh, "en": one.name_en}}
                 for one in call.ports.settings.providers]  # fmt: skip
    lacking = [dict(zip(("id", "login", "name"), one, strict=True)) for one in found.lacking]
    waiting, idle = ([one._asdict() for one in people] for people in (found.waiting, found.idle))
    return {"rules": _rules(found.rule), "providers": providers, "waiting": waiting, "lacking": lacking, "idle": idle}


@resource.get("/signin/rules", scope="admin", gives=Rules)
def rules(call: Call) -> Answer:
    """Show what the college asks of who signs in."""
    return _shown(call)


@resource.put("/signin/rules", scope="admin", takes=Rules, gives=Rules)
def rule(call: Call) -> Answer:
    """Set what the college asks of who signs in."""
    call.hold(f"signin:{call.me.college}")
    call.require(_tag(desk.look(call.session, call.origin, call.me).rule))
    asked = call.body["second_factor"], call.body["approval_minutes"]
    desk.rule(call.session, call.origin, call.me, *asked)
    return _shown(call)


@resource.get("/people/<int:number>/signin", scope="admin", gives=Signing)
def of_person(call: Call, number: int) -> dict[str, Any]:
    """Show how a person signs in."""
    found = desk.of_person(call.session, call.origin, call.me, number)
    return {"last_at": found.last_at, "second_factor": found.has_factor,
            "links": [one._asdict() for one in found.links]}  # fmt: skip


@resource.delete("/people/<int:number>/links/<int:link>", scope="admin")
def unlink(call: Call, number: int, link: int) -> None:
    """Part a person from an account at a provider; the roles that came by it go with it, and its sessions end."""
    if not linking.unlink(call.session, call.origin, call.me, number, link):
        raise Missing("link.not_found", f"no link {link}")


def _rules(of: Rule) -> dict[str, Any]:
    return {"second_factor": bool(of.second_factor), "approval_minutes": of.approval_minutes}


def _tag(of: Rule) -> str:
    return digest_of(_rules(of))[:32]


def _shown(call: Call) -> Answer:
    of = desk.look(call.session, call.origin, call.me).rule
    return Answer(body=_rules(of), tag=_tag(of))
