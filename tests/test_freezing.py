"""Freezes of evidence: previewed, done once, kept still until lifted, and held against the present."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Browser, Site
from browsing import site as made
from flask import Flask
from reviewing import PDF, WORD, college_facts, go_elsewhere, leave, stored
from werkzeug.test import TestResponse

from qaflow.adapters.files import FolderFiles
from qaflow.config import Settings
from qaflow.errors import Refused
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.auditing import audit, freeze_checks, freezing, sampling
from qaflow.services.cycles import evidence
from qaflow.store.db import db
from qaflow.testing import World

FIELDS = {"day": "2025-09-01", "reason": "city review", "once": WORD}  # the day on which the tiny college's time begins


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college, two cycles of it begun, a file in the first."""
    found = made(settings)
    found.world.start("C1")
    found.world.start("C9")
    assert leave(found.browser("lead"), 1).status_code == 303
    found.world.fire(1, "submit", "lead", content={"note": "done"})
    yield found
    db.session.remove()
    db.engine.dispose()


def ask(browser: Browser, **values: str) -> TestResponse:
    """Send the form of a freeze."""
    return browser.post("/audit/freezes", **FIELDS | values)


def frozen(site: Site, **values: str) -> str:
    """Freeze what the preview shows; returns where the freeze is shown."""
    answer = ask(site.browser("office"), **{"agreed": "2.1"} | values)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def attach(site: Site, cycle: int, login: str) -> str:
    """Try to leave a file; returns the refusal's code, "" where it is kept."""
    files = site.app.extensions["qaflow"].files
    try:
        evidence.attach(db.session, site.world.origin(login), files, cycle, "late.pdf", PDF + b" late")
    except Refused as error:
        return error.code
    return ""


def test_a_preview_counts_and_changes_nothing(site: Site) -> None:
    page = ask(site.browser("office", "en"))

    assert page.status_code == 200 and "This covers 2 cycles and 1 file." in page.text
    assert 'value="2.1"' in page.text and "city review" in page.text
    assert college_facts(site, "EvidenceFrozen") == [] and attach(site, 2, "far_lead") == ""


def test_a_freeze_lists_what_it_covers_and_its_manifest_gives_its_digest(site: Site) -> None:
    where = frozen(site)

    ((_, data),) = college_facts(site, "EvidenceFrozen")
    assert (data["day"], data["layer"], data["cycles"], data["files"]) == ("2025-09-01", "", 2, 1)
    office = site.browser("office", "en")
    answer = office.get(f"{where}/manifest")
    assert answer.mimetype == "application/json" and answer.headers["Content-Disposition"].startswith("attachment;")
    assert hashlib.sha256(answer.data).hexdigest() == data["digest"]
    one, two = json.loads(answer.data)["cycles"]
    assert [(f["name"], f["hash"]) for f in one["files"]] == [("a.pdf", hashlib.sha256(PDF).hexdigest())]
    (head,) = site.world.query("select head from cycle where id = 1")[0]
    assert (one["head"], len(one["texts"]), two["files"]) == (head, 1, [])
    page = office.get(where).text
    assert "a.pdf" in page and "as it was frozen" in page and data["digest"] in page and "city review" in page
    assert audit.verify(db.session)["verified"]


def test_while_it_stands_no_file_is_left_and_after_lifting_it_is(site: Site) -> None:
    where = frozen(site)

    answer = leave(site.browser("far_lead", "en"), 2)
    assert answer.status_code == 409 and "frozen for an outside review" in answer.text
    assert "no file can be added until" in site.browser("lead", "en").get("/cycles/1").text
    assert attach(site, 2, "far_lead") == "evidence.frozen"
    assert site.browser("office").post(f"{where}/lift", reason="review over").status_code == 303
    assert attach(site, 2, "far_lead") == ""
    page = site.browser("office", "en").get(where).text
    assert "review over" in page and "1 file came to these cycles since" in page


def test_cycles_whose_period_began_later_or_of_another_layer_are_not_covered(site: Site) -> None:
    site.world.query("update cycle set period_start = '2025-09-02' where id = 2 returning id")
    frozen(site, agreed="1.1")

    assert attach(site, 2, "far_lead") == ""
    site.world.query("update evidence_freeze set day = '2025-12-31', layer = 'major' returning id")
    assert attach(site, 2, "far_lead") == ""
    site.world.query("update evidence_freeze set layer = 'course' returning id")
    assert attach(site, 2, "far_lead") == "evidence.frozen"


