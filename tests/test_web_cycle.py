"""The page of a cycle: the 8, the record, the acts of this person and no others; nothing entered is lost."""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from browsing import Browser, Site
from werkzeug.test import TestResponse

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine.definition import Field
from qaflow.engine.drawing.svg import CSS
from qaflow.errors import QaflowError
from qaflow.services.cycles import acts as cycles
from qaflow.services.cycles import page as cycle_page
from qaflow.services.cycles.acting import hold
from qaflow.store.db import Driver, db
from qaflow.testing import CARRIED, MONDAY, NOTE, World, label, spiral, stage
from qaflow.web.cycles import forms as cycle_forms

FORM = (
    NOTE,
    Field(key="hours", label=label("hours"), type="number", required=True),
    Field(key="day", label=label("day"), type="date"),
    Field(key="way", label=label("way"), type="choice", choices=("slow", "fast")),
    Field(key="safe", label=label("safe"), type="flag"),
    Field(key="tasks", label=label("tasks"), type="records", fields=(NOTE, Field(key="n", label=label("n"),
                                                                                type="number"))),
)  # fmt: skip
STAGES = (stage("goal", form=FORM), stage("design", form=(NOTE,)), stage("implement", form=(NOTE,)),
          stage("improve", form=(NOTE, CARRIED)))  # fmt: skip
EVERYBODY = ("lead", "major", "head", "vp", "office", "diag")


