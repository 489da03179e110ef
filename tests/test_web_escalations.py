"""Escalations: overdue work comes level by level to whom the ladder asks, and leaves as soon as it is seen to."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape

import pytest
from browsing import Browser, Site, plain
from browsing import site as made
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.errors import Missing
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.desk import escalations, overdue
from qaflow.services.desk.escalations import ALL, BELOW, BOXES, EXTENDED, LINES, MINE, Chosen, Raised
from qaflow.services.desk.overdue import Case
from qaflow.store.db import db, instant
from qaflow.testing import World

NONE = dict.fromkeys(BOXES, 0)
MOST_STATEMENTS = 22  # configuration, deputies, grants, units (twice each), counts, facets, page, levels, reminders
DECIDE = 2  # the second work item of the first cycle: major's decision, due on Thursday 4 September
FRIDAY, TUESDAY, THURSDAY = (dt.datetime(2025, 9, day, 1, tzinfo=dt.UTC) for day in (5, 9, 11))
"""One hour after each of the three levels."""


@dataclass
class Desk:
    """Escalations as a person's browser and as the service give them."""

    site: Site
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.site.world

    def me(self, login: str) -> SignedIn:
        """Return a person as signed in."""
        return SignedIn(session="", person=self.world.persons[login], college=self.world.college, login=login,
                        name=login, language="en", device="", kinds=frozenset(), titles=())  # fmt: skip

    def raised(self, login: str, **chosen: object) -> Raised:
        """Return a list as the service gives it."""
        origin = self.world.origin(login)
        return escalations.raised(db.session, origin, self.me(login), Chosen(**chosen))  # type: ignore[arg-type]

    def ids(self, login: str, **chosen: object) -> list[int]:
        """Return the items of a list."""
        return [line.row.id for _, _, lines in self.raised(login, **chosen).groups for line in lines]

    def counts(self, login: str) -> dict[str, int]:
        """Return how much each list holds, those that hold anything."""
        return {box: many for box, many in self.raised(login).counts.items() if many}

    def case(self, login: str, item: int = DECIDE, due: dt.date | None = None) -> Case:
        """Return one item as the service gives it."""
        return overdue.look(db.session, self.world.origin(login), self.me(login), item, due)

    def page(self, login: str, path: str = "", lang: str = "en") -> str:
        """Return a page as one line of text."""
        return plain(self.site.browser(login, lang).get(f"/escalations{path}").text)

    def to(self, when: dt.datetime) -> None:
        """Let time pass and the tick sweep."""
        self.site.later(seconds=(when - self.world.now).total_seconds())
        self.world.tick()

    def send(self, login: str, action: str, item: int = DECIDE, at: int | None = None, **data: str) -> TestResponse:
        """Send an act as the item's page does, or with a revision of one's own."""
        browser: Browser = self.site.browser(login, "en")
        path = f"/escalations/{item}"
        found = re.search(r'name="revision" value="(\d+)"', browser.get(path).text) if at is None else None
        return browser.post(f"{path}/{action}", revision=found[1] if found else at or 0, **data)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    """Return the program on the tiny college; major owes a decision in its first cycle."""
    found = Desk(made(settings))
    cycle = found.world.start()
    found.world.fire(cycle, "submit", "lead", content={"note": "x"})
    yield found
    db.session.remove()
    db.engine.dispose()


def offered(text: str) -> set[str]:
    """Return the acts whose forms stand on an item's page."""
    return set(re.findall(r'action="/escalations/\d+/([a-z_]+)"', text))


def everybody(desk: Desk) -> dict[str, dict[str, int]]:
    """Return the lists of everybody who has any."""
    return {login: found for login in desk.world.persons if (found := desk.counts(login))}


def test_overdue_work_comes_level_by_level_to_whom_the_ladder_asks(desk: Desk) -> None:
    assert everybody(desk) == {}
    desk.to(FRIDAY)
    assert everybody(desk) == {
        "head": {MINE: 1, ALL: 1}, "vp": {ALL: 1, BELOW: 1}, "office": {ALL: 1, BELOW: 1}, "qhead": {ALL: 1, BELOW: 1},
    }  # fmt: skip
    desk.to(TUESDAY)
    assert desk.counts("vp") == {MINE: 1, ALL: 1} and desk.counts("head") == {MINE: 1, ALL: 1}
    desk.to(THURSDAY)
    assert desk.counts("office") == {MINE: 1, ALL: 1} and desk.ids("office") == [DECIDE]


