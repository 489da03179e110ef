"""Channels of notices over the API: a group's bot is added, tried at the next sweep, goes on and is removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from mailing import Vendor, vendor
from test_bots import ADDRESSES, SECRET, bots

from qaflow.services.sweeping import tick
from qaflow.store.db import db

CHANNELS = "/operations/channels"


@pytest.fixture
def there() -> Iterator[Vendor]:
    """Serve the bots."""
    with vendor() as found:
        yield found


@pytest.fixture
def site(site: Site, there: Vendor) -> Site:
    """Return the program on the tiny college, which takes the stand-in for every vendor."""
    site.app.extensions["qaflow"] = replace(site.app.extensions["qaflow"], chats=bots(there))
    return site


def bot(there: Vendor, **more: Any) -> dict[str, Any]:
    """Return a bot as it is sent."""
    return {"kind": "wecom", "name": "组", "address": there.origin + ADDRESSES["wecom"], **more}


def added(admin: Program, there: Vendor, **more: Any) -> int:
    """Add a bot; returns its number."""
    answer = admin.post(CHANNELS, bot(there, **more))
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def sweep(site: Site) -> None:
    """Sweep as the scheduler does, before a channel has rested."""
    site.later(seconds=10)
    tick.run(db.session, site.app.extensions["qaflow"], door="test", again=True)


def test_one_is_added_and_neither_its_address_nor_its_secret_comes_out_again(admin: Program, there: Vendor) -> None:
    unit = admin.site.world.units["section"]
    made = admin.post(CHANNELS, bot(there, secret=SECRET, unit=unit, language="en"))
    number = made.get_json()["id"]

    texts = [made.text, admin.get(CHANNELS).text, admin.get(f"{CHANNELS}/{number}").text]
    (one,) = admin.get(CHANNELS).get_json()["items"]
    assert made.headers["Location"] == f"/api/v1{CHANNELS}/{number}"
    assert (one["kind"], one["name"], one["unit"], one["language"]) == ("wecom", "组", unit, "en")
    assert (one["broken"], one["waiting"], one["shown"][-4:]) == (False, 0, "bc-1")
    assert [text for text in texts if "key=abc" in text or "abc-1" in text or SECRET in text] == []
    assert "组" in admin.site.browser("admin").get(CHANNELS).text


def test_a_trial_waits_for_the_next_sweep_and_then_arrives(admin: Program, there: Vendor) -> None:
    number = added(admin, there)

    waiting = admin.ask("POST", f"{CHANNELS}/{number}/trial").get_json()
    before = len(there.posted)
    sweep(admin.site)

    assert (waiting["waiting"], before, len(there.posted)) == (1, 0, 1)
    sent = admin.get(f"{CHANNELS}/{number}").get_json()
    assert sent["waiting"] == 0 and sent["sent_at"] and not sent["broken"]


def test_a_broken_one_says_why_and_goes_on_when_it_is_told_to(admin: Program, there: Vendor) -> None:
    number, there.answer = added(admin, there), {"errcode": 93000, "errmsg": "invalid webhook url"}
    admin.ask("POST", f"{CHANNELS}/{number}/trial")
    sweep(admin.site)
    broken = admin.get(f"{CHANNELS}/{number}").get_json()

    there.answer = {"errcode": 0, "errmsg": "ok"}
    freed = admin.ask("POST", f"{CHANNELS}/{number}/resume").get_json()
    sweep(admin.site)

    assert broken["broken"] and "93000" in broken["last_error"] and broken["next_try_at"] and broken["waiting"] == 1
    assert freed["next_try_at"] is None
    assert not admin.get(f"{CHANNELS}/{number}").get_json()["broken"] and len(there.posted) == 2


def test_a_removed_one_is_gone_with_what_waited(admin: Program, there: Vendor) -> None:
    number = added(admin, there)
    admin.ask("POST", f"{CHANNELS}/{number}/trial")

    assert admin.ask("DELETE", f"{CHANNELS}/{number}").status_code == 204
    sweep(admin.site)

    assert code(admin.get(f"{CHANNELS}/{number}")) == (404, "channel.not_found")
    assert code(admin.ask("DELETE", f"{CHANNELS}/{number}")) == (404, "channel.not_found")
    assert [one["kind"] for one in admin.get(CHANNELS).get_json()["items"]] == ["mail"] and there.posted == []


@pytest.mark.parametrize(("more", "pointer", "fault"), [
    ({"address": "https://evil.test/cgi-bin/webhook/send?key=k"}, "/address", "channel.address"),
    ({"unit": 987654}, "/unit", "value.unknown"),
    ({"name": "  "}, "/name", "text.blank"),
    ({"kind": "mail"}, "/kind", "value.unknown"),
    ({"tries": 3}, "/tries", "field.unknown"),
])  # fmt: skip
def test_what_cannot_be_a_bot_is_refused_at_its_field(admin: Program, there: Vendor, more: dict[str, Any],
                                                      pointer: str, fault: str) -> None:  # fmt: skip
    answer = admin.post(CHANNELS, bot(there, **more))

    (one,) = answer.get_json()["errors"]
    assert (answer.status_code, one["pointer"], one["code"]) == (422, pointer, fault)
    assert admin.get(CHANNELS).get_json()["items"] == []


def test_a_name_is_given_once(admin: Program, there: Vendor) -> None:
    added(admin, there)

    assert code(admin.post(CHANNELS, bot(there))) == (422, "channel.taken")


def test_mail_is_neither_tried_nor_removed(admin: Program, there: Vendor) -> None:
    admin.site.world.start("C1")
    admin.site.later(days=30)
    sweep(admin.site)
    (mail,) = admin.get(CHANNELS).get_json()["items"]

    assert mail["kind"] == "mail"
    assert code(admin.ask("POST", f"{CHANNELS}/{mail['id']}/trial")) == (422, "channel.mail")
    assert code(admin.ask("DELETE", f"{CHANNELS}/{mail['id']}")) == (422, "channel.mail")


def test_only_the_administrator_has_them(admin: Program, there: Vendor) -> None:
    number = added(admin, there)

    for login in ("lead", "office", "vp"):
        other = program(admin.site, login)
        assert code(other.get(f"{CHANNELS}/{number}")) == (403, "action.forbidden")
        assert code(other.ask("POST", f"{CHANNELS}/{number}/trial")) == (403, "action.forbidden")
