"""Private calendars: made on a page or by a program, read by whoever knows the address, parsed back with icalendar."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from browsing import Browser, Site
from calling import Program, code, program
from icalendar import Calendar, Event
from werkzeug.test import TestResponse

from qaflow.services.accounts import book as accounts
from qaflow.services.work import transact
from qaflow.store.db import Sql, db

ADDRESS = re.compile(r"<code>http[^<]*(/calendar/[\w-]+\.ics)</code>")
CANARY = "canary-of-the-far-unit"


def address(browser: Browser) -> str:
    """Make a calendar's address, or a new one, as a person does on the page."""
    found = ADDRESS.search(browser.post("/me/calendar", "/me/calendar").text)
    assert found
    return found[1]


def fetch(site: Site, path: str, **headers: str) -> TestResponse:
    """Read a calendar as a phone does: without a session."""
    return site.app.test_client().get(path, headers=headers)


def events(answer: TestResponse) -> list[Event]:
    """Return the events of a calendar, by the library."""
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    return list(Calendar.from_ical(answer.data).walk("VEVENT"))


def owed(login_id: int) -> list[tuple[int, str]]:
    """Return what a person owes, straight from the table: number and day."""
    sql = Sql("select id, due from work_item where holder_id = :person and state = 'open' order by id")
    return [(row[0], str(row[1])) for row in transact(db.session, lambda d: d.all(sql, {"person": login_id}))]


def test_open_work_stands_in_it_with_its_last_day_by_the_colleges_clocks_and_an_alarm(site: Site) -> None:
    cycle = site.world.start()
    (number, due), = owed(site.world.persons["lead"])

    (event,) = events(fetch(site, address(site.browser("lead", "en"))))

    last = date.fromisoformat(due)
    starts, ends = event.decoded("dtstart"), event.decoded("dtend")
    assert (starts, ends - starts) == (datetime(last.year, last.month, last.day, tzinfo=ZoneInfo("Asia/Shanghai")),
                                       timedelta(days=1))  # fmt: skip
    assert (str(event["uid"]).partition("@")[0], event["status"]) == (f"item-{number}", "CONFIRMED")
    assert str(event["url"]).endswith(f"/cycles/{cycle}")
    (alarm,) = event.walk("VALARM")
    rings = starts + alarm.decoded("trigger")
    assert rings.hour == 9
    assert rings < starts


def test_what_is_done_is_withdrawn_under_the_same_uid_for_thirty_days(site: Site) -> None:
    cycle = site.world.start()
    path = address(site.browser("lead"))
    (before,) = events(fetch(site, path))

    site.world.fire(cycle, "submit", "lead", content={"note": "SECRET-WORDS"})
    found = fetch(site, path)
    after = next(e for e in events(found) if e["uid"] == before["uid"])

    assert (after["status"], list(after.walk("VALARM"))) == ("CANCELLED", [])
    assert int(after["sequence"]) > int(before["sequence"])
    assert b"SECRET-WORDS" not in found.data
    site.later(days=31)
    assert before["uid"] not in [e["uid"] for e in events(fetch(site, path))]


def test_it_speaks_the_persons_language_whoever_asks(site: Site) -> None:
    site.world.start()
    browser = site.browser("lead")
    path = address(browser)

    said = {}
    for language in ("zh", "en"):
        browser.post("/me/language", language=language)
        (event,) = events(fetch(site, path, Accept_Language="fr"))
        said[language] = str(event["summary"]).partition(" · ")[0]

    assert said["en"] == "Fill in and submit"
    assert re.search("[\u4e00-\u9fff]", said["zh"])


def test_unchanged_it_is_304_and_changed_it_is_told(site: Site) -> None:
    cycle = site.world.start()
    path = address(site.browser("lead"))
    tag = fetch(site, path).headers["ETag"]

    assert fetch(site, path, If_None_Match=tag).status_code == 304
    site.world.fire(cycle, "submit", "lead", content={"note": "done"})
    assert fetch(site, path, If_None_Match=tag).status_code == 200


def test_a_renewed_a_revoked_and_a_disabled_ones_address_is_as_one_that_never_was(site: Site) -> None:
    site.world.start()
    browser = site.browser("lead")
    first, second = address(browser), address(browser)
    never = fetch(site, "/calendar/none.ics")

    assert (never.status_code, fetch(site, first).status_code, fetch(site, second).status_code) == (404, 404, 200)
    browser.post("/me/calendar/revoke", "/me/calendar")
    assert fetch(site, second).status_code == 404
    third = address(browser)
    accounts.disable(db.session, site.world.origin(), "lead")
    assert fetch(site, third).status_code == 404


def test_the_address_is_shown_once_and_only_its_hash_is_kept(site: Site) -> None:
    browser = site.browser("lead")
    token = address(browser).removeprefix("/calendar/").removesuffix(".ics")

    kept = str(transact(db.session, lambda d: d.all(Sql("select * from calendar_feed"), {})))

    assert token not in kept
    assert token not in browser.get("/me/calendar").text


def test_a_program_makes_renews_and_closes_it_and_reads_its_address_once(site: Site) -> None:
    site.world.start()
    lead = program(site, "lead")
    none = lead.get("/me/calendar").get_json()
    first, second = (lead.ask("POST", "/me/calendar") for _ in range(2))
    paths = [urlsplit(one.get_json()["address"]).path for one in (first, second)]

    assert none == {"exists": False, "created_at": None, "used_at": None} and first.status_code == 201
    assert [fetch(site, path).status_code for path in paths] == [404, 200]
    read = lead.get("/me/calendar")
    assert read.get_json()["exists"] and read.get_json()["used_at"] and paths[1].split("/")[-1][:-4] not in read.text
    assert program(site, "major").get("/me/calendar").get_json() == none
    assert [lead.ask("DELETE", "/me/calendar").status_code for _ in range(2)] == [204, 204]
    assert fetch(site, paths[1]).status_code == 404 and lead.get("/me/calendar").get_json() == none


def test_a_token_that_may_not_read_work_makes_no_calendar_that_does(site: Site) -> None:
    sent = {"name": "mining", "scopes": ["events"], "days": 3}
    narrow = Program(site, program(site, "lead").post("/me/tokens", sent).get_json()["token"])

    assert code(narrow.ask("POST", "/me/calendar")) == code(narrow.get("/me/calendar")) == (403, "token.scope")
    assert not program(site, "lead").get("/me/calendar").get_json()["exists"]


def test_nothing_of_another_unit_or_of_colleagues_stands_in_it(site: Site) -> None:
    site.world.start()
    far = site.world.start("C9")
    rename = Sql("update subject set name = :name where id = (select subject_id from cycle where id = :cycle)")
    transact(db.session, lambda d: d.run(rename, {"name": CANARY, "cycle": far}))

    theirs = fetch(site, address(site.browser("far_lead")))
    mine = fetch(site, address(site.browser("lead")))

    assert CANARY in theirs.text
    assert CANARY not in mine.text
    assert len(events(mine)) == 1
