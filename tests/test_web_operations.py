"""Operations on the web: who sees them, that a failing job shows within one tick, and what a press really does."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from browsing import Site
from browsing import site as made
from failing import cure, incident, poison, run
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.services.running import operations
from qaflow.services.work import transact
from qaflow.store import ticks
from qaflow.store.db import db, utc
from qaflow.testing import MONDAY

PAGES = ("/operations", "/operations/ticks", "/operations/incidents", "/operations/outbox", "/operations/sessions")
PRESSES = ("/operations/confirm", "/operations/outbox/retry", "/operations/incidents/1/retry")
SECOND = timedelta(seconds=1)


def said(answer: TestResponse) -> str:
    """Return what a page says, as one line."""
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text.partition("<main")[2], flags=re.DOTALL)
    return " ".join(unescape(text).split())


@pytest.mark.parametrize("path", PAGES)
def test_only_the_administrator_sees_operations(site: Site, path: str) -> None:
    answers = {login: site.browser(login).get(path).status_code for login in ("admin", "office", "lead", "vp", "diag")}

    assert answers == {"admin": 200, "office": 403, "lead": 403, "vp": 403, "diag": 403}


@pytest.mark.parametrize("path", PRESSES)
def test_only_the_administrator_sets_something_going(site: Site, path: str) -> None:
    incident(site, "tick.start", "schedule:1", site.world.college)
    before = site.world.query("select count(*) from tick_run")

    assert {site.browser(login).post(path).status_code for login in ("office", "lead", "vp")} == {403}
    assert site.world.query("select count(*) from tick_run") == before


def test_a_failing_job_shows_within_one_tick_and_a_press_tells_honestly_what_came_of_it(site: Site) -> None:
    admin = site.browser("admin", "en")
    assert "None is open." in said(admin.get("/operations"))
    poison()
    site.world.tick()

    page = said(admin.get("/operations"))
    assert "Start of a cycle C1 unsolved" in page and "poison" in page and "tried 1 time" in page
    assert "incidents 2" in page  # of C1 and C9, in the line of the sweep

    number = site.world.query("select min(id) from incident")[0][0]
    failed = admin.post(f"/operations/incidents/{number}/retry")
    assert failed.status_code == 303
    assert "The incident stays open." in said(admin.get("/operations/incidents"))
    assert site.world.query("select id, tries from incident order by id") == [(number, 2), (number + 1, 1)]

    cure()
    admin.post(f"/operations/incidents/{number}/retry")
    assert "the incident is solved" in said(admin.get("/operations/incidents?state=solved"))
    assert site.world.query("select state from incident order by id") == [("solved",), ("open",)]
    again = admin.post(f"/operations/incidents/{number}/retry")
    assert again.status_code == 303 and site.world.query("select count(*) from cycle") == [(1,)]


def test_what_no_sweep_clears_says_so_instead_of_pretending(site: Site) -> None:
    number = incident(site, "history", "cycle:99")
    admin = site.browser("admin", "en")

    page = admin.get("/operations/incidents").text
    assert 'aria-disabled="true"' in page and "qaflow doctor" in page
    admin.post(f"/operations/incidents/{number}/retry")
    assert "cannot be tried again from here" in said(admin.get("/operations/incidents"))
    assert site.world.query("select state from incident") == [("open",)]


def test_another_colleges_incident_is_not_there(site: Site) -> None:
    own, far = (incident(site, "tick.deputies", f"college:{n}", n) for n in (site.world.college, 77))
    admin = site.browser("admin", "en")

    assert "1 open incidents" in re.sub(r"\s+", " ", admin.get("/operations").text)
    assert said(admin.get("/operations/incidents")).count("End of deputies") == 1
    answers = [admin.post(f"/operations/incidents/{n}/retry").status_code for n in (far, 10**9, own)]
    assert answers == [404, 404, 303]


def test_mail_of_another_college_is_neither_counted_nor_told(site: Site) -> None:
    cycle = site.world.start("C1")
    site.world.fire(cycle, "submit", "lead", content={})
    run("update outbox set state = 'failed', tries = 3, message_id = 'digest.1.1'")
    incident(site, "tick.mail", "digest.1.1")
    admin = site.browser("admin", "en")
    assert "it failed" in said(admin.get("/operations/outbox"))

    run("update outbox set college_id = 77")

    assert "it failed" not in said(admin.get("/operations/outbox")) + said(admin.get("/operations/incidents"))
    assert "failed 0" in said(admin.get("/operations")).replace("failed failed", "failed")


def test_failed_notices_are_taken_up_again_once(site: Site) -> None:
    cycle = site.world.start("C1")
    site.world.fire(cycle, "submit", "lead", content={})
    run("update outbox set state = 'failed', tries = 3")
    count = site.world.query("select count(*) from outbox")[0][0]
    admin = site.browser("admin", "en")

    admin.post("/operations/outbox/retry")
    page = said(admin.get("/operations/outbox"))
    admin.post("/operations/outbox/retry")

    assert count > 0 and f"{count} notice" in page and "taken up again" in page
    assert site.world.query("select count(*) from outbox where state = 'failed'") == [(0,)]
    assert "0 notices were taken up again." in said(admin.get("/operations/outbox"))


def test_a_pause_is_told_and_goes_on_when_confirmed(site: Site) -> None:
    site.world.tick()
    transact(db.session, lambda d: ticks.pause(d, "500 days since the last tick"))
    admin = site.browser("admin", "en")
    assert "Automatic steps wait" in said(admin.get("/operations"))

    admin.post("/operations/confirm")

    page = said(admin.get("/operations"))
    assert "Confirmed: automatic steps go on." in page and "Automatic steps wait" not in page
    assert site.world.query("select paused_reason from installation") == [(None,)]


def test_sweeps_that_were_missed_are_told_with_their_number(site: Site) -> None:
    at = [utc(MONDAY + seconds * SECOND) for seconds in (0, 30, 60, 660, 690)]

    assert [(g.since, g.missed) for g in operations.gaps(at, 30 * SECOND)] == [(at[2], 19)]
    assert operations.gaps(at[:3], 30 * SECOND) == operations.gaps([], 30 * SECOND) == []

    site.world.tick()
    site.later(minutes=20)
    site.world.tick()
    assert "39 sweeps missed" in said(site.browser("admin", "en").get("/operations"))


def test_a_sweep_that_does_not_come_is_overdue(site: Site) -> None:
    site.world.tick()
    admin = site.browser("admin", "en")
    assert "Running; the next sweep is expected" in said(admin.get("/operations"))

    site.later(minutes=5)

    assert "The last sweep is overdue" in said(admin.get("/operations"))


def test_the_list_of_sweeps_turns_its_pages(site: Site) -> None:
    for _ in range(operations.PAGE + 3):
        site.world.tick()
        site.later(seconds=30)
    admin = site.browser("admin", "en")

    first = admin.get("/operations/ticks").text
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)

    assert first.count("<tr>") == operations.PAGE + 1
    assert admin.get(following).text.count("<tr>") == 4
    assert (
        admin.get("/operations/ticks?before=x").status_code
        == admin.get("/operations/ticks?before=9e9").status_code
        == 200
    )


def test_the_sessions_are_those_of_the_college_that_are_alive(site: Site) -> None:
    site.browser("lead")
    admin = site.browser("admin", "en")
    assert "lead lead" in said(admin.get("/operations/sessions"))

    run("update web_session set ended_at = created_at where person_id = (select id from person where login = 'lead')")

    assert "lead lead" not in said(admin.get("/operations/sessions"))
    assert "1 signed in now" in admin.get("/operations").text


def test_a_password_in_the_mail_address_is_not_shown(settings: Settings) -> None:
    found = made(replace(settings, mail_url="file://user:hunter2@host/folder"))
    text = found.browser("admin").get("/operations").text

    assert "hunter2" not in text and "***" in text
    db.session.remove()
    db.engine.dispose()
