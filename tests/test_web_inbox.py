"""The inbox: whose work it shows, how near it is, how it is narrowed and turned; and what one page costs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from html import unescape

import pytest
from browsing import Site, plain
from browsing import site as made
from flask import Blueprint

from qaflow.config import Settings
from qaflow.engine import calendar as calendars
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.desk import inbox
from qaflow.services.desk.inbox import AHEAD, BOXES, LATE, LINES, Chosen, Inbox, bounds
from qaflow.store.db import db
from qaflow.testing import World

MOST_STATEMENTS = 8  # configuration, deputies, watched, counts, facets, page, definitions, units
OPEN = 10_000


@dataclass
class Desk:
    """The inbox as a person's browser and as the service give it."""

    site: Site
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.site.world

    def read(self, login: str, **chosen: object) -> Inbox:
        """Return a box as the service gives it."""
        origin = self.world.origin(login)
        me = SignedIn(session="", person=self.world.persons[login], college=self.world.college, login=login, name=login,
                      language="en", device="", kinds=frozenset(), titles=())  # fmt: skip
        return inbox.waiting(db.session, origin, me, Chosen(**chosen))  # type: ignore[arg-type]

    def subjects(self, login: str, **chosen: object) -> list[str]:
        """Return the subjects of a box's lines."""
        return [line.row.subject for _, _, lines in self.read(login, **chosen).groups for line in lines]

    def page(self, login: str, query: str = "", lang: str = "en") -> str:
        """Return the page as one line of text."""
        return plain(self.site.browser(login, lang).get(f"/inbox{query}").text)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    """Return the program on the tiny college."""
    found = made(settings)
    yield Desk(found)
    db.session.remove()
    db.engine.dispose()


def test_each_sees_their_own_work_alone(desk: Desk) -> None:
    desk.world.start("C1")
    desk.world.start("C9")

    assert desk.subjects("lead") == ["C1"] and desk.subjects("far_lead") == ["C9"]
    assert "C9" not in desk.page("lead") and "C1" not in desk.page("far_lead")
    assert desk.read("guest").counts == dict.fromkeys(BOXES, 0)
    assert "C1" not in desk.page("office") and "C1" not in desk.page("guest")


def test_home_is_the_inbox_of_whoever_is_signed_in(desk: Desk) -> None:
    desk.world.start()
    browser = desk.site.browser("lead", "en")

    home = browser.get("/").text

    assert "Waiting for me" in home and "Fill in and submit" in home and ">C1</b>" in home
    assert 'href="/inbox" aria-current="page"' in home
    assert "Waiting for me" not in desk.site.browser().get("/").text


def test_an_absent_persons_work_is_shown_to_the_deputy_as_such(desk: Desk) -> None:
    desk.world.start()
    desk.world.deputy("lead", "deputy")

    assert desk.subjects("deputy") == [] and desk.subjects("deputy", box="deputy") == ["C1"]
    assert "for lead" in desk.page("deputy", "?box=deputy")
    assert "See what waits for me as deputy" in desk.page("deputy")
    assert desk.subjects("guest", box="deputy") == []
    desk.world.later(40)
    assert desk.subjects("deputy", box="deputy") == []


def test_a_deputy_of_a_deputy_sees_the_work_and_oneself_is_never_absent(desk: Desk) -> None:
    desk.world.start()
    desk.world.deputy("lead", "deputy")
    desk.world.deputy("deputy", "guest")

    assert desk.subjects("guest", box="deputy") == ["C1"] and desk.subjects("lead", box="deputy") == []


def test_a_deputy_for_another_layer_sees_nothing_of_this_one(desk: Desk) -> None:
    desk.world.start()
    desk.world.deputy("lead", "deputy")
    desk.world.query("update deputy set layer = 'major' returning id")

    assert desk.subjects("deputy", box="deputy") == []


@pytest.mark.parametrize(("role", "unit", "seen"), [
    ("major_leader", None, ["C1"]), ("approver", None, ["C1"]), ("unit_head", None, []), ("major_leader", "far", []),
])  # fmt: skip
def test_a_deputy_for_one_role_sees_what_that_role_reaches(
    desk: Desk, role: str, unit: str | None, seen: list[str]
) -> None:
    cycle = desk.world.start()
    desk.world.fire(cycle, "submit", "lead", content={"note": "x"})
    desk.world.deputy("major", "deputy", role=role)
    if unit:
        desk.world.query("update role_grant set scope_id = :u where person_id = :p returning id",
                         u=desk.world.units[unit], p=desk.world.persons["major"])  # fmt: skip

    assert desk.subjects("deputy", box="deputy") == seen