def test_another_unit_and_another_college_see_nothing_of_it(desk: Desk) -> None:
    desk.to(THURSDAY)

    for login in ("far_head", "far_major", "lead", "major", "diag", "admin", "guest"):
        assert desk.raised(login).counts == NONE and "C1" not in desk.page(login), login
        browser = desk.site.browser(login, "en")
        answer = browser.get(f"/escalations/{DECIDE}")
        assert answer.status_code == 404 and browser.get("/escalations/999").status_code == 404
        assert "There is no such work" in answer.text and desk.send(login, "remind").status_code == 404
    for college in (None, 2):
        stranger = replace(desk.me("office"), college=college)
        with pytest.raises(Missing):
            overdue.look(db.session, desk.world.origin("office"), stranger, DECIDE)
    stranger = replace(desk.me("office"), college=None)
    assert escalations.raised(db.session, desk.world.origin("office"), stranger, Chosen()).counts == NONE


def test_a_deputy_sees_what_came_to_the_absent_supervisor(desk: Desk) -> None:
    desk.to(FRIDAY)
    desk.world.deputy("head", "deputy")

    assert desk.counts("deputy") == {MINE: 1, ALL: 1} and desk.case("deputy").ladder[0].mine
    assert "extend" in desk.case("deputy").acts
    desk.world.query("update deputy set layer = 'major' returning id")
    assert desk.counts("deputy") == {}


@pytest.mark.parametrize("act", ["approve", "reject", "withdraw", "extend", "suspend", "cancel"])
def test_what_is_done_dropped_extended_or_stopped_leaves_every_list(desk: Desk, act: str) -> None:
    desk.to(THURSDAY)
    who = {"approve": "major", "reject": "major", "withdraw": "lead", "extend": "vp"}.get(act, "office")
    args = {"extend": {"item": DECIDE, "due": "2025-09-30", "reason": "x"}, "approve": {}, "withdraw": {}}

    desk.world.fire(1, act, who, **args.get(act, {"reason": "x"}))

    left = {login: {box: n for box, n in found.items() if box != EXTENDED} for login, found in everybody(desk).items()}
    assert {login: found for login, found in left.items() if found} == {}
    assert desk.counts("head") == ({EXTENDED: 1} if act == "extend" else {})
    assert "Nothing overdue has come to you" in desk.page("head")
    desk.world.tick()
    assert desk.ids("head") == []


def test_an_extension_makes_a_new_deadline_that_escalates_afresh(desk: Desk) -> None:
    desk.to(TUESDAY)

    assert desk.send("vp", "extend", due="2025-09-16", reason="ill").status_code == 303
    case = desk.case("head")
    had = [(one.number, one.due, len(one.fired)) for one in case.deadlines]
    assert had == [(1, "2025-09-04", 2), (2, "2025-09-16", 0)]
    assert [rung.state for rung in case.ladder] == ["next", "ahead", "ahead"] and case.late is None
    page = desk.page("head", f"/{DECIDE}")
    assert "from 4 Sep to 16 Sep" in page and "ill" in page and "level 2 vp 9 Sep" in page
    desk.to(dt.datetime(2025, 9, 17, 1, tzinfo=dt.UTC))
    assert desk.counts("head") == {MINE: 1, ALL: 1} and desk.counts("vp") == {ALL: 1, BELOW: 1}
    assert "extended 1 time" in desk.page("head")


def test_the_ladder_says_beforehand_whom_the_tick_will_ask_and_when(desk: Desk) -> None:
    desk.world.vacate("vp")
    for when in (FRIDAY, TUESDAY, THURSDAY):
        before = desk.case("office").ladder
        desk.to(when)
        number = (FRIDAY, TUESDAY, THURSDAY).index(when)
        (told,) = desk.world.query("select p.name, e.due_at, e.outcome from escalation e left join person p on "
                                   "p.id = e.to_id where e.level = :n", n=number + 1)  # fmt: skip
        coming, came = before[number], desk.case("office").ladder[number]
        assert coming.state == "next" and coming.name == told[0]
        assert coming.day == (instant(told[1]) + dt.timedelta(hours=8)).date() == came.day
        assert came.state == ("skipped" if told[2] == "skipped" else "fired") and came.name == told[0]
    assert [rung.state for rung in desk.case("head").ladder] == ["fired", "skipped", "fired"]
    assert "nobody in this post, skipped" in desk.page("head", f"/{DECIDE}")


