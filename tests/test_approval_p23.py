"""P23: a decision counts once, of whoever may decide, about what they saw; tried in the browser and at one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from browsing import PASSWORD, Site
from browsing import site as made
from flask import Flask
from processes import tell
from rights.served import Surfer, at_once, server
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.engine.definition import Signers
from qaflow.services.accounts import passwords
from qaflow.store.db import db
from qaflow.testing import NOTE, World, spiral, stage

BOTH = Signers(role="major_leader", days=3, need="all")
STAGES = (stage("goal", form=(NOTE,), decide=BOTH), stage("design"), stage("implement"), stage("improve"))
RACES = 100


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, in which two leaders of the major decide together."""
    found = made(settings)
    found.world.person("second", "major_leader", "section")
    yield found
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def world(site: Site) -> World:
    """Return the college, its goals decided by both leaders of the major."""
    from qaflow.services.definitions import publishing as definitions

    whole = spiral("tiny.teaching", STAGES, version=2)
    definitions.publish(db.session, site.world.origin(), whole)
    return site.world


def decide(site: Site, login: str, cycle: int, action: str = "approve", revision: int = 1, **more: str) -> TestResponse:
    """Let somebody decide in a browser of their own."""
    return site.browser(login).post(f"/cycles/{cycle}/{action}", revision=revision, **more)


def submitted(world: World, text: str = "first") -> int:
    """Return a cycle whose goals are handed in."""
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={"note": text})
    return cycle


def test_nobody_approves_their_own_work(site: Site, world: World) -> None:
    world.person("lead", "major_leader", "section")
    cycle = submitted(world)

    assert decide(site, "lead", cycle).status_code in (403, 409)
    assert world.kinds(cycle)[-1] == "StageSubmitted"


def test_one_person_counts_once_however_often_they_say_yes(site: Site, world: World) -> None:
    cycle = submitted(world)

    answers = [decide(site, "major", cycle).status_code for _ in range(3)]

    assert answers[0] == 303 and all(status in (403, 409, 412) for status in answers[1:])
    assert world.state(cycle)["signatures"] == {"need": 2, "given": 1}
    assert decide(site, "second", cycle).status_code == 303
    assert world.state(cycle)["stage"] == "design"


@pytest.mark.parametrize("absent", ["major", "lead"])
def test_no_deputy_decides_what_they_or_whom_they_stand_in_for_handed_in(site: Site, world: World, absent: str) -> None:
    """The submitter stands in for the approver, or the approver's deputy stands in for the submitter."""
    world.deputy(absent, "lead" if absent == "major" else "major")
    cycle = submitted(world) if absent == "major" else world.start()
    if absent == "lead":
        world.fire(cycle, "submit", "major", content={"note": "for lead"})

    assert decide(site, "lead" if absent == "major" else "major", cycle).status_code in (403, 409)
    assert world.kinds(cycle)[-1] == "StageSubmitted"


def test_whoever_stands_in_for_both_signers_counts_for_one(site: Site, world: World) -> None:
    world.deputy("major", "deputy")
    world.deputy("second", "deputy")
    cycle = submitted(world)

    for _ in range(3):
        decide(site, "deputy", cycle)

    assert world.state(cycle)["stage"] == "goal" and world.state(cycle)["signatures"]["given"] == 1


def test_a_signer_who_lost_the_post_between_form_and_submit_decides_nothing(site: Site, world: World) -> None:
    cycle = submitted(world)
    form = site.browser("major")
    token = form.token(f"/cycles/{cycle}")
    world.vacate("major")

    answer = form.client.post(f"/cycles/{cycle}/approve", data={"csrf_token": token, "revision": 1})

    assert answer.status_code == 401
    assert world.kinds(cycle)[-1] == "StageSubmitted"


def test_who_lost_the_post_and_signs_in_anew_decides_nothing(site: Site, world: World) -> None:
    cycle = submitted(world)
    world.vacate("major")

    assert decide(site, "major", cycle).status_code in (403, 409)
    assert world.kinds(cycle)[-1] == "StageSubmitted"


