"""Does what lies outside answer as it should: the campus's sign-in is asked, the channels of messages are looked at.

A provider is asked with what proves nothing; that it refuses is the right answer, and nobody is let in by it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from qaflow.errors import QaflowError, Unproven
from qaflow.providers import Provider
from qaflow.services import sealing
from qaflow.services.notices.addressing import PURPOSE
from qaflow.services.ports import Ports
from qaflow.services.signin import steps
from qaflow.services.work import AnySession
from qaflow.store import channels, colleges
from qaflow.store.driver import driver

NO_CAS = ("xml", "response")  # whatever answered there is no server of CAS
PATIENCE = "see that the address in the file that QAFLOW_SIGNIN names is right and can be reached from here"
Finding = dict[str, Any]


def check(session: AnySession, ports: Ports, now: dt.datetime) -> list[Finding]:
    """Return the providers that do not answer as they should, and the channels that do not work."""
    found = [unsafe("signin.provider_down", f"the provider {of.key}: {why}", PATIENCE)
             for of in ports.settings.providers if (why := _silent(ports, of, now)) is not None]  # fmt: skip
    d = driver(session)
    for college in colleges.everyone(d):
        found += [one for row in channels.everyone(d, college.id) for one in _channel(ports, row)]
    return found


def unsafe(code: str, why: str, remedy: str) -> Finding:
    """Return what stands against opening the installation to others, and what to type or to do."""
    return {"check": "deploy", "ref": code, "why": why, "remedy": remedy}


def _silent(ports: Ports, of: Provider, now: dt.datetime) -> str | None:
    """Return why a provider lets nobody in, None where it refuses as it should."""
    try:
        if of.key in ports.weighing:
            ports.weighing[of.key].weigh(f"nobody-{steps.new_id()}", steps.new_id(), now)
            return None
        asked, back = ports.redirecting[of.key], f"{ports.settings.base_url}/signin/by/{of.key}/back"
        sent = asked.begin(back, steps.new_id(), now, False)
        asked.finish(back, sent.kept, {"code": steps.new_id(), "ticket": f"ST-{steps.new_id()}"}, now)
    except Unproven as error:
        return error.detail if error.data.get("why") in NO_CAS else None
    except QaflowError as error:
        return error.detail
    return "lets in whoever comes with a made-up proof"


def _channel(ports: Ports, row: channels.Channel) -> list[Finding]:
    try:
        for sealed in (row.address, row.secret):
            if sealed is not None:
                sealing.unseal(ports.settings.secret_key, PURPOSE, sealed)
    except QaflowError as error:
        return [unsafe(error.code, f"the channel {row.name}: {error.detail}", "add the bot anew")]
    if row.tries:
        why = f"the channel {row.name} failed at its last {row.tries} tries: {row.last_error}"
        return [unsafe("channel.broken", why, "look at the channels' page")]
    return []