def test_what_was_submitted_waits_until_it_is_decided_and_then_is_done(desk: Desk) -> None:
    cycle = desk.world.start()
    desk.world.fire(cycle, "submit", "lead", content={"note": "x"})

    assert desk.subjects("lead") == [] and desk.subjects("lead", box="submitted") == ["C1"]
    page = desk.page("lead", "?box=submitted")
    assert "Under review" in page and "major since 1 Sep" in page
    assert "Decide" in desk.page("major") and "lead 1 Sep" in desk.page("major")
    desk.world.fire(cycle, "approve", "major")
    assert desk.subjects("lead", box="submitted") == [] and desk.subjects("lead", box="done") == ["C1"]
    assert desk.subjects("major", box="done") == ["C1"]


def test_what_a_deputy_submitted_both_wait_for(desk: Desk) -> None:
    cycle = desk.world.start()
    desk.world.deputy("lead", "deputy")
    desk.world.fire(cycle, "submit", "deputy", content={"note": "x"})

    assert desk.subjects("lead", box="submitted") == ["C1"] and desk.subjects("deputy", box="submitted") == ["C1"]


def test_what_was_rejected_returned_or_reopened_counts_as_sent_back_and_a_withdrawal_does_not(desk: Desk) -> None:
    cycle = desk.world.start()
    note = {"note": "x"}

    def sent_back() -> list[str | None]:
        found = desk.read("lead", box="returned")
        assert found.counts["returned"] == found.total
        return [line.row.stage for _, _, lines in found.groups for line in lines]

    desk.world.fire(cycle, "submit", "lead", content=note)
    desk.world.fire(cycle, "withdraw", "lead")
    assert sent_back() == [] and len(desk.subjects("lead")) == 1
    desk.world.fire(cycle, "submit", "lead", content=note)
    desk.world.fire(cycle, "reject", "major", reason="no")
    assert sent_back() == ["goal"] and "sent back" in desk.page("lead")
    desk.world.pass_stage(cycle, 2)
    assert sent_back() == []
    desk.world.fire(cycle, "submit", "lead", content=note)
    desk.world.fire(cycle, "return", "major", to="goal", reason="no")
    assert sent_back() == ["goal"] and "visit 2" in desk.page("lead")
    desk.world.pass_stage(cycle)
    assert sent_back() == []
    desk.world.fire(cycle, "reopen", "office", stage="goal", reason="no")
    assert sent_back() == ["goal"]


def test_both_databases_give_the_same_lists(store_settings: Settings) -> None:
    desk = Desk(made(store_settings))
    cycle = desk.world.start()
    desk.world.fire(cycle, "submit", "lead", content={"note": "x"})
    desk.world.fire(cycle, "reject", "major", reason="no")
    desk.world.deputy("lead", "deputy")
    desk.world.deputy("lead", "guest", role="course_leader")

    def boxes(login: str) -> dict[str, list[str]]:
        return {box: found for box in BOXES if (found := desk.subjects(login, box=box, layer="course"))}

    try:
        assert boxes("lead") == {"mine": ["C1"], "returned": ["C1"], "done": ["C1"]}
        assert boxes("deputy") == {"deputy": ["C1"]} and boxes("guest") == boxes("office") == {}
        desk.world.fire(cycle, "submit", "deputy", content={"note": "x"})
        assert boxes("deputy") == {"submitted": ["C1"]} and boxes("major") == {"mine": ["C1"]}
        assert desk.read("office").coming is None
    finally:
        db.session.remove()
        db.engine.dispose()


def test_a_late_item_says_how_late_it_is_and_to_whom_it_went(desk: Desk) -> None:
    cycle = desk.world.start()
    desk.site.later(days=380)
    desk.world.tick()  # it begins the next round too

    found = desk.read("lead")

    assert [(when, many) for when, many, _ in found.groups] == [(LATE, 1), (AHEAD, 1)] and found.late == 1
    page = desk.page("lead")
    assert re.search(r"Overdue 1 \d+ working days late", page) and "2 items , 1 overdue" in page
    assert desk.world.state(cycle)["items"][0]["level"] and "raised to: " in page


