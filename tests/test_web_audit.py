"""The audit's pages: history searched, entries in their chain, proofs begun and kept, packs and checkpoints."""

import io
import json
import re
import time
from collections.abc import Iterator

import pytest
from browsing import Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.services.auditing import checkpoints, packs, proving
from qaflow.services.ports import Ports
from qaflow.store import proofs
from qaflow.store.db import Sql, db

HOUR = 3601


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, with one cycle in its second stage and one elsewhere."""
    found = made(settings)
    found.world.start()
    found.world.start("C9")
    found.world.fire(1, "submit", "lead", content={"note": "first words"})
    found.world.fire(1, "approve", "major", comment="well done")
    yield found
    db.session.remove()
    db.engine.dispose()


def listed(text: str) -> list[str]:
    """Return the entries that a page lists, by stream and number."""
    return re.findall(r'href="/audit/entries/([a-z]+:[^/"]+/\d+)"', text)


def ports(site: Site) -> Ports:
    """Return the program's outside."""
    found: Ports = site.app.extensions["qaflow"]
    return found


def damaged(site: Site, statement: str) -> None:
    """Change the journal from outside, as only somebody with the file can."""
    site.world.within(lambda d: d.run(Sql("drop trigger journal_no_update")))
    site.world.within(lambda d: d.run(Sql(statement)))


def proven(site: Site, checkpoint: dict[str, object] | None = None) -> proving.Proven:
    """Verify and return the result that is kept."""
    origin = site.world.origin("office")
    number, own, fresh = proving.begin(db.session, origin, site.world.college)
    assert (own, fresh) == ("tiny", True)
    proving.work(db.session, ports(site), number, own, checkpoint)
    return proving.standing(db.session, origin, site.world.college).proofs[0]


@pytest.mark.parametrize("path", ["/audit", "/audit/proofs", "/audit/entries/cycle:1/1", "/audit/cycles/1/pack"])
@pytest.mark.parametrize("login", ["lead", "major", "head", "vp", "diag", "admin"])
def test_the_audit_is_the_quality_offices_alone(site: Site, login: str, path: str) -> None:
    assert site.browser(login).get(path).status_code == 403
    assert site.browser("office").get(path).status_code == 200


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("of=cycle&q=C1", {"cycle:1/1", "cycle:1/2", "cycle:1/3"}),
        ("person=major", {"cycle:1/3"}),
        ("what=decisions", {"cycle:1/3"}),
        ("what=work&person=lead", {"cycle:1/2"}),
        ("of=cycle&q=C9", {"cycle:2/1"}),
        ("person=nobody", set()),
        ("of=cycle&first=2025-09-02", set()),
        ("of=cycle&q=%25", set()),
    ],
)
def test_the_history_is_searched_by_who_what_when_and_where(site: Site, query: str, wanted: set[str]) -> None:
    page = site.browser("office").get(f"/audit?{query}")

    assert page.status_code == 200
    assert set(listed(page.text)) == wanted


@pytest.mark.parametrize(
    "query", ["after=9e9", "unit=x", "first=2025-02-30", "what=%3Cb%3E", "of=journal", "q=" + "x" * 500]
)
def test_a_search_that_cannot_be_is_no_search(site: Site, query: str) -> None:
    page = site.browser("office").get(f"/audit?{query}")

    assert page.status_code == 200 and len(listed(page.text)) > 5


def test_the_pages_of_the_history_hold_every_entry_once(site: Site) -> None:
    for n in range(70):
        site.world.fire(1, "comment", "lead", text=f"word {n}")
    browser, seen, path = site.browser("office"), [], "/audit"

    while path:
        text = browser.get(path).text
        seen += listed(text)
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        path = onward[1].replace("&amp;", "&") if onward else ""

    (count,) = site.world.query("select count(*) from journal")[0]
    assert len(seen) == len(set(seen)) == count


def test_an_entry_shows_its_digests_and_its_words(site: Site) -> None:
    text = site.browser("office", "en").get("/audit/entries/cycle:1/3").text

    hashes = site.world.query("select hash from journal where stream = 'cycle:1' and seq in (2, 3) order by seq")
    assert all(digest in text for (digest,) in hashes)
    assert "well done" in text and "major" in text


@pytest.mark.parametrize("path", ["cycle:99/1", "cycle:1/99", "person:999999/1", "college:other/1", "nonsense/1"])
def test_what_is_not_of_this_college_is_not_there(site: Site, path: str) -> None:
    assert site.browser("office").get(f"/audit/entries/{path}").status_code == 404


