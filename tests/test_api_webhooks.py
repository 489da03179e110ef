"""Webhooks over the API: what the administrator does there is seen on the page, and nobody else does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from browsing import Site
from calling import Program, code, program
from receiving import Receiver

from qaflow.adapters.targets import Guard
from qaflow.adapters.webhooks import Sender
from qaflow.services.events import delivering
from qaflow.store.db import db


@pytest.fixture
def site(site: Site) -> Site:
    """Return the program on the tiny college, whose sender may reach this machine."""
    sender = Sender(guard=Guard(loopback=True, ports=False), whole=5.0)
    site.app.extensions["qaflow"] = replace(site.app.extensions["qaflow"], poster=sender)
    return site


def added(admin: Program, url: str = "https://127.0.0.1:8443/hook", **more: Any) -> int:
    """Add a webhook; returns its number."""
    answer = admin.post("/webhooks", {"name": "mining", "url": url, **more})
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def act(admin: Program, number: int, verb: str) -> Any:
    """Act on a webhook as it stands."""
    tag = admin.get(f"/webhooks/{number}").headers["ETag"]
    return admin.ask("POST", f"/webhooks/{number}/{verb}", If_Match=tag)


def test_one_is_added_with_its_secret_shown_once_and_stands_on_the_page(admin: Program) -> None:
    made = admin.post("/webhooks", {"name": "mining", "url": "https://127.0.0.1:8443/hook",
                                    "types": ["qaflow.cycle.started"]})  # fmt: skip
    number, secret = made.get_json()["id"], made.get_json()["secret"]

    (one,) = admin.get("/webhooks").get_json()["items"]
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/webhooks/{number}")
    assert (one["id"], one["state"], one["types"]) == (number, "active", ["qaflow.cycle.started"])
    assert secret not in admin.get(f"/webhooks/{number}").text
    assert "mining" in admin.site.browser("admin").get("/operations/webhooks").text


def test_it_is_paused_and_goes_on_and_who_read_an_older_state_is_told(admin: Program) -> None:
    number = added(admin)
    old = admin.get(f"/webhooks/{number}").headers["ETag"]

    assert act(admin, number, "pause").get_json()["state"] == "paused"
    assert code(admin.ask("POST", f"/webhooks/{number}/resume", If_Match=old)) == (412, "version.stale")
    assert code(admin.ask("POST", f"/webhooks/{number}/resume")) == (428, "match.missing")
    assert act(admin, number, "resume").get_json()["state"] == "active"


def test_a_renewed_secret_is_another_and_the_one_before_signs_for_a_day(admin: Program) -> None:
    first = admin.post("/webhooks", {"name": "mining", "url": "https://127.0.0.1:8443/hook"}).get_json()

    second = act(admin, first["id"], "secret").get_json()

    assert second["secret"] != first["secret"]
    assert admin.get(f"/webhooks/{first['id']}").get_json()["before_until"]


def test_a_removed_one_is_gone(admin: Program) -> None:
    number = added(admin)

    assert act(admin, number, "remove").status_code == 204

    assert code(admin.get(f"/webhooks/{number}")) == (404, "webhook.not_found")
    assert admin.get("/webhooks").get_json()["items"] == []


def test_a_trial_arrives_and_is_sent_again_under_its_id(admin: Program) -> None:
    with Receiver() as receiver:
        number = added(admin, receiver.url)
        assert admin.ask("POST", f"/webhooks/{number}/trial").status_code == 204
        (waiting,) = admin.get(f"/webhooks/{number}/deliveries").get_json()["items"]
        deliver(admin.site)
        (sent,) = admin.get(f"/webhooks/{number}/deliveries").get_json()["items"]
        assert admin.ask("POST", f"/webhooks/{number}/deliveries/{sent['id']}/again").status_code == 204
        deliver(admin.site)

    assert (waiting["state"], sent["state"], sent["message"]) == ("waiting", "sent", waiting["message"])
    assert len(receiver.taken) == 2


def test_a_waiting_delivery_is_passed_over(admin: Program) -> None:
    number = added(admin)
    admin.ask("POST", f"/webhooks/{number}/trial")
    (one,) = admin.get(f"/webhooks/{number}/deliveries").get_json()["items"]

    assert admin.ask("POST", f"/webhooks/{number}/deliveries/{one['id']}/drop").status_code == 204

    assert admin.get(f"/webhooks/{number}/deliveries").get_json()["items"][0]["state"] == "dropped"
    assert code(admin.ask("POST", f"/webhooks/{number}/deliveries/987654/again")) == (404, "delivery.not_found")


@pytest.mark.parametrize(("body", "fault"), [
    ({"name": "x", "url": "https://10.0.0.1/"}, "url.not_public"),
    ({"name": "x", "url": "ftp://example.org/"}, "url.invalid"),
    ({"name": "x", "url": "https://127.0.0.1:8443/", "types": ["qaflow.cycle.begun"]}, "data.invalid"),
    ({"name": "x", "url": "https://127.0.0.1:8443/", "state": "paused"}, "data.invalid"),
])  # fmt: skip
def test_what_may_not_be_sent_to_is_refused(admin: Program, body: dict[str, Any], fault: str) -> None:
    assert code(admin.post("/webhooks", body)) == (422, fault)
    assert admin.get("/webhooks").get_json()["items"] == []


def test_only_the_administrator_has_them(admin: Program) -> None:
    number = added(admin)

    for login in ("lead", "office", "vp"):
        assert program(admin.site, login).get(f"/webhooks/{number}").status_code == 403


def deliver(site: Site) -> None:
    """Send what waits, as the tick does."""
    delivering.deliver(db.session, site.app.extensions["qaflow"], site.world.origin(), True, 10.0)