CALENDAR = calendars.build("Asia/Shanghai", [(date(2026, 11, 23), False)], [], [2026, 2027])
BOUNDS = [
    # today, the first day that is not late, the last that is due today, the last of this week
    ("2026-11-19", "2026-11-19", "2026-11-19", "2026-11-20"),  # Thursday
    ("2026-11-20", "2026-11-20", "2026-11-20", "2026-11-20"),
    ("2026-11-21", "2026-11-21", "2026-11-20", "2026-11-20"),  # Saturday: nothing is due today
    ("2026-11-22", "2026-11-21", "2026-11-20", "2026-11-20"),
    ("2026-11-24", "2026-11-21", "2026-11-24", "2026-11-27"),  # Tuesday after a Monday off: Saturday is due today
]


@pytest.mark.parametrize(("now", "floor", "today", "week"), BOUNDS)
def test_groups_follow_working_days(now: str, floor: str, today: str, week: str) -> None:
    assert bounds(CALENDAR, date.fromisoformat(now)) == (floor, today, week)


def test_a_year_without_calendar_still_has_groups() -> None:
    assert bounds(CALENDAR, date(2031, 1, 2)) == ("2031-01-02", "2031-01-02", "2031-01-05")


def many(desk: Desk, count: int) -> None:
    """Give lead many open items, each the first of a cycle of its own: one that was started, copied."""
    cycle = desk.world.start("C1")

    def columns(table: str, *but: str) -> str:
        names = [name for (name,) in desk.world.query(f"select name from pragma_table_info('{table}')")]
        return ", ".join(name for name in names if name not in but)

    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < :count - 1) "
    cycles, items = columns("cycle", "id", "period_start"), columns("work_item", "id", "cycle_id", "due")
    desk.world.query(f"{numbers} insert into cycle (id, period_start, {cycles}) select c.id + i, "
                     f"date('1900-01-01', '+' || i || ' days'), {cycles} from n, cycle c where c.id = :cycle "
                     f"returning id", count=count, cycle=cycle)  # fmt: skip
    desk.world.query(f"{numbers} insert into work_item (cycle_id, due, {items}) select :cycle + i, "
                     f"date('2025-08-20', '+' || (i % 40) || ' days'), {items} from n, work_item w "
                     f"where w.cycle_id = :cycle returning id", count=count, cycle=cycle)  # fmt: skip


def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk) -> None:
    many(desk, 2 * LINES + 7)
    seen: list[tuple[str, int]] = []
    after = None

    for _ in range(3):
        found = desk.read("lead", after=after)
        seen += [(line.row.due or "", line.row.id) for _, _, lines in found.groups for line in lines]
        after = found.following

    assert after is None and seen == sorted(set(seen)) and len(seen) == 2 * LINES + 7 == found.total
    browser, steps = desk.site.browser("lead", "en"), 0
    path: str | None = "/inbox"
    while path:
        text = browser.get(path).text
        steps += text.count("data-q-row")
        link = re.search(r'rel="next" href="([^"]+)"', text)
        path = unescape(link[1]) if link else None
    assert steps == 2 * LINES + 7


def test_done_comes_newest_first_and_turns_too(desk: Desk) -> None:
    many(desk, LINES + 5)
    desk.world.query("update work_item set state = 'done', closed_at = due || 'T01:00:00.000000Z' returning id")

    first = desk.read("lead", box="done")
    second = desk.read("lead", box="done", after=first.following)

    closed = [line.row.closed_at for part in (first, second) for _, _, lines in part.groups for line in lines]
    assert len(closed) == LINES + 5 and closed == sorted(closed, key=str, reverse=True) and second.following is None


def test_filters_narrow_the_list_and_counts_equal_what_they_show(desk: Desk) -> None:
    many(desk, 30)
    desk.world.query("update work_item set stage = 'design', kind = 'sheet', unit_id = :u where id % 3 = 0 "
                     "returning id", u=desk.world.units["far"])  # fmt: skip

    whole = desk.read("lead")

    assert whole.total == whole.counts["mine"] == 30 == sum(many for _, many, _ in whole.groups)
    assert {name: len(values) for name, values in whole.choices.items()} == {
        "layer": 1, "stage": 2, "kind": 2, "unit": 2, "when": len(whole.groups)}  # fmt: skip
    for name, choices in whole.choices.items():
        assert sum(choice.many for choice in choices) == 30, name
        for choice in choices:
            shown = desk.read("lead", **{name: choice.value})
            assert shown.total == choice.many == sum(len(lines) for _, _, lines in shown.groups), (name, choice)
    both = desk.read("lead", stage="design", when=AHEAD)
    assert all(line.row.stage == "design" and line.when == AHEAD for _, _, lines in both.groups for line in lines)
    assert "Nothing fits these filters" in desk.page("lead", "?stage=nowhere")
    assert "Nothing fits these filters" in desk.page("lead", "?layer=course&unit=99999")


