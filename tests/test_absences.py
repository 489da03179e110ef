"""Absences: noted by oneself or an administrator, once; who is away, whether covered, and what falls due meanwhile."""


import pytest
from browsing import Site
from test_web_organisation import plain

DAYS = {"starts": "2025-09-08", "ends": "2025-09-12"}


def test_one_notes_and_ends_ones_own_absence(site: Site) -> None:
    lead = site.browser("lead", "en")

    assert [lead.post("/me/absences", **DAYS, reason="conference").status_code for _ in range(2)] == [303, 303]
    assert "8 Sep to 12 Sep" in plain(lead.get("/me").text)
    ((number, kept),) = site.world.query("select id, reason from absence")
    assert len(kept) == 64, "the reason is erasable content"
    assert site.browser("guest").post(f"/organisation/absences/{number}/end").status_code == 404
    assert lead.post(f"/organisation/absences/{number}/end").location.startswith("/me")
    assert "8 Sep" not in plain(lead.get("/me").text)
    kinds = site.world.query("select kind from journal where stream = :s order by seq",
                             s=f"person:{site.world.persons['lead']}")  # fmt: skip
    assert [k for (k,) in kinds][-2:] == ["AbsenceNoted", "AbsenceEnded"]


@pytest.mark.parametrize(
    ("days", "told"),
    [({"starts": "2025-09-13"}, "lies before the first"), ({"ends": "2027-09-12"}, "more than a year"),
     ({"starts": ""}, "Write it as"), ({"starts": "2025-09-31"}, "Not a valid date")],
)  # fmt: skip
def test_days_that_cannot_be_are_told(site: Site, days: dict[str, str], told: str) -> None:
    answer = site.browser("lead", "en").post("/me/absences", **DAYS | days)

    assert answer.status_code == 422 and told in answer.text
    assert site.world.query("select count(*) from absence") == [(0,)]


def test_two_absences_do_not_overlap_and_may_touch(site: Site) -> None:
    lead = site.browser("lead", "en")
    lead.post("/me/absences", **DAYS)

    assert lead.post("/me/absences", starts="2025-09-12", ends="2025-09-20").status_code == 409
    assert lead.post("/me/absences", starts="2025-09-13", ends="2025-09-20").status_code == 303


def test_the_overview_says_who_is_away_covered_or_not_and_what_falls_due(site: Site) -> None:
    site.world.start()
    ((due,),) = site.world.query("select due from work_item")
    admin, lead = site.browser("admin", "en"), site.world.persons["lead"]
    span = {"starts": "2025-09-01", "ends": due}
    assert admin.post(f"/organisation/people/{lead}/absences", **span).status_code == 303
    shown = admin.get("/organisation/absences").text

    assert "not covered" in plain(shown) and f"starts=2025-09-01&amp;ends={due}#deputies" in shown
    assert f"/organisation/people/{lead}/work?by={due}" in shown and "1 open work items" in shown
    assert "1 item" in plain(admin.get(f"/organisation/people/{lead}/work?by={due}").text)
    assert "0 items" in plain(admin.get(f"/organisation/people/{lead}/work?by=2025-09-01").text)
    site.world.deputy("lead", "deputy", days=400)
    assert "covered" in plain(admin.get("/organisation/absences").text).replace("not covered", "")
    assert "not covered" not in plain(admin.get("/organisation/absences").text)


@pytest.mark.parametrize(
    ("spans", "covered"),
    [((("2025-09-08", "2025-09-10"), ("2025-09-11", "2025-09-12")), True),
     ((("2025-09-08", "2025-09-09"), ("2025-09-11", "2025-09-12")), False), ((("2025-09-09", "2025-09-30"),), False)],
)  # fmt: skip
def test_several_deputies_cover_only_without_a_gap(site: Site, spans: tuple[tuple[str, str]], covered: bool) -> None:
    admin, lead = site.browser("admin", "en"), site.world.persons["lead"]
    admin.post(f"/organisation/people/{lead}/absences", **DAYS)
    for starts, ends in spans:
        admin.post(f"/organisation/people/{lead}/deputies", who="deputy", starts=starts, ends=ends)

    assert ("not covered" not in plain(admin.get("/organisation/absences").text)) == covered
