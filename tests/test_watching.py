"""Watched cycles: chosen, copied, named; shown as long as one may see them."""

from collections.abc import Iterator

import pytest
from browsing import site as made
from test_web_inbox import Desk

from qaflow.config import Settings
from qaflow.errors import Missing, Refused
from qaflow.services.cycles import watching
from qaflow.store.db import db, utc


@pytest.fixture
def desk(store_settings: Settings) -> Iterator[Desk]:
    """Return the program on the tiny college, on both databases."""
    found = Desk(made(store_settings))
    yield found
    db.session.remove()
    db.engine.dispose()


def choose(desk: Desk, login: str, cycle: int, on: bool = True) -> None:
    watching.choose(db.session, desk.world.origin(login), cycle, on)


def watched(desk: Desk, login: str) -> list[tuple[str, str]]:
    found = desk.read(login, box="watch")
    lines = [(line.row.subject, line.row.kind) for _, _, lines in found.groups for line in lines]
    assert found.counts["watch"] == found.total == len(lines)
    return lines


def test_a_cycle_that_one_chose_is_listed_until_one_stops(desk: Desk) -> None:
    cycle = desk.world.start()

    for _ in range(2):
        choose(desk, "office", cycle)
    assert watched(desk, "office") == [("C1", "chosen")] and watched(desk, "lead") == []
    for _ in range(2):
        choose(desk, "office", cycle, on=False)
    assert watched(desk, "office") == []


@pytest.mark.parametrize("login", ["guest", "far_lead", "far_head", "admin"])
def test_nobody_watches_what_they_may_not_see_and_it_is_as_if_it_were_not_there(desk: Desk, login: str) -> None:
    cycle = desk.world.start()
    for number in (cycle, cycle + 1):
        with pytest.raises(Missing) as refused:
            choose(desk, login, number)
        assert refused.value.code == "cycle.not_found"

    assert watched(desk, login) == [] and desk.world.query("select count(*) from watch") == [(0,)]


def test_what_is_copied_is_watched_by_whoever_got_it(desk: Desk) -> None:
    cycle = desk.world.start()

    desk.world.fire(cycle, "copy", "lead", to="head")

    assert watched(desk, "head") == [("C1", "copied")] and watched(desk, "lead") == []
    choose(desk, "head", cycle)
    desk.world.fire(cycle, "copy", "lead", to="head")
    assert watched(desk, "head") == [("C1", "chosen")]


def test_a_copy_that_is_refused_leaves_nothing(desk: Desk) -> None:
    cycle = desk.world.start()

    assert desk.world.refused(cycle, "copy", "lead", to="guest").code == "copy.may_not_see"

    assert desk.world.query("select count(*) from watch") == [(0,)]


def test_who_may_no_longer_see_it_has_it_no_longer_in_the_list(desk: Desk) -> None:
    cycle = desk.world.start()
    choose(desk, "head", cycle)

    desk.world.vacate("head")

    assert watched(desk, "head") == []


def test_being_named_watches_too_and_the_oldest_not_chosen_give_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST", 2)
    cycles = [desk.world.start(course) for course in ("C1", "C9")] + [
        desk.world.start(day=desk.world.now.date().replace(year=2026))
    ]
    person, college = desk.world.persons["office"], desk.world.college
    choose(desk, "office", cycles[0])

    for at, number in enumerate(cycles[1:]):
        desk.site.later(minutes=at + 1)
        moment = utc(desk.world.now)
        desk.world.within(lambda d, n=number, m=moment: watching.watch(d, college, person, n, watching.NAMED, m))  # type: ignore[misc]

    kept = {(number, why) for number, why in desk.world.query("select cycle_id, why from watch")}
    assert kept == {(cycles[0], "chosen"), (cycles[2], "named")}
    choose(desk, "office", cycles[1])
    assert dict(desk.world.query("select cycle_id, why from watch"))[cycles[1]] == watching.CHOSEN
    with pytest.raises(Refused) as refused:
        choose(desk, "office", cycles[2])
    assert refused.value.code == "watch.too_many"


def test_the_row_says_where_the_cycle_stands_since_when_and_until_when(desk: Desk) -> None:
    cycle = desk.world.start()
    desk.site.later(days=3)
    desk.world.pass_stage(cycle)
    choose(desk, "office", cycle)

    (line,) = (line for _, _, lines in desk.read("office", box="watch").groups for line in lines)
    due = desk.world.query("select due from cycle where id = :c", c=cycle)[0][0]

    assert (line.row.stage, line.row.opened_at, line.row.due) == ("standard", utc(desk.world.now), due)
    page = desk.page("office", "?box=watch")
    assert "C1" in page and "standard" in page and "since 4 Sep" in page and "chosen by me" in page
    desk.world.fire(cycle, "suspend", "office", reason="x")
    assert "suspended" in desk.page("office", "?box=watch")
    desk.world.fire(cycle, "cancel", "office", reason="x")
    assert "cancelled" in desk.page("office", "?box=watch")


def test_the_button_watches_and_goes_back_to_the_cycle_or_the_list(desk: Desk) -> None:
    cycle = desk.world.start()
    browser = desk.site.browser("office", "en")

    for _ in range(2):
        answer = browser.post(f"/cycles/{cycle}/watch", on="yes")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/cycles/{cycle}")
    assert watched(desk, "office") == [("C1", "chosen")]
    answer = browser.post(f"/cycles/{cycle}/watch", on="no", back="list")
    assert answer.headers["Location"] == "/inbox?box=watch" and watched(desk, "office") == []


def test_a_cycle_of_others_cannot_be_watched_by_address(desk: Desk) -> None:
    cycle = desk.world.start("C9")
    browser = desk.site.browser("lead", "en")

    answers = [browser.post(f"/cycles/{number}/watch", on="yes") for number in (cycle, 99999)]

    assert [a.status_code for a in answers] == [404, 404] and desk.world.query("select count(*) from watch") == [(0,)]