def test_sent_twice_it_freezes_once_and_lifts_once(site: Site) -> None:
    assert frozen(site) == (where := frozen(site))
    office = site.browser("office", "en")

    again = ask(office, once="f" * 16, agreed="2.1")

    assert again.status_code == 409 and "stands already" in again.text
    for _ in range(2):
        assert office.post(f"{where}/lift", reason="over").status_code == 303
    assert [k for k, _ in college_facts(site, "EvidenceFrozen", "EvidenceReleased")] == [
        "EvidenceFrozen", "EvidenceReleased"]  # fmt: skip
    assert site.world.query("select count(*) from evidence_freeze") == [(1,)]


def test_what_changed_since_the_preview_is_shown_again(site: Site) -> None:
    assert attach(site, 2, "far_lead") == ""

    answer = ask(site.browser("office", "en"), agreed="2.1")

    assert answer.status_code == 412 and 'value="2.2"' in answer.text
    assert college_facts(site, "EvidenceFrozen") == []


def test_a_file_that_is_altered_or_gone_is_seen(site: Site) -> None:
    where = frozen(site)
    office = site.browser("office", "en")
    (file,) = stored(site)

    file.write_bytes(b"other")
    altered = office.get(where).text
    file.unlink()
    gone = office.get(f"{where}?all=1").text

    assert "1 file is not as it was frozen" in altered and "changed" in altered
    assert "1 file is not as it was frozen" in gone and "missing" in gone


def test_a_record_a_history_a_text_or_a_manifest_that_was_tampered_with_is_seen(site: Site) -> None:
    where = frozen(site)
    office = site.browser("office", "en")

    site.world.query("update evidence set name = 'b.pdf' returning id")
    assert "1 file is not as it was frozen" in office.get(where).text
    site.world.query("update evidence set name = 'a.pdf' returning id")
    assert "1 file looked into: as it was frozen" in office.get(where).text
    (text,) = site.world.query("select content from visit where content is not null")[0]
    site.world.query(f"update content set bytes = x'00' where hash = '{text}' returning hash")
    assert "1 submitted text is erased or changed" in office.get(where).text
    site.world.query("update content set bytes = x'00' where hash in (select manifest from evidence_freeze) "
                     "returning hash")  # fmt: skip
    page = office.get(where)
    assert page.status_code == 200 and "The manifest is not what was frozen." in page.text
    assert office.get(f"{where}/manifest").status_code == 500


def test_a_digest_that_was_written_anew_beside_the_manifest_is_seen(site: Site) -> None:
    where = frozen(site)
    (salt,) = site.world.query("select hex(salt) from content where hash in (select manifest from evidence_freeze)")[0]
    forged = '{"cycles":[]}'
    key = hashlib.sha256(f"{salt.lower()}:{forged}".encode()).hexdigest()
    site.world.query(f"insert into content (hash, salt, bytes) values ('{key}', x'{salt}', "
                     f"x'{forged.encode().hex()}') returning hash")  # fmt: skip
    site.world.query(f"update evidence_freeze set manifest = '{key}', digest = "
                     f"'{hashlib.sha256(forged.encode()).hexdigest()}' returning id")  # fmt: skip

    assert "The manifest is not what was frozen." in site.browser("office", "en").get(where).text


def test_a_history_that_was_cut_is_seen(site: Site) -> None:
    where = frozen(site)
    site.world.query("drop trigger journal_no_delete")
    site.world.query("delete from journal where stream = 'cycle:1' and seq = 3 returning id")

    page = site.browser("office", "en").get(where).text

    assert "1 history begins as it was frozen" in page and "Not so:" in page and 'href="/cycles/1"' in page