def test_a_sound_history_is_proven_in_four_ways(site: Site) -> None:
    kept = checkpoints.make(db.session, site.world.origin("office"), ports(site).settings.home)

    found = proven(site, kept)

    (count,) = site.world.query("select count(*) from journal")[0]
    assert (found.row.entries, found.row.faults, found.first) == (count, 0, None)
    assert found.results == dict.fromkeys(proving.FOUR, 0)
    assert found.checkpoint is not None and found.checkpoint["same"] == found.checkpoint["streams"]


def test_a_changed_entry_is_named_by_cycle_and_number(site: Site) -> None:
    damaged(site, "update journal set data = replace(data, 'goal', 'gaol') where stream = 'cycle:1' and seq = 2")

    found = proven(site)

    assert found.first is not None
    assert (found.first["stream"], found.first["seq"]) == ("cycle:1", 2)
    assert found.results["chain"] == 1
    text = site.browser("office", "en").get("/audit/proofs").text
    assert 'href="/audit/entries/cycle:1/2"' in text and "First fault" in text


def test_a_cut_tail_is_seen_against_a_checkpoint_and_not_without(site: Site) -> None:
    kept = checkpoints.make(db.session, site.world.origin("office"), ports(site).settings.home)
    site.world.within(lambda d: d.run(Sql("drop trigger journal_no_delete")))
    college = site.world.query("select max(seq) from journal where stream = 'college:tiny'")[0][0]
    site.world.within(lambda d: d.run(Sql(f"delete from journal where stream = 'college:tiny' and seq = {college}")))
    site.world.within(lambda d: d.run(Sql(
        "update college set version = version - 1, head = (select hash from journal where stream = 'college:tiny' "
        f"and seq = {college - 1})")))  # fmt: skip

    assert proven(site).row.faults == 0
    assert proven(site, kept).results["checkpoint"] >= 1


def test_the_page_begins_a_verification_and_shows_its_end(site: Site) -> None:
    browser = site.browser("office", "en")

    answer = browser.post("/audit/proofs", at="/audit/proofs")

    assert answer.status_code == 303
    for _ in range(200):
        if site.world.query("select count(*) from proof where ended_at is not null") == [(1,)]:
            break
        time.sleep(0.05)
    text = browser.get("/audit/proofs").text
    assert "every fact was allowed where it stands" in text and "none was given" in text


def test_a_second_verification_waits_for_the_first_and_one_broken_off_holds_nobody_up(site: Site) -> None:
    origin, college = site.world.origin("office"), site.world.college

    first, again = (proving.begin(db.session, origin, college) for _ in range(2))
    assert (first.fresh, again) == (True, first._replace(fresh=False))
    site.later(seconds=HOUR)
    late = site.world.origin("office")

    assert proving.standing(db.session, late, college).proofs[0].broken_off
    assert proving.begin(db.session, late, college).fresh
    assert len(site.world.within(lambda d: proofs.latest(d, college, 9))) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", '{"kind": "qaflow-checkpoint", "format": 1}'])
def test_a_file_that_is_no_checkpoint_begins_nothing(site: Site, text: str) -> None:
    browser = site.browser("office")
    data = {"csrf_token": browser.token("/audit/proofs"), "checkpoint": (io.BytesIO(text.encode()), "c.json")}

    answer = browser.client.post("/audit/proofs", data=data, headers={"Accept": "text/html"})

    assert answer.status_code == 422
    assert site.world.query("select count(*) from proof") == [(0,)]


def test_a_checkpoint_is_made_and_taken_away_by_the_office_alone(site: Site) -> None:
    assert site.browser("admin").post("/audit/checkpoints").status_code == 403

    answer = site.browser("office").post("/audit/checkpoints", at="/audit/proofs")

    found = json.loads(answer.text)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert proving.given(answer.data) == found
    assert site.world.query("select count(*) from journal where kind = 'CheckpointMade'") == [(1,)]


def test_a_pack_proves_itself(site: Site) -> None:
    answer = site.browser("office").get("/audit/cycles/1/pack")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="cycle-1.json"'
    assert packs.verify(json.loads(answer.text))["consistent"]
    assert site.browser("office").get("/audit/cycles/99/pack").status_code == 404


def test_one_cycle_is_verified_on_the_spot(site: Site) -> None:
    browser = site.browser("office", "en")
    browser.post("/audit/cycles/1/proof", at="/audit/entries/cycle:1/1")
    assert "3 entries hash and replay" in browser.get("/cycles/1").text

    damaged(site, "update journal set actor = '1' where stream = 'cycle:1' and seq = 3")

    browser.post("/audit/cycles/1/proof", at="/audit/entries/cycle:1/1")
    assert "entry 3 cannot stand" in browser.get("/cycles/2").text