def test_the_page_says_how_late_at_which_level_and_what_comes_next(desk: Desk) -> None:
    desk.to(FRIDAY)
    desk.to(TUESDAY)

    page = desk.page("head", f"/{DECIDE}")

    for words in ("Lateness 3 working days late", "Due 4 Sep", "Holder major",
                  "Next level quality_office office, 11 Sep",
                  "me 5 Sep told unit_head", "vice_president 9 Sep told vp", "quality_office 11 Sep next office",
                  "Responsible lead", "Stage goal"):  # fmt: skip
        assert words in page, words
    line = desk.page("head")
    assert "3 working days late" in line and "raised to level 2" in line and "Goes on this week 1" in line


ACTS = {
    "head": {"remind", "extend", "transfer", "take_over"},
    "vp": {"remind", "extend", "transfer", "take_over"},
    "office": {"remind", "extend"},
}


@pytest.mark.parametrize("login", ACTS)
def test_only_the_acts_that_one_may_do_are_offered_and_each_is_taken(desk: Desk, login: str) -> None:
    desk.to(FRIDAY)
    sent = {"remind": {}, "extend": {"due": "2025-10-10", "reason": "r"}, "transfer": {"to": "head", "reason": "r"},
            "take_over": {"reason": "r"}}  # fmt: skip

    text = desk.site.browser(login, "en").get(f"/escalations/{DECIDE}").text
    assert offered(text) == ACTS[login] == set(desk.case(login).acts)

    for action in ("transfer", "take_over", "extend", "remind"):
        before = desk.world.kinds(1)
        answer = desk.send(login, action, **sent[action])
        assert (answer.status_code == 303) == (len(desk.world.kinds(1)) == len(before) + 1)
        if action not in ACTS[login]:
            assert answer.status_code == 403 and desk.world.kinds(1) == before


def test_a_supervisor_transfers_to_a_colleague_of_the_college_only(desk: Desk) -> None:
    desk.world.person("second", "major_leader", "section")
    desk.to(FRIDAY)

    for to, status in (("nobody", 422), ("major", 422), ("lead", 403), ("second", 303)):
        assert desk.send("head", "transfer", to=to, reason="r").status_code == status, to
    assert desk.case("head").row.holder_name == "second" and desk.ids("head") == [DECIDE]
    assert "major" not in desk.page("head") and "Work transferred → second" in desk.page("head", f"/{DECIDE}")


def test_who_takes_work_over_holds_it_and_oversees_it_no_more(desk: Desk) -> None:
    desk.to(FRIDAY)

    answer = desk.send("head", "take_over", reason="urgent")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/escalations/{DECIDE}")
    assert desk.world.history(1)[-1][1]["to"] == desk.world.persons["head"] and desk.ids("head") == []
    assert desk.counts("vp") == {ALL: 1, BELOW: 1}
    page = desk.page("head", f"/{DECIDE}")
    assert "This work lies with you" in page and "Nobody extends their own work" in page
    assert "extend" not in desk.case("head").acts and "take_over" not in desk.case("head").acts
    assert desk.send("head", "extend", due="2025-10-10", reason="mine").status_code == 403
    assert desk.world.fire(1, "approve", "head")["stage"] == "standard"


def test_a_second_reminder_in_a_few_minutes_is_the_first_one(desk: Desk) -> None:
    desk.to(FRIDAY)

    assert [desk.send("head", "remind").status_code for _ in range(2)] == [303, 303]
    assert desk.world.kinds(1).count("ItemReminded") == 1 and "reminded 1 time, last on 5 Sep" in desk.page("head")
    assert desk.send("vp", "remind").status_code == 303
    desk.site.later(minutes=11)
    assert desk.send("head", "remind").status_code == 303
    assert desk.world.kinds(1).count("ItemReminded") == 3
    assert "Reminders 3 times, last on 5 Sep at 09:11" in desk.page("head", f"/{DECIDE}")


