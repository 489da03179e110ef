"""Comments, mentions and copies; and what an approver is shown when a stage comes a second time."""

import re
from collections.abc import Iterator

import pytest
from browsing import Site
from browsing import site as made

from qaflow.config import Settings
from qaflow.services.auditing import audit
from qaflow.services.running import doctor
from qaflow.store.db import db, reading
from qaflow.web.cycles.changes import marked


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program on the tiny college with one cycle."""
    found = made(settings)
    found.world.start()
    yield found
    db.session.remove()
    db.engine.dispose()


def told(site: Site) -> set[str]:
    """Return who was sent a notice of a comment."""
    found = site.world.query("select person_id from outbox where kind = 'Commented'")
    names = {number: login for login, number in site.world.persons.items()}
    return {names[number] for (number,) in found}


@pytest.mark.parametrize(
    ("text", "heard"),
    [("look @major please", {"major"}), ("请@major看一下", {"major"}), ("@head,@vp", {"head", "vp"}),
     ("mail to a@b", set()), ("@nobody", set()), ("@guest and @far_lead", set()), ("@lead myself", set())],
)  # fmt: skip
def test_who_may_see_the_cycle_is_told_of_a_comment_that_names_them(site: Site, text: str, heard: set[str]) -> None:
    assert site.browser("lead").post("/cycles/1/comment", revision=0, text=text).status_code == 303

    assert told(site) == heard
    watched = site.world.query("select person_id from watch where why = 'named'")
    assert {number for (number,) in watched} == {site.world.persons[one] for one in heard}


def test_the_page_says_who_was_not_told_and_why(site: Site) -> None:
    lead = site.browser("lead", "en")

    lead.post("/cycles/1/comment", revision=0, text="see this", mention="guest, nobody-at-all, major")

    page = lead.get("/cycles/1").text
    assert "guest was not told: they may not see this cycle." in page and "nobody-at-all" in page
    assert told(site) == {"major"}


def test_the_same_comment_twice_stands_once(site: Site) -> None:
    lead = site.browser("lead")

    for text in ("one", "one", "two"):
        assert lead.post("/cycles/1/comment", revision=0, text=text).status_code == 303
    assert site.world.kinds(1).count("Commented") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [("x" * 1_000_000, "This text is too long."), (" \u200b\u3000", "Something must be entered here.")],
)
def test_a_comment_too_long_or_blank_is_told_at_its_field(site: Site, text: str, words: str) -> None:
    answer = site.browser("lead", "en").post("/cycles/1/comment", revision=0, text=text)

    assert answer.status_code == 422 and words in answer.text
    assert site.world.kinds(1) == ["CycleStarted"]


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"])
def test_a_comment_is_shown_as_text(site: Site, text: str) -> None:
    lead = site.browser("lead")
    lead.post("/cycles/1/comment", revision=0, text=text)

    page = lead.get("/cycles/1").text
    assert "<img src=x" not in page and 'href="javascript' not in page


def test_a_copy_goes_to_all_or_to_none_and_once(site: Site) -> None:
    lead = site.browser("lead", "en")

    assert "may not see the cycle" in lead.post("/cycles/1/copy", revision=0, to="major, guest").text
    assert site.world.kinds(1).count("CopySent") == 0
    for _ in range(2):
        assert lead.post("/cycles/1/copy", revision=0, to="major、vp").status_code == 303
    assert site.world.kinds(1).count("CopySent") == 2


def test_a_signer_is_added_in_the_browser(site: Site) -> None:
    site.world.fire(1, "submit", "lead", content={"note": "done"})
    revision = site.world.state(1)["revision"]

    answer = site.browser("major").post("/cycles/1/add_signer", revision=revision, person="head")

    assert answer.status_code == 303 and site.world.state(1)["signatures"]["need"] == 2


def test_a_comment_with_mentions_is_told_replayed_and_found_whole(site: Site) -> None:
    site.browser("lead").post("/cycles/1/comment", revision=0, text="@major look")

    assert doctor.covered(reading(db.session)) == []
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


def test_an_approver_sees_why_a_stage_came_back_and_only_what_changed(site: Site) -> None:
    site.world.fire(1, "submit", "lead", content={"note": "train in week 14"})
    site.world.fire(1, "reject", "major", reason="too late in the term")
    site.world.fire(1, "submit", "lead", content={"note": "train in week 13"})

    page = site.browser("major", "en").get("/cycles/1").text

    came = page.partition('id="came"')[2].partition("</section>")[0]
    assert "too late in the term" in came and "1 field changed since" in came
    assert "<del>14</del>" in came and "<ins>13</ins>" in came and "train in week" in came
    assert 'id="came"' not in site.browser("lead", "en").get("/cycles/1").text


def test_marks_hold_the_texts_and_escape_them() -> None:
    old, new = marked("<b>each 48 people</b>", "<b>each 16 people</b> & more")

    assert "<b>" not in old and re.sub(r"</?(del|ins)>", "", str(new)) == "&lt;b&gt;each 16 people&lt;/b&gt; &amp; more"
    assert "<del>48</del>" in old and "<ins>16</ins>" in new


def test_the_print_view_holds_records_signatures_and_every_fact(site: Site) -> None:
    site.world.fire(1, "submit", "lead", content={"note": "the record"})
    site.world.fire(1, "approve", "major", comment="well done")

    page = site.browser("office", "en").get("/cycles/1/print").text

    assert "the record" in page and "well done" in page and page.count('class="q-hash"') >= len(site.world.kinds(1))
    assert site.browser("guest").get("/cycles/1/print").status_code == 404
