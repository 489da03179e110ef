"""Drafts: kept as typed, seen by their author alone, never lost, never submitted by themselves, never journalled."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Browser, Site
from werkzeug.test import TestResponse

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Field
from qaflow.errors import Missing
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import drafting
from qaflow.store.db import db
from qaflow.testing import MONDAY, NOTE, World, label, spiral, stage

FORM = (NOTE, Field(key="hours", label=label("hours"), type="number", required=True))


@pytest.fixture
def here(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, its first stage with a form of two fields."""
    clock = StoppedClock(MONDAY)
    app = create_app(settings, clock=clock)
    with app.app_context():
        yield Site(app, clock, World(db.session, spiral(stages=(stage("goal", form=FORM), stage("improve")))))
        db.session.remove()
        db.engine.dispose()


def save(browser: Browser, cycle: int, revision: int = 0, by_script: bool = False, **fields: Any) -> TestResponse:
    """Keep a draft of the first stage as the page does."""
    headers = {"X-Requested-With": "qaflow"} if by_script else {}
    sent = {f"f/{name}": value for name, value in fields.items()}
    return browser.post(f"/cycles/{cycle}/draft", headers=headers, revision=revision, stage="goal", visit=1, **sent)


def drafts() -> list[tuple[Any, ...]]:
    """Return every draft that is kept."""
    found = db.session.connection().exec_driver_sql("select person_id, revision, content from draft order by id")
    rows = [tuple(row) for row in found]
    db.session.rollback()
    return rows


def test_a_draft_is_shown_to_its_author_again_and_proves_nothing(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead", "en")

    answer = save(lead, cycle, by_script=True, note="half a <b>thought", hours="x")

    assert (answer.status_code, answer.text) == (200, "Draft saved at 09:00")
    page = lead.get(f"/cycles/{cycle}").text
    assert "half a &lt;b&gt;thought" in page and 'value="x"' in page
    assert "Your draft of 1 Sep 09:00, not submitted." in page
    assert here.world.kinds(cycle) == ["CycleStarted"]


def test_without_script_a_button_keeps_the_draft(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead", "en")

    assert save(lead, cycle, note="by hand").status_code == 303
    assert "by hand" in lead.get(f"/cycles/{cycle}").text


def test_saving_again_keeps_one_draft_and_discarding_twice_is_no_fault(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead")

    for text in ("one", "two"):
        save(lead, cycle, note=text)
    assert [content for _, _, content in drafts()] == ['{"note":"two"}']
    for _ in range(2):
        assert lead.post(f"/cycles/{cycle}/drafts/1/discard").status_code == 303
    assert drafts() == []


def test_nobody_else_sees_or_discards_a_draft(here: Site) -> None:
    cycle = here.world.start()
    save(here.browser("lead"), cycle, note="only mine")

    for login in ("major", "office", "vp"):
        other = here.browser(login)
        assert "only mine" not in other.get(f"/cycles/{cycle}").text
        assert other.post(f"/cycles/{cycle}/drafts/1/discard").status_code == 303
    assert len(drafts()) == 1


@pytest.mark.parametrize("login", ["guest", "far_lead"])
def test_a_draft_of_a_cycle_out_of_sight_is_refused_as_of_one_that_is_not_there(here: Site, login: str) -> None:
    cycle = here.world.start()

    assert save(here.browser(login), cycle, note="x").status_code == 404
    assert save(here.browser(login), 999, note="x").status_code == 404
    assert drafts() == []


def test_submitting_deletes_the_draft_of_this_very_form_alone(here: Site) -> None:
    cycle = here.world.start()
    lead, major = here.browser("lead"), here.browser("major")
    save(lead, cycle, note="mine")
    save(major, cycle, note="theirs")

    sent = lead.post(f"/cycles/{cycle}/submit", revision=0, stage="goal", visit=1, **{"f/note": "mine", "f/hours": "2"})

    assert sent.status_code == 303
    assert [content for _, _, content in drafts()] == ['{"note":"theirs"}']


def test_a_refused_submission_leaves_the_draft(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead")
    save(lead, cycle, note="mine")

    sent = lead.post(f"/cycles/{cycle}/submit", revision=0, stage="goal", visit=1, **{"f/note": "mine"})

    assert sent.status_code == 422 and len(drafts()) == 1


def test_a_draft_of_an_older_revision_stands_beside_the_form_and_is_not_put_into_it(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead", "en")
    save(lead, cycle, note="before the other version")
    here.world.fire(cycle, "submit", "lead", content={"hours": 1, "note": "the other version"})
    here.world.fire(cycle, "withdraw", "lead")

    page = lead.get(f"/cycles/{cycle}").text

    assert "for goal, visit 1, not submitted" in page and "before the other version" in page
    assert ">before the other version</textarea>" not in page and ">the other version</textarea>" in page
    revision = here.world.state(cycle)["revision"]
    save(lead, cycle, revision, note="after it")
    assert [r for _, r, _ in drafts()] == [0, revision]


@pytest.mark.parametrize(("size", "status"), [(cycles.MAX_CONTENT + 1, 422), (cycles.MAX_CONTENT - 100, 303)])
def test_a_draft_is_bounded(here: Site, size: int, status: int) -> None:
    cycle = here.world.start()

    assert save(here.browser("lead"), cycle, note="x" * size).status_code == status
    assert len(drafts()) == (1 if status == 303 else 0)


def test_a_form_that_the_cycle_does_not_have_keeps_no_draft(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead")

    for key in ("nothing", "", "sheet:" + "9" * 100):
        assert lead.post(f"/cycles/{cycle}/draft", revision=0, stage=key, visit=1).status_code == 422
    assert drafts() == []


def test_the_service_itself_keeps_no_draft_of_a_cycle_that_is_not_ones_to_see(here: Site) -> None:
    world = here.world
    cycle = world.start()
    form = drafting.Form("goal", 1, 0)

    with pytest.raises(Missing):
        drafting.save(db.session, world.origin("guest"), cycle, form, {"note": "peeking"})

    drafting.save(db.session, world.origin("lead"), cycle, form, {"note": "mine"})
    assert [person for person, _, _ in drafts()] == [world.persons["lead"]]