@pytest.mark.parametrize(("due", "reason", "status"), [
    ("", "r", 422), ("soon", "r", 422), ("2025-02-30", "r", 422), ("2025-09-04", "r", 422), ("2025-09-01", "r", 422),
    ("2025-09-12", "", 422), ("2025-09-12", "x" * 2001, 422), ("9999-12-31", "r", 409), ("2025-09-12", "r", 303),
])  # fmt: skip
def test_an_extension_that_cannot_be_granted_is_told_and_kept(desk: Desk, due: str, reason: str, status: int) -> None:
    desk.to(FRIDAY)
    before = desk.world.kinds(1)

    answer = desk.send("head", "extend", due=due, reason=reason)

    assert answer.status_code == status
    if status != 303:
        assert desk.world.kinds(1) == before and f'value="{due}"' in answer.text
    if status == 422:
        assert "q-fault" in answer.text and offered(answer.text) == ACTS["head"]


def test_a_stale_form_changes_nothing_and_keeps_its_words(desk: Desk) -> None:
    desk.to(FRIDAY)
    desk.world.fire(1, "withdraw", "lead")
    desk.world.fire(1, "submit", "lead", content={"note": "y"})
    before = desk.world.kinds(1)

    answer = desk.send("head", "extend", at=0, due="2025-10-10", reason="long words")

    assert answer.status_code in (409, 412) and "long words" in answer.text and desk.world.kinds(1) == before


def test_an_extension_sent_twice_is_granted_once(desk: Desk) -> None:
    desk.to(FRIDAY)

    answers = [desk.send("head", "extend", due="2025-10-10", reason="r").status_code for _ in range(2)]

    assert answers == [303, 422] and desk.world.kinds(1).count("DeadlineExtended") == 1


def test_the_preview_of_another_day_is_what_the_extension_then_gives(desk: Desk) -> None:
    desk.to(FRIDAY)
    day = dt.date(2025, 9, 20)  # a Saturday: it moves to Monday

    preview = desk.case("head", due=day).preview
    desk.world.fire(1, "extend", "head", item=DECIDE, due=day.isoformat(), reason="r")

    assert [(r.day, r.name) for r in preview] == [(r.day, r.name) for r in desk.case("head").ladder]
    text = desk.site.browser("vp", "en").get(f"/escalations/{DECIDE}?due=2025-10-09").text
    assert 'value="2025-10-09"' in text and "due 9 Oct" in text and "10 Oct" in text
    for wrong in ("x", "2025-99-99", "9999-12-31", "0001-01-01"):
        assert desk.site.browser("vp").get(f"/escalations/{DECIDE}?due={wrong}").status_code == 200


def test_an_item_that_is_done_says_so_and_offers_nothing(desk: Desk) -> None:
    desk.to(FRIDAY)
    desk.world.fire(1, "approve", "major")

    text = desk.site.browser("head", "en").get(f"/escalations/{DECIDE}").text
    assert offered(text) == set() and "done" in text and "working days late" not in text
    assert desk.send("head", "remind", at=1).status_code in (409, 412, 422)


def test_both_databases_give_the_same_lists(store_settings: Settings) -> None:
    desk = Desk(made(store_settings))
    try:
        cycle = desk.world.start()
        desk.world.fire(cycle, "submit", "lead", content={"note": "x"})
        desk.to(TUESDAY)
        (item,) = desk.ids("head")
        assert everybody(desk)["vp"] == {MINE: 1, ALL: 1} and desk.ids("office", box=BELOW, level=2) == [item]
        assert desk.ids("vp", after=item) == [] and desk.raised("vp").choices["level"][0].value == 2
        assert desk.send("head", "remind", item).status_code == 303 and desk.case("head", item).reminded == 1
        desk.world.fire(cycle, "extend", "vp", item=desk.case("vp", item).row.no, due="2025-09-30", reason="r")
        assert desk.counts("head") == {EXTENDED: 1}
    finally:
        db.session.remove()
        db.engine.dispose()


def many(desk: Desk, count: int) -> None:
    """Let many items of as many cycles have come to head: one that did, copied."""
    desk.to(FRIDAY)

    def copied(table: str, **but: str) -> None:
        names = [name for (name,) in desk.world.query(f"select name from pragma_table_info('{table}')")]
        values = ", ".join(but.get(name, f"t.{name}") for name in names)
        where = {"cycle": "t.id = 1", "work_item": f"t.id = {DECIDE}", "escalation": f"t.item_id = {DECIDE}"}[table]
        desk.world.query(f"with recursive n(i) as (select 1 union all select i + 1 from n where i < :count - 1) "
                         f"insert into {table} ({', '.join(names)}) select {values} from n, {table} t where {where} "
                         "returning id", count=count)  # fmt: skip

    copied("cycle", id="100 + i", period_start="date('1900-01-01', '+' || i || ' days')")
    kind, at = "case when i % 3 = 0 then 'sign' else t.kind end", "date('2025-09-05', '+' || (i % 20) || ' days')"
    copied("work_item", id="100 + i", cycle_id="100 + i", kind=kind, level="1 + i % 2",
           next_level_at=f"{at} || 'T00:00:00.000000Z'")  # fmt: skip
    copied("escalation", id="100 + i", item_id="100 + i", cycle_id="100 + i")


