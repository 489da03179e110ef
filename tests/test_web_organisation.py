"""The organisation's pages: who reads and changes them, units as a tree, subjects whose change is shown first."""

import re
from html import unescape

import pytest
from browsing import Browser, Site, plain
from browsing import site as made

from qaflow.config import Settings
from qaflow.store.db import db

PAGES = ("", "/people", "/subjects", "/cycles", "/leavers", "/absences", "/calendar")
UNIT = {"name_zh": "新室", "name_en": "New section", "kind": "section", "system": "", "parent": ""}


def facts(site: Site) -> list[str]:
    """Return the kinds of the college's facts."""
    return [k for (k,) in site.world.query("select kind from journal where stream = 'college:tiny' order by seq")]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("login", "status"), [("admin", 200), ("office", 200), ("qhead", 200), ("lead", 403),
                                               ("vp", 403), ("head", 403), ("guest", 403)])  # fmt: skip
def test_administrators_and_the_quality_office_read_the_organisation(
    site: Site, path: str, login: str, status: int
) -> None:
    assert site.browser(login).get(f"/organisation{path}").status_code == status


def test_the_office_reads_and_does_not_change(site: Site) -> None:
    office = site.browser("office", "en")
    unit, subject, person = site.world.units["far"], site.world.subjects["C1"], site.world.persons["guest"]

    assert "Add a unit" not in office.get("/organisation").text
    for path, data in {
        "/organisation/units/new": UNIT | {"code": "n"},
        f"/organisation/units/{unit}": UNIT,
        f"/organisation/units/{unit}/close": {},
        f"/organisation/subjects/{subject}": {"name": "x", "unit": str(unit)},
        f"/organisation/people/{person}/roles": {"role": "dean", "scope": "college"},
        f"/organisation/people/{person}/password": {},
        f"/organisation/people/{person}/leave": {"heir": "lead"},
        f"/organisation/people/{person}/absences": {"starts": "2025-09-08", "ends": "2025-09-09"},
    }.items():
        assert office.post(path, **data).status_code == 403, path
    assert site.world.query("select disabled_at, password_hash from person where login = 'guest'") == [(None, None)]


def test_nothing_of_another_college_is_there(site: Site) -> None:
    site.world.query("insert into college (key, name_zh, name_en, timezone, body, created_at, version, head, "
                     "config_no) "
                     "select 'other', 'o', 'o', timezone, body, created_at, 0, '', 1 from college "
                     "returning id")  # fmt: skip
    (other,) = site.world.query("select id from college where key = 'other'")[0]
    site.world.query(f"update person set college_id = {other} where login = 'guest' returning id")
    site.world.query(f"update subject set college_id = {other} where code = 'C9' returning id")
    site.world.query(f"update unit set college_id = {other} where code = 'far' returning id")
    admin = site.browser("admin", "en")

    guest, far = site.world.persons["guest"], site.world.units["far"]
    for path in (f"people/{guest}", f"people/{guest}/work", f"people/{guest}/leave", f"units/{far}",
                 f"subjects/{site.world.subjects['C9']}"):  # fmt: skip
        absent = re.sub(r"\d+", "987654", path)
        assert admin.get(f"/organisation/{path}").status_code == 404, path
        words = [plain(admin.get(f"/organisation/{one}").text)[:90] for one in (path, absent)]
        assert words[0] == words[1]
    assert "guest" not in admin.get("/organisation/people").text
    assert "C9" not in plain(admin.get("/organisation/subjects").text)
    assert admin.post(f"/organisation/people/{guest}/password", password="a quite long secret").status_code == 404


def test_the_tree_shows_units_under_their_parents_with_counts_that_lead_to_their_lists(site: Site) -> None:
    site.world.start()
    admin = site.browser("admin", "en")
    section = site.world.units["section"]

    text = admin.get("/organisation").text

    assert text.index(">teaching</a>") < text.index(">section</a>") and 'class="q-depth-1"' in text
    counts = {"people": "2 people", "subjects": "1 subject", "cycles": "1 cycle runs"}
    for kind, words in counts.items():
        assert f"/organisation/{kind}?unit={section}" in text
        assert words in plain(admin.get(f"/organisation/{kind}?unit={section}").text)
    assert ">teaching</a>" in admin.get("/organisation?q=sect").text
    assert "far" not in plain(admin.get("/organisation?q=sect").text)


