"""The round of a browser to a provider and back: what it brings must belong to a round that began at this browser.

A round is remembered on the server under a random state, taken once: whoever comes with a state of another browser, a
second time, or after ten minutes, proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from qaflow.errors import Missing, Unproven
from qaflow.providers import Provider
from qaflow.services.accounts.signin import LONGEST_LOGIN, LONGEST_PASSWORD, Try, counted
from qaflow.services.ports import Identity, Ports, Redirecting
from qaflow.services.work import AnySession

from . import steps

AWAY = "away"
SIGN_IN, PROVE = "signin", "prove"


class Departure(NamedTuple):
    """Where the browser goes, and the state that it must hold when it comes back."""

    url: str
    state: str


class Arrival(NamedTuple):
    """Who came back, for what, and where they were going."""

    identity: Identity
    purpose: str
    next: str
    person: int  # who was signed in as they left, to prove it anew; else 0


def provider_of(ports: Ports, key: str) -> Provider:
    """Return a provider's settings; `Missing` where there is none of that name."""
    found = next((one for one in ports.settings.providers if one.key == key), None)
    if found is None:
        raise Missing("signin.unknown", f"no provider {key!r}")
    return found


def redirecting(ports: Ports, key: str) -> Redirecting:
    """Return a provider to which a browser goes."""
    found = ports.redirecting.get(key)
    if found is None:
        raise Missing("signin.unknown", f"no provider {key!r}")
    return found


def depart(session: AnySession, ports: Ports, key: str, back: str, target: str, person: int = 0) -> Departure:
    """Begin a round; of a person who is to prove anew who they are, the provider asks for a fresh sign-in."""
    state = steps.new_id()
    sent = redirecting(ports, key).begin(back, state, ports.clock.now(), bool(person))
    purpose = PROVE if person else SIGN_IN
    steps.put(session, ports, state, AWAY, {"provider": key, "kept": json.dumps(sent.kept), "next": target,
                                            "purpose": purpose, "person": str(person)})  # fmt: skip
    return Departure(sent.url, state)


def arrive(session: AnySession, ports: Ports, key: str, back: str, held: str, answer: Mapping[str, str]) -> Arrival:
    """End a round: return who came back; `held` is the state that this browser bears.

    Raises `Unproven` (``signin.state`` and what the provider's own proof lacks) and `Unavailable`.
    """
    asked = redirecting(ports, key)
    state = answer.get("state", "")
    if not held or state != held:
        raise Unproven("signin.state", "this answer belongs to no round of this browser", why="state")
    kept = steps.take(session, ports, state, AWAY)
    if kept is None or kept["provider"] != key:
        raise Unproven("signin.state", "this round is over", why="taken")
    identity = asked.finish(back, json.loads(kept["kept"]), answer, ports.clock.now())
    return Arrival(identity, kept["purpose"], kept["next"], int(kept["person"]))


def weighed(session: AnySession, ports: Ports, one: Try) -> Identity:
    """Return who a directory says it is, while the account has guesses left.

    Raises `Unproven` (``signin.wrong``), `Refused` (``signin.too_many``) and `Unavailable`.
    """
    asked = ports.weighing.get(one.provider)
    if asked is None:
        raise Missing("signin.unknown", f"no provider {one.provider!r}")
    if not one.password or len(one.password) > LONGEST_PASSWORD:
        raise Unproven("signin.wrong", "no password was given")
    login, now = one.login[:LONGEST_LOGIN], ports.clock.now()
    return counted(session, ports, one, lambda _login: asked.weigh(login, one.password, now), "signin.wrong",
                   "the login or the password is wrong")  # fmt: skip