def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk) -> None:
    many(desk, 2 * LINES + 7)
    seen: list[tuple[str, int]] = []
    after = 0

    for _ in range(3):
        found = desk.raised("head", after=after)
        seen += [(line.row.next_at or "~", line.row.id) for _, _, lines in found.groups for line in lines]
        after = found.following or 0

    assert after == 0 and seen == sorted(set(seen)) and len(seen) == 2 * LINES + 7 == found.total
    browser, rows = desk.site.browser("head", "en"), 0
    path: str | None = "/escalations"
    while path:
        text = browser.get(path).text
        rows += text.count("data-q-row")
        link = re.search(r'rel="next" href="([^"]+)"', text)
        path = unescape(link[1]) if link else None
    assert rows == 2 * LINES + 7


def test_every_number_opens_a_list_of_as_many(desk: Desk) -> None:
    many(desk, 40)
    whole = desk.raised("office", box=ALL)

    assert whole.total == whole.counts[ALL] == 40 == sum(many for _, many, _ in whole.groups)
    for name, choices in whole.choices.items():
        assert sum(choice.many for choice in choices) == 40
        for choice in choices:
            assert len(desk.ids("office", box=ALL, **{name: choice.value})) == choice.many, (name, choice)
    text = desk.site.browser("office", "en").get("/escalations?box=all").text
    levels = re.findall(r'<a href="(/escalations\?[^"]*level=\d)"><b>(\d+)</b>', text)
    assert [int(n) for _, n in levels] == [c.many for c in whole.choices["level"]] and len(levels) == 2
    for link, number in levels:
        assert f"{number} items" in desk.site.browser("office", "en").get(unescape(link)).text


def test_a_page_takes_as_many_statements_for_many_rows_as_for_one(desk: Desk) -> None:
    desk.to(FRIDAY)
    few = asked(desk, "head")
    many(desk, LINES)

    assert len(desk.ids("head")) == LINES
    assert few == asked(desk, "head") <= MOST_STATEMENTS


def asked(desk: Desk, login: str) -> int:
    """Count the statements of a list."""
    said: list[str] = []
    desk.raised(login)
    raw = db.session.connection().connection.dbapi_connection
    db.session.rollback()
    raw.set_trace_callback(said.append)  # type: ignore[union-attr]
    desk.raised(login)
    raw.set_trace_callback(None)  # type: ignore[union-attr]
    return len([text for text in said if text.lstrip().lower().startswith(("select", "with"))])


@pytest.mark.parametrize("path", [
    "?box=nothing", "?unit=x", "?level=99999999999999999999", "?after=x", "?when=7", "?kind=%00", "?after=-1",
    "?layer=' or 1=1 --", "?unit=-1", "?after=999999999999999999", "?box=all&level=0",
])  # fmt: skip
def test_an_address_that_makes_no_sense_shows_a_list_all_the_same(desk: Desk, path: str) -> None:
    desk.to(FRIDAY)

    assert desk.site.browser("head").get(f"/escalations{path}").status_code == 200
    assert desk.site.browser("head").get("/escalations/" + "9" * 30).status_code == 404


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ["到我这一级", "迟 1 个工作日", "已升至第 1 级", "尚未催办", "以后再升", "第 1 轮"]),
    ("en", ["Came to me", "1 working day late", "raised to level 1", "reminded by nobody", "round 1"]),
])  # fmt: skip
def test_a_list_is_told_in_both_languages(desk: Desk, lang: str, words: list[str]) -> None:
    desk.to(FRIDAY)

    page = desk.page("head", lang=lang)

    assert [word for word in words if word not in page] == []
    assert ("没有逾期事项" if lang == "zh" else "Nothing overdue has come to you") in desk.page("guest", lang=lang)
    assert ("督办层级" if lang == "zh" else "The ladder") in desk.page("head", f"/{DECIDE}", lang)