def test_who_may_open_cycles_is_led_to_them_and_the_administrator_is_not(site: Site) -> None:
    cycle = site.world.start()

    assert f'href="/cycles/{cycle}"' in site.browser("office").get("/organisation/cycles").text
    assert f'href="/cycles/{cycle}"' not in site.browser("admin").get("/organisation/cycles").text


def test_a_unit_is_added_once_renamed_moved_and_closed(site: Site) -> None:
    admin = site.browser("admin", "en")
    data = UNIT | {"code": "new", "parent": str(site.world.units["teaching"])}

    first = admin.post("/organisation/units/new", **data)
    again = admin.post("/organisation/units/new", **data)
    assert (first.status_code, again.status_code) == (303, 303) and first.location == again.location
    moved = admin.post(first.location, **UNIT | {"name_zh": "新名", "parent": str(site.world.units["far"])})
    closed = admin.post(f"{first.location}/close", reason="merged")
    admin.post(f"{first.location}/close")

    assert moved.status_code == closed.status_code == 303
    assert site.world.query("select name_zh, parent_id, ends from unit where code = 'new'") == [
        ("新名", site.world.units["far"], "2025-09-01")]  # fmt: skip
    assert facts(site)[-3:] == ["UnitAdded", "UnitChanged", "UnitClosed"]
    assert "New section" not in plain(admin.get("/organisation").text)
    assert "New section" in plain(admin.get("/organisation?closed=1").text)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"code": "far"}, "This code is taken"), ({"code": "a b"}, "holds no blank"), ({"kind": "college"}, "Not a valid"),
     ({"name_zh": ""}, "must be entered"), ({"parent": "98765"}, "Not a valid"), ({"name_zh": "x" * 201}, "too long")],
)  # fmt: skip
def test_a_unit_that_cannot_be_is_told_at_its_field(site: Site, change: dict[str, str], told: str) -> None:
    answer = site.browser("admin", "en").post("/organisation/units/new", **UNIT | {"code": "ok"} | change)

    assert answer.status_code in (409, 422) and told in answer.text and "UnitAdded" not in facts(site)


def test_no_unit_lies_under_itself_and_none_that_holds_something_is_closed(site: Site) -> None:
    admin, units = site.browser("admin", "en"), site.world.units
    above = f"/organisation/units/{units['teaching']}"

    for parent in ("teaching", "section"):
        answer = admin.post(above, **UNIT | {"kind": "teaching", "parent": str(units[parent])})
        assert answer.status_code == 422 and "under" in plain(answer.text)
    admin.post(f"{above}/close")
    assert "still holds" in plain(admin.get(above).text)
    assert site.world.query("select count(*) from unit where ends is not null") == [(0,)]


def responsible(site: Site, cycle: int) -> list[str]:
    """Return the logins of who answers for a cycle and who holds its work."""
    found = site.world.query(
        "select a.login, b.login from cycle c join person a on a.id = c.responsible_id join work_item i on "
        "i.cycle_id = c.id join person b on b.id = i.holder_id where c.id = :cycle", cycle=cycle)  # fmt: skip
    return list(found[0])