@pytest.fixture
def here(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, whose spiral has forms of every kind."""
    clock = StoppedClock(MONDAY)
    app = create_app(settings, clock=clock)
    with app.app_context():
        yield Site(app, clock, World(db.session, spiral(stages=STAGES)))
        db.session.remove()
        db.engine.dispose()


def send(browser: Browser, cycle: int, action: str, revision: int | str = 0, **data: Any) -> TestResponse:
    """Send an act as the page's form does."""
    return browser.post(f"/cycles/{cycle}/{action}", revision=revision, **data)


def offered(text: str, cycle: int) -> set[str]:
    """Return the acts whose forms stand on a page."""
    return set(re.findall(rf'action="/cycles/{cycle}/([a-z_]+)"', text))


def test_a_stranger_is_told_that_there_is_no_such_cycle(here: Site) -> None:
    cycle = here.world.start()

    for login in ("guest", "far_major", "far_lead"):
        browser = here.browser(login)
        assert browser.get(f"/cycles/{cycle}").status_code == 404
        assert send(browser, cycle, "comment", text="let me in").status_code == 404
    assert here.browser("lead").get("/cycles/999").status_code == 404
    assert here.world.kinds(cycle) == ["CycleStarted"]


def test_nobody_signed_in_sees_and_does_nothing(here: Site) -> None:
    cycle = here.world.start()

    assert here.browser().get(f"/cycles/{cycle}").status_code == 303
    assert send(here.browser(), cycle, "submit").status_code in (400, 401)
    assert here.world.kinds(cycle) == ["CycleStarted"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_the_8_of_its_own_definition_without_a_style_in_it(here: Site, lang: str) -> None:
    cycle = here.world.start()
    text = here.browser("lead", lang).get(f"/cycles/{cycle}").text

    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" class="q8"') == 2
    assert not re.search(r"\sstyle=|<style", text)
    assert f'href="/cycles/{cycle}?stage=design#record"' in text
    assert ("未结预警" in text) == (lang == "zh") and ("Open warnings" in text) == (lang == "en")
    assert ("还差 1 项可以提交" in text) == (lang == "zh")


def test_the_page_of_a_cycle_brings_the_sheet_of_its_figure(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead")
    (address,) = re.findall(r'href="(/assets/\w+/q8\.css)"', lead.get(f"/cycles/{cycle}").text)

    assert lead.get(address).data.decode() == CSS


def test_a_stage_is_submitted_and_approved_in_the_browser(here: Site) -> None:
    cycle = here.world.start()
    lead, major = here.browser("lead", "en"), here.browser("major", "en")
    page = lead.get(f"/cycles/{cycle}").text
    assert "1 thing is missing before this can be submitted" in page and "hours is to be filled in" in page

    filled: dict[str, Any] = {
        "f/note": "we <b>teach</b>",
        "f/hours": "47.5",
        "f/day": "2025-09-03",
        "f/way": "fast",
        "f/safe": "yes",
        "f/tasks/0/note": "first",
        "f/tasks/0/n": "3",
        "f/tasks/4/note": "second",
        "f/tasks/5/note": "",
    }
    assert send(lead, cycle, "submit", stage="goal", **filled).status_code == 303
    page = major.get(f"/cycles/{cycle}").text
    assert "we &lt;b&gt;teach&lt;/b&gt;" in page and "47.5" in page and "second" in page
    assert {"approve", "reject", "return"} & offered(page, cycle) == {"approve", "reject"}
    assert send(major, cycle, "approve", 1, comment="well done").status_code == 303

    page = lead.get(f"/cycles/{cycle}").text
    assert here.world.state(cycle)["stage"] == "design" and "well done" in page
    record = lead.get(f"/cycles/{cycle}?stage=goal").text
    assert "we &lt;b&gt;teach&lt;/b&gt;" in record
    assert stored(here.world, cycle) == {
        "note": "we <b>teach</b>",
        "hours": 47.5,
        "day": "2025-09-03",
        "way": "fast",
        "safe": True,
        "tasks": [{"note": "first", "n": 3}, {"note": "second"}],
    }


def stored(world: World, cycle: int, key: str = "goal") -> dict[str, Any]:
    """Return the content that a stage holds."""
    page = cycle_page.look(db.session, world.origin("lead"), cycle)
    db.session.rollback()
    return page.records[key]


def test_a_form_with_faults_comes_back_with_everything_that_was_entered(here: Site) -> None:
    cycle = here.world.start()

    filled: dict[str, Any] = {"f/note": "long work", "f/hours": "many", "f/tasks/0/note": "row one", "f/tasks/0/n": "x"}
    answer = send(here.browser("lead", "en"), cycle, "submit", stage="goal", **filled)

    assert answer.status_code == 422 and here.world.kinds(cycle) == ["CycleStarted"]
    for kept in ("long work", 'value="many"', "row one", 'value="x"'):
        assert kept in answer.text
    assert answer.text.count("not right yet") == 2


def test_a_reject_without_a_reason_says_what_is_missing_at_its_field(here: Site) -> None:
    cycle = here.world.start()
    here.world.fire(cycle, "submit", "lead", content={"hours": 1})

    answer = send(here.browser("major", "en"), cycle, "reject", 1, reason="  ")

    assert answer.status_code == 422 and "Something must be entered here." in answer.text


def test_a_stale_form_shows_both_versions_and_loses_no_text(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead", "en")
    here.world.fire(cycle, "submit", "lead", content={"hours": 1, "note": "the other version"})
    here.world.fire(cycle, "withdraw", "lead")

    answer = send(lead, cycle, "submit", 0, stage="goal", **{"f/note": "my version", "f/hours": "2"})

    assert answer.status_code == 412 and "my version" in answer.text and "the other version" in answer.text
    (revision,) = set(re.findall(r'name="revision" value="(\d+)"', answer.text))
    again = send(lead, cycle, "submit", int(revision), stage="goal", **{"f/note": "my version", "f/hours": "2"})
    assert again.status_code == 303 and stored(here.world, cycle)["note"] == "my version"


def test_an_act_that_is_no_longer_possible_keeps_its_words(here: Site) -> None:
    cycle = here.world.start()
    here.world.fire(cycle, "submit", "lead", content={"hours": 1})
    major = here.browser("major", "en")
    here.world.fire(cycle, "approve", "major")

    answer = send(major, cycle, "approve", 1, comment="I read all of it")

    assert answer.status_code in (409, 412) and "I read all of it" in answer.text
    assert here.world.kinds(cycle)[-1] == "StageApproved" and "approve" not in offered(answer.text, cycle)


def test_a_form_without_a_revision_changes_nothing(here: Site) -> None:
    cycle = here.world.start()

    for text in ("", "-1", "x", "²"):
        assert send(here.browser("lead"), cycle, "comment", text, text="hello").status_code == 412
    assert here.world.kinds(cycle) == ["CycleStarted"]


def test_sending_a_form_twice_does_one_thing(here: Site) -> None:
    cycle = here.world.start()
    lead = here.browser("lead")

    answers = [send(lead, cycle, "submit", 0, stage="goal", **{"f/hours": "2"}).status_code for _ in range(2)]

    assert answers[0] == 303 and answers[1] >= 400
    assert here.world.kinds(cycle) == ["CycleStarted", "StageSubmitted"]


def opened(world: World) -> int:
    """Return a cycle in ``implement`` with an open warning."""
    cycle = world.start()
    world.fire(cycle, "submit", "lead", content={"hours": 1})
    world.fire(cycle, "approve", "major")
    world.reach(cycle, "implement")
    world.fire(cycle, "warn", "diag", reason="hours fall")
    return cycle


def test_a_warning_is_followed_to_its_end_in_the_browser(here: Site) -> None:
    cycle = opened(here.world)
    lead, major = here.browser("lead", "en"), here.browser("major", "en")
    (warning,) = here.world.state(cycle)["warnings"]
    at = {"revision": here.world.state(cycle)["revision"], "warning": warning["id"]}
    assert "hours fall" in lead.get(f"/cycles/{cycle}").text

    assert send(lead, cycle, "acknowledge", **at, cause="two rooms closed").status_code == 303
    assert send(lead, cycle, "correct", **at, scope="implementation", measure="move them").status_code == 303
    page = major.get(f"/cycles/{cycle}").text
    assert "move them" in page and "confirm" in offered(page, cycle)
    assert send(major, cycle, "confirm", **at).status_code == 303
    assert here.world.state(cycle)["state"] == "implement.monitor"


SITUATIONS = ("fresh", "review", "warned", "proposed", "suspended", "later")


def situation(world: World, name: str) -> int:
    """Return a cycle that stands as the name says."""
    if name in ("warned", "proposed"):
        cycle = opened(world)
        if name == "proposed":
            world.fire(cycle, "acknowledge", "lead", cause="c")
            world.fire(cycle, "correct", "lead", scope="design", measure="m")
        return cycle
    cycle = world.start()
    if name != "fresh":
        world.fire(cycle, "submit", "lead", content={"hours": 1})
    if name == "later":
        world.fire(cycle, "approve", "major")
        world.fire(cycle, "submit", "lead", content={"note": "n"})
    if name == "suspended":
        world.fire(cycle, "suspend", "office", reason="flood")
    return cycle


class Undone(Exception):
    """Ends a transaction whose act succeeded, so that it leaves nothing."""


def attempt(world: World, cycle: int, action: str, login: str, args: dict[str, Any]) -> QaflowError | None:
    """Try an act and undo it; returns the refusal, or None where it succeeded."""

    def body(driver: Driver) -> NoReturn:
        acting = hold(db.session, driver, world.origin(login), cycle)
        cycles.act(acting, action, cycles.check_args(action, args))
        raise Undone

    try:
        world.within(body)
    except QaflowError as error:
        return error
    except Undone:
        pass
    return None


def words_for(action: str, page: cycle_page.CyclePage) -> dict[str, str]:
    """Return what a person would enter in an act's form."""
    kinds = {"stage": (page.targets or ("",))[0], "scope": "implementation", "day": "2027-06-30", "login": "new",
             "people": "major"}  # fmt: skip
    return {a.name: kinds.get(a.kind, "words") for a in cycle_forms.ACTS[action].asks
            if a.kind != "hidden" and a.needed}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("login", EVERYBODY)
def test_the_acts_shown_are_those_that_succeed(here: Site, name: str, login: str) -> None:
    cycle = situation(here.world, name)
    page = cycle_page.look(db.session, here.world.origin(login), cycle)
    db.session.rollback()
    offers: list[tuple[str, dict[str, str]]] = [(a, {}) for a in page.acts if a in cycle_forms.ACTS]
    offers += [(a, {"warning": w.life.id}) for w in page.warnings for a in w.acts]
    offers += [(a, {"item": str(i.no)}) for i in page.owed for a in i.acts]

    for action in cycle_forms.ACTS:
        targets = [more for a, more in offers if a == action]
        if not targets:
            every = [{}, *({"warning": w.life.id} for w in page.warnings), *({"item": str(i.no)} for i in page.owed)]
            known = {a.name for a in cycle_forms.ACTS[action].asks}
            for more in (one for one in every if set(one) <= known):
                assert attempt(here.world, cycle, action, login, words_for(action, page) | more), (action, more)
        for more in targets:
            content = {"content": {"hours": 1} if page.snap.stage == "goal" else {}} if action == "submit" else {}
            refused = attempt(here.world, cycle, action, login, words_for(action, page) | more | content)
            assert not refused, (action, more, refused)


@pytest.mark.parametrize("login", ["lead", "major", "office"])
def test_the_page_asks_the_database_few_questions_however_long_its_history(here: Site, login: str) -> None:
    cycle = opened(here.world)

    def asked() -> int:
        said: list[str] = []
        raw = db.session.connection().connection.driver_connection
        db.session.rollback()
        raw.set_trace_callback(said.append)  # type: ignore[union-attr]
        cycle_page.look(db.session, here.world.origin(login), cycle)
        raw.set_trace_callback(None)  # type: ignore[union-attr]
        return len([text for text in said if text.lower().startswith(("select", "with"))])

    cycle_page.look(db.session, here.world.origin(login), cycle)

    before = asked()
    for n in range(12):
        here.world.fire(cycle, "comment", "lead", text=f"comment {n}")
    assert asked() == before <= 30


def test_a_cancelled_cycle_takes_words_only_and_shows_why(here: Site) -> None:
    cycle = here.world.start()
    office = here.browser("office", "en")

    assert send(office, cycle, "cancel", reason="the <script>course</script> is given up").status_code == 303

    text = office.get(f"/cycles/{cycle}").text
    assert offered(text, cycle) == {"comment", "copy", "watch"}
    assert "&lt;script&gt;course&lt;/script&gt;" in text and "<script>course" not in text


def test_the_rounds_before_and_after_lead_to_each_other(here: Site) -> None:
    first = here.world.start()
    here.world.fire(first, "submit", "lead", content={"hours": 1})
    here.world.fire(first, "approve", "major")
    here.world.pass_stage(first, 3)
    here.later(days=366)
    second = here.world.start()

    lead = here.browser("lead")
    assert f'href="/cycles/{second}"' in lead.get(f"/cycles/{first}").text
    assert f'href="/cycles/{first}"' in lead.get(f"/cycles/{second}").text
