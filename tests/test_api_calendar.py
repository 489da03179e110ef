"""The calendar over the API: a year, its days and terms, and edits told before they are made."""


from browsing import Site
from calling import Program, code, program

GAMES = {"first": "2025-09-10", "last": "2025-09-11", "how": "off", "name": "games"}


def kind(office: Program, day: str) -> tuple[str, bool]:
    """Return what a day is, and whether the college says so."""
    (found,) = [one for one in office.get("/calendar?year=2025").get_json()["days"] if one["day"] == day]
    return found["kind"], found["own"]


def test_days_are_told_and_then_taken_off(site: Site, office: Program) -> None:
    told = office.post("/calendar/days?dry_run=true", GAMES).get_json()
    before = kind(office, "2025-09-10")
    done = office.post("/calendar/days", GAMES).get_json()

    assert told["days"] == done["days"] == ["2025-09-10", "2025-09-11"] and told["dry_run"]
    assert (before, kind(office, "2025-09-10")) == (("work", False), ("off", True))
    assert site.world.query("select count(*) from calendar_day where name = 'games'") == [(2,)]
    assert office.post("/calendar/days", GAMES).get_json()["days"] == []


def test_a_year_has_each_of_its_days_once(site: Site, office: Program) -> None:
    days = [one["day"] for one in office.get("/calendar?year=2025").get_json()["days"]]

    assert (len(days), len(set(days)), days[0], days[-1]) == (365, 365, "2025-01-01", "2025-12-31")


def test_what_cannot_be_edited_is_refused(site: Site, office: Program) -> None:
    reversed_ = office.post("/calendar/days", GAMES | {"last": "2025-09-01"})
    unknown = office.post("/calendar/terms/none", {"first": "2025-09-01", "last": "2026-01-10"})

    assert (reversed_.status_code, reversed_.get_json(force=True)["errors"][0]["pointer"]) == (422, "/last")
    assert code(unknown) == (404, "term.not_found")
    assert office.post("/calendar/days", GAMES | {"colour": "red"}).status_code == 422
    assert office.get("/calendar?year=1900").status_code == 404
    assert code(program(site, "lead").post("/calendar/days", GAMES)) == (403, "action.forbidden")
    assert kind(office, "2025-09-10") == ("work", False)