def change(browser: Browser, subject: int, **data: str) -> str:
    """Ask what a change of a subject does; returns the digest of what is shown."""
    answer = browser.post(f"/organisation/subjects/{subject}", **data)
    found = re.search(r'name="agreed" value="([0-9a-f]+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_a_new_responsible_person_is_shown_with_what_follows_before_it_is_done(site: Site) -> None:
    cycle = site.world.start()
    admin, subject = site.browser("admin", "en"), site.world.subjects["C1"]
    data = {"name": "C1", "unit": str(site.world.units["section"]), "person": "new"}

    shown = plain(admin.post(f"/organisation/subjects/{subject}", **data).text)
    digest = change(admin, subject, **data)
    assert "1 running cycle follows" in shown and "1 work item changes hands" in shown
    assert responsible(site, cycle) == ["lead", "lead"] and "SubjectsChanged" not in facts(site)

    assert admin.post(f"/organisation/subjects/{subject}", agreed=digest, **data).status_code == 303
    assert responsible(site, cycle) == ["new", "new"]
    assert site.world.audit()["findings"] == []


def test_what_would_do_something_else_by_now_is_shown_again(site: Site) -> None:
    admin, subject = site.browser("admin", "en"), site.world.subjects["C1"]
    data = {"name": "C1", "unit": str(site.world.units["section"]), "person": "new"}
    digest = change(admin, subject, **data)
    site.world.start()

    answer = admin.post(f"/organisation/subjects/{subject}", agreed=digest, **data)

    assert "1 running cycle follows" in plain(answer.text) and "SubjectsChanged" not in facts(site)


def test_a_subject_is_added_once_and_its_first_cycle_planned(site: Site) -> None:
    admin = site.browser("admin", "en")
    data = {"layer": "course", "code": "C2", "name": "Two", "unit": str(site.world.units["far"]), "person": "guest"}

    first, again = admin.post("/organisation/subjects/new", **data), admin.post("/organisation/subjects/new", **data)

    assert first.status_code == again.status_code == 303 and first.location == again.location
    assert "next starts on 1 Sep" in plain(admin.get(first.location).text)
    taken = admin.post("/organisation/subjects/new", **data | {"name": "Other"})
    assert taken.status_code == 409 and "taken on this layer" in taken.text
    for wrong in ({"person": "stranger"}, {"starts": "2025-09-09", "ends": "2025-09-01"}, {"code": ""}):
        assert admin.post("/organisation/subjects/new", **data | {"code": "C3"} | wrong).status_code == 422
    assert site.world.query("select count(*) from subject") == [(3,)]


def test_a_subject_that_could_not_start_says_why(site: Site) -> None:
    number = site.world.course("C5", "far", None)
    site.world.later(1)
    site.world.tick()
    site.clock.instant = site.world.now
    office = site.browser("office", "en")

    assert "nobody answers for it" in plain(office.get(f"/organisation/subjects/{number}").text)
    assert "C5" in plain(office.get("/organisation/subjects?state=unstarted").text)
    assert "C1" not in plain(office.get("/organisation/subjects?state=unstarted").text)


def test_lists_turn_their_pages_and_take_any_address(site: Site) -> None:
    site.world.courses([f"D{n:03}" for n in range(60)], "far", "guest")
    office = site.browser("office", "en")

    first = office.get("/organisation/subjects?q=d0").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following and "60 subjects" in plain(first)
    second = plain(office.get(unescape(following[1])).text)
    assert "D059" in second and "D001" not in second
    for query in ("q=%00", "q=%25_", "unit=99999999999999999999", "after=-1", "state=x", "layer='", "person=x"):
        for path in PAGES:
            assert office.get(f"/organisation{path}?{query}").status_code == 200, (path, query)


def test_every_list_and_act_works_on_both_databases(store_settings: Settings) -> None:
    site = made(store_settings)
    site.world.start()
    admin, persons = site.browser("admin", "en"), site.world.persons
    section, subject = site.world.units["section"], site.world.subjects["C1"]

    for query in ("", "?q=c1", f"?unit={section}", "?role=dean", "?state=all", "?state=unstarted", "?state=nobody"):
        for path in PAGES:
            assert admin.get(f"/organisation{path}{query}").status_code == 200, (path, query)
    for path in (f"people/{persons['lead']}", f"people/{persons['lead']}/work?by=2026-09-01", f"subjects/{subject}"):
        assert admin.get(f"/organisation/{path}").status_code == 200, path
    unit = admin.post("/organisation/units/new", **UNIT | {"code": "pg"})
    assert admin.post(f"{unit.location}/close").status_code == 303
    span = {"starts": "2025-09-08", "ends": "2025-09-12"}
    assert admin.post(f"/organisation/people/{persons['lead']}/absences", **span).status_code == 303
    assert admin.get("/organisation/absences").status_code == 200
    day = {"first": "2025-10-15", "how": "off"}
    shown = admin.post("/organisation/calendar/days", **day)
    digest = re.search(r'name="agreed" value="([0-9a-f]+)"', shown.text)
    assert digest and admin.post("/organisation/calendar/days", **day, agreed=digest[1]).status_code == 303
    assert admin.post(f"/organisation/people/{persons['lead']}/leave", heir="new").status_code == 200
    assert site.world.query("select ends is not null from unit where code = 'pg'")[0][0]
    db.session.remove()
    db.engine.dispose()