@pytest.mark.parametrize("query", [
    "?box=nothing", "?unit=x", "?when=99999999999999999999", "?after=x", "?after=.", "?stage=%00", "?after=%FF.1",
    "?kind=' or 1=1 --", "?unit=-1", "?after=2025-01-01.x",
])  # fmt: skip
def test_an_address_that_makes_no_sense_shows_a_list_all_the_same(desk: Desk, query: str) -> None:
    desk.world.start()

    answer = desk.site.browser("lead").get(f"/inbox{query}")

    assert answer.status_code == 200 and "or 1=1" not in answer.text.replace("&#39; or 1=1 --", "")


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ["待我处理", "填写并提交", "第 1 轮", "以后 1"]),
    ("en", ["Waiting for me", "Fill in and submit", "round 1", "Later 1"]),
])  # fmt: skip
def test_a_line_is_told_in_both_languages(desk: Desk, lang: str, words: list[str]) -> None:
    desk.world.start()

    page = desk.page("lead", lang=lang)

    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_empty_box_says_what_comes_next(desk: Desk, box: str, lang: str) -> None:
    text = desk.page("guest", f"?box={box}", lang)

    assert len(text) > 60 and "J K" in text
    assert ("没有" in text or "尚无" in text) if lang == "zh" else ("othing" in text or "nobody" in text)


def test_an_empty_inbox_names_the_next_cycle(desk: Desk) -> None:
    assert "Next: on 1 Sep begins C1 teaching" in desk.page("lead")


def test_a_line_leads_to_its_cycle_as_soon_as_there_is_such_a_page(desk: Desk) -> None:
    cycle = desk.world.start()
    if "cycles" not in desk.site.app.blueprints:
        assert "/cycles/" not in desk.site.browser("lead").get("/inbox").text
        desk.site.app._got_first_request = False
        desk.site.app.register_blueprint(Blueprint("cycles", __name__))

    assert f'<a href="/cycles/{cycle}"><b>C1</b></a>' in desk.site.browser("lead").get("/inbox").text


def test_a_subjects_name_is_shown_as_text(desk: Desk) -> None:
    desk.world.start()
    desk.world.query("update subject set name = '<img src=x onerror=alert(1)>' where code = 'C1' returning id")

    text = desk.site.browser("lead").get("/inbox").text

    assert "<img" not in text and "&lt;img src=x" in text


def test_the_first_page_of_ten_thousand_takes_a_few_statements(desk: Desk) -> None:
    many(desk, OPEN)
    said: list[str] = []
    desk.read("lead")
    raw = db.session.connection().connection.dbapi_connection
    db.session.rollback()
    raw.set_trace_callback(said.append)  # type: ignore[union-attr]

    found = desk.read("lead")

    raw.set_trace_callback(None)  # type: ignore[union-attr]
    asked = [text for text in said if text.lstrip().lower().startswith(("select", "with"))]
    assert found.total == OPEN and sum(len(lines) for _, _, lines in found.groups) == LINES
    assert 0 < len(asked) <= MOST_STATEMENTS, asked


def test_the_lists_use_the_index_of_holders(desk: Desk) -> None:
    for box in ("mine", "done", "returned"):
        values = {"college": 1, "person": 1}
        plan = desk.world.query(f"explain query plan select count(*) from work_item i where {BOXES[box]}", **values)
        assert "ix_work_item_college_id_holder_id_state_due" in str(plan), box


def test_a_person_of_no_college_has_an_empty_inbox(desk: Desk) -> None:
    me = SignedIn(session="", person=1, college=None, login="x", name="x", language="en", device="", kinds=frozenset(),
                  titles=())  # fmt: skip

    assert inbox.waiting(db.session, desk.world.origin(), me, Chosen()).counts == dict.fromkeys(BOXES, 0)