def test_a_second_tab_after_the_decision_is_told_and_changes_nothing(site: Site, world: World) -> None:
    cycle = submitted(world)
    for login in ("major", "second"):
        assert decide(site, login, cycle).status_code == 303
    before = world.kinds(cycle)

    for action in ("approve", "reject"):
        answer = decide(site, "second", cycle, action, reason="too late", comment="too late")
        assert answer.status_code in (409, 412) and "too late" in answer.text
    assert world.kinds(cycle) == before


def test_a_yes_to_the_former_content_is_void_and_its_form_stale(site: Site, world: World) -> None:
    cycle = submitted(world)
    assert decide(site, "major", cycle).status_code == 303
    assert decide(site, "second", cycle, "reject", reason="rewrite it").status_code == 303
    world.fire(cycle, "submit", "lead", content={"note": "quite another text"})
    revision = world.state(cycle)["revision"]

    assert world.state(cycle)["signatures"]["given"] == 0
    assert decide(site, "second", cycle, revision=1).status_code == 412  # the form that showed the first text
    assert decide(site, "second", cycle, revision=revision).status_code == 303
    assert world.state(cycle)["stage"] == "goal"


def test_who_decides_is_never_taken_from_what_is_sent(site: Site, world: World) -> None:
    cycle = submitted(world)
    forged = {name: str(world.persons["second"]) for name in ("actor", "person", "signer", "on_behalf_of", "for_", "as",
                                                             "user_id", "holder")}  # fmt: skip

    assert decide(site, "guest", cycle, **forged).status_code == 404
    assert decide(site, "major", cycle, **forged).status_code == 303
    assert world.state(cycle)["signatures"]["given"] == 1
    (found,) = world.query("select actor, on_behalf_of from journal order by id desc limit 1")
    assert found == (str(world.persons["major"]), None)


def test_an_actor_from_the_form_would_be_caught(site: Site, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: the door believes the form."""
    from dataclasses import replace

    from flask import request

    from qaflow.web import access
    from qaflow.web.cycles import changes as cycle_changes
    from qaflow.web.cycles import pages as cycles

    def believing():  # type: ignore[no-untyped-def]
        return replace(access.mine(), person=int(request.form.get("actor") or access.me().person))

    for module in (cycles, cycle_changes):
        if hasattr(module, "mine"):
            monkeypatch.setattr(module, "mine", believing)
    cycle = submitted(world)
    decide(site, "guest", cycle, actor=str(world.persons["second"]))

    assert world.state(cycle)["signatures"]["given"] == 1


def test_two_signers_at_one_moment_reach_the_quorum_once(store_app: Flask, store_settings: Settings) -> None:
    world = World(db.session, spiral(stages=STAGES), now=datetime.now(UTC))
    world.person("second", "major_leader", "section")
    codes = [f"R{n}" for n in range(RACES)]
    world.courses(codes, "section", "lead")
    cycles = [world.start(code) for code in codes]
    for cycle in cycles:
        world.fire(cycle, "submit", "lead", content={"note": "n"})
    passwords.share(db.session, world.origin(), [world.persons[one] for one in ("major", "second")], PASSWORD)
    db.session.remove()

    heard: Counter[int] = Counter()
    with server(store_settings) as port:
        signers = [Surfer(port) for _ in range(2)]
        for surfer, login in zip(signers, ("major", "second"), strict=True):
            assert surfer.sign_in(login, PASSWORD).status == 303
        for cycle in cycles:
            asks = [partial(one.ask, "POST", f"/cycles/{cycle}/approve", {"revision": 1}) for one in signers]
            heard.update(answer.status for answer in at_once(asks))

    assert heard == {303: 2 * RACES}  # another's yes makes no form stale (engine rules, 3)
    for cycle in cycles:
        assert world.state(cycle)["stage"] == "design"
        assert Counter(world.kinds(cycle))["StageApproved"] == 1
    assert world.audit()["findings"] == []
    tell(
        f"P23: {RACES} races of two signers: the quorum was reached once in each (0 of {RACES}: under {3 / RACES:.0%})"
    )