UNFIT = [
    ({"day": "2025-09-02"}, "what is to come cannot be frozen"),
    ({"day": "2020-01-01"}, "had begun by this day"),
    ({"day": "2025-02-30"}, "Not a valid date"),
    ({"day": ""}, "Write it as"),
    ({"reason": ""}, "must be entered"),
    ({"reason": "  "}, "must be entered"),
    ({"reason": "x" * 501}, "too long"),
    ({"layer": "moon"}, "Not a valid choice"),
    ({"agreed": "2.1", "once": "x"}, "cannot be asked"),
]


def test_what_cannot_be_frozen_is_told_at_its_field_and_its_valid_twin_is_frozen(site: Site) -> None:
    office = site.browser("office", "en")

    for values, told in UNFIT:
        answer = ask(office, **values)
        assert answer.status_code == 422 and told in answer.text, values
    assert college_facts(site, "EvidenceFrozen") == []
    where = frozen(site, reason="复" * 500, layer="course")
    assert office.post(f"{where}/lift", reason=" ").status_code == 422
    assert office.get(f"{where}?after=99").status_code == office.get(f"{where}?after=x&all=2").status_code == 200


def test_freezes_are_the_quality_offices(site: Site) -> None:
    where = frozen(site)

    for login in ("lead", "head", "vp", "diag", "admin"):
        browser = site.browser(login)
        answers = [browser.get(path) for path in ("/audit/freezes", where, f"{where}/manifest")]
        answers += [ask(browser, agreed="2.1", once="f" * 16), browser.post(f"{where}/lift", reason="over")]
        assert [answer.status_code for answer in answers] == [403] * 5, login
    assert site.world.query("select count(*), max(lifted_at) from evidence_freeze") == [(1, None)]
    assert site.browser("qhead").get(where).status_code == 200


def test_another_colleges_freeze_is_absent_and_freezes_nothing_here(site: Site) -> None:
    number = number_in_path(frozen(site))
    go_elsewhere(site, "office")
    other = site.browser("office", "en")

    paths = [f"/audit/freezes/{number}", f"/audit/freezes/{number}/manifest", "/audit/freezes/999"]

    assert [other.get(path).status_code for path in paths] == [404, 404, 404]
    assert other.post(f"/audit/freezes/{number}/lift", reason="over").status_code == 404
    assert "city review" not in other.get("/audit/freezes").text
    site.world.query("update evidence_freeze set college_id = (select id from college where key = 'other') "
                     "returning id")  # fmt: skip
    assert attach(site, 2, "far_lead") == ""


def test_the_services_do_the_same_on_each_database(store_app: Flask, tmp_path: Path) -> None:
    world, files = World(db.session), FolderFiles(tmp_path / "evidence")
    cycle = world.start()
    evidence.attach(db.session, world.origin("lead"), files, cycle, "a.pdf", PDF)
    world.fire(cycle, "submit", "lead", content={"note": "done"})
    origin = world.origin("office")
    me = SignedIn(session="", person=world.persons["office"], college=world.college, login="office", name="office",
                  language="en", device="", kinds=frozenset(), titles=())  # fmt: skip
    wanted = freezing.Wanted(day="2025-09-01", reason="review", agreed="1.1", once=WORD)

    seq = sampling.draw(db.session, origin, me, sampling.Wanted(n=5, strata=True, once=WORD))
    number = freezing.freeze(db.session, origin, me, wanted)

    sample = sampling.show(db.session, origin, me, seq)
    assert (sample.same, [one.id for one in sample.cycles], sampling.listed(db.session, origin, me)[0].seq) == (
        True, [cycle], seq)  # fmt: skip
    found = freeze_checks.check(db.session, origin, me, files, number, whole=True)
    assert (found.sound, found.checked, found.faults, found.cycles, found.broken) == (True, 1, 0, 1, ())
    assert (found.texts, found.lost, found.added) == (1, 0, 0)
    assert freezing.freeze(db.session, origin, me, wanted) == number
    with pytest.raises(Refused):
        evidence.attach(db.session, world.origin("lead"), files, cycle, "b.pdf", PDF)
    freezing.lift(db.session, origin, me, number, "over")
    assert [(one.reason, one.lifted_why) for one in freezing.listed(db.session, origin, me)] == [("review", "over")]
    assert world.audit()["verified"]


def number_in_path(path: str) -> int:
    """Return the number at the end of a path."""
    return int(path.rpartition("/")[2])
