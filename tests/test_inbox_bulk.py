"""Many rows at once: told beforehand by the act itself, done or refused one by one, twice is once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

import pytest
from browsing import Browser, Site
from browsing import site as made
from test_web_inbox import Desk

from qaflow.config import Settings
from qaflow.errors import Invalid
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.desk import bulk as inbox_bulk
from qaflow.services.desk.bulk import BEFORE, MOST, SAME, Bulk, Pick, Result
from qaflow.services.ports import Notice
from qaflow.services.sweeping import handing_over
from qaflow.store.db import db
from qaflow.testing import World

NOTE = {"note": "x"}


@dataclass
class Many:
    """Bulk acts of persons on the tiny college."""

    site: Site
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.site.world

    def me(self, login: str) -> SignedIn:
        return SignedIn(session="", person=self.world.persons[login], college=self.world.college, login=login,
                        name=login, language="en", device="", kinds=frozenset(), titles=())  # fmt: skip

    def submitted(self, count: int, unit: str = "section", lead: str = "lead") -> list[int]:
        """Start so many cycles and submit their first stage; returns the items that decide them."""
        codes = [f"{unit}{n}" for n in range(count)]
        self.world.courses(codes, unit, lead)
        for code in codes:
            self.world.fire(self.world.start(code), "submit", lead, content=NOTE)
        return self.items("decide", unit)

    def items(self, kind: str, unit: str = "section") -> list[int]:
        found = self.world.query("select id from work_item where kind = :k and state = 'open' and unit_id = :u "
                                 "order by id", k=kind, u=self.world.units[unit])  # fmt: skip
        return [number for (number,) in found]

    def tell(self, login: str, act: str, items: Sequence[int], **more: str) -> tuple[Result, ...]:
        asked = Bulk(act=act, picks=tuple(Pick(i) for i in items), **more)
        return inbox_bulk.preview(db.session, self.world.origin(login), self.me(login), asked).results

    def do(self, login: str, act: str, items: Sequence[int | Pick], **more: str) -> list[Result]:
        picks = tuple(i if isinstance(i, Pick) else Pick(i) for i in items)
        return inbox_bulk.carry_out(
            db.session, self.world.origin(login), self.me(login), Bulk(act=act, picks=picks, **more)
        )

    def state(self) -> list[Any]:
        """Return everything an act could have changed."""
        return [self.world.query(f"select * from {table} order by 1, 2") for table in
                ("cycle", "work_item", "visit", "signature", "journal", "outbox", "content", "warning")]  # fmt: skip


def codes(results: Sequence[Result]) -> list[str]:
    """Return the codes of refusals, "" where there is none."""
    return [one.refused.code if one.refused else "" for one in results]


def shown(results: Sequence[Result]) -> list[Pick]:
    """Return the items as the page that told of them sends them back."""
    return [Pick(one.item, one.version if one.row else None) for one in results]


def delivered(many: Many) -> list[Notice]:
    """Return the mails that leave now."""
    sent: list[Notice] = []

    class Box:
        def send(self, notice: Notice) -> None:
            sent.append(notice)

    handing_over.deliver(db.session, many.world.origin(), Box())
    return sent


@pytest.fixture
def many(settings: Settings) -> Iterator[Many]:
    """Return the program on the tiny college."""
    yield Many(made(settings))
    db.session.remove()
    db.engine.dispose()


def test_of_two_hundred_with_three_forbidden_the_others_are_done_with_one_entry_and_one_mail_each(many: Many) -> None:
    mine, foreign = many.submitted(197), many.submitted(3, "far", "far_lead")
    before = many.world.query("select count(*) from journal")[0][0]
    ticked = mine[:100] + foreign + mine[100:]
    told = many.tell("major", "approve", ticked)
    assert many.world.query("select count(*) from journal")[0][0] == before

    results = many.do("major", "approve", shown(told), comment="fine")

    assert [one.item for one in results] == ticked and codes(results) == codes(told)
    assert codes(results).count("") == 197 and codes(results)[100:103] == ["item.not_found"] * 3
    assert all(one.row is None for one in results[100:103])
    facts = many.world.query(
        "select kind, actor, count(*) from journal where kind like 'Stage%' and kind <> 'StageSubmitted' group by 1, 2"
    )
    assert many.world.query("select count(*) from journal") == [(before + 197,)]
    assert facts == [("StageApproved", str(many.world.persons["major"]), 197)]
    assert many.items("decide") == [] and len(many.items("decide", "far")) == 3

    sent = delivered(many)
    assert [n.to for n in sent].count("major") == 1  # of the submissions; nobody is told of an own act
    assert len({n.to for n in sent}) == len(sent)


def test_reminding_many_of_one_person_sends_one_mail(many: Many) -> None:
    items = many.submitted(5)
    many.world.query("update outbox set state = 'sent' returning id")

    assert codes(many.do("head", "remind", items)) == [""] * 5

    assert [(n.to, "5" in n.subject) for n in delivered(many)] == [("major", True)]


@pytest.mark.parametrize(("act", "login", "more"), [
    ("approve", "major", {"comment": "good"}), ("return", "major", {"to": SAME, "reason": "no"}),
    ("remind", "head", {}), ("transfer", "head", {"who": "deputy", "reason": "away"}),
    ("extend", "head", {"due": "2025-12-31", "reason": "x"}),
])  # fmt: skip
def test_what_is_told_leaves_no_trace_and_is_what_happens_and_twice_is_once(
    many: Many, act: str, login: str, more: dict[str, str]
) -> None:
    items = [*many.submitted(3), 987654]
    before = many.state()

    told = many.tell(login, act, items, **more)

    assert many.state() == before and codes(told) == ["", "", "", "item.not_found"]
    assert codes(many.do(login, act, shown(told), **more)) == codes(told)
    after = many.state()
    again = many.do(login, act, shown(told), **more)
    assert all(code in ("item.not_open", "version.stale", "item.not_found") for code in codes(again)), codes(again)
    assert many.state() == after and many.world.audit()["verified"]


def test_what_changed_since_it_was_shown_is_refused_and_the_rest_done(many: Many) -> None:
    first, second, third = many.submitted(3)
    told = many.tell("major", "approve", [first, second, third])
    cycles = [one.row.cycle for one in told if one.row]
    many.world.fire(cycles[0], "withdraw", "lead")
    many.world.fire(cycles[1], "comment", "lead", text="look")

    assert codes(many.do("major", "approve", shown(told))) == ["item.not_open", "version.stale", ""]


def test_what_is_not_theirs_to_see_is_told_as_what_is_not_there(many: Many) -> None:
    foreign = many.submitted(2, "far", "far_lead")
    many.do("far_major", "approve", foreign[:1])

    for act, more in (("approve", {}), ("remind", {}), ("transfer", {"who": "guest", "reason": "x"})):
        results = many.do("lead", act, [*foreign, 987654], **more)
        assert codes(results) == ["item.not_found"] * 3 and all(one.row is None for one in results)


def test_nobody_approves_their_own_and_who_sees_may_not_therefore_decide(many: Many) -> None:
    items = many.submitted(1)

    for login in ("lead", "office", "head"):
        before = many.state()
        assert codes(many.do(login, "approve", items))[0] in ("action.forbidden", "approval.own", "approval.not_signer")
        assert many.state() == before


def test_work_to_be_filled_in_is_not_approved_even_where_its_cycle_could_be(many: Many) -> None:
    many.world.start()
    (item,) = many.items("submit")

    assert codes(many.do("lead", "approve", [item])) == codes(many.do("lead", "return", [item], to=SAME, reason="x"))
    assert codes(many.tell("lead", "approve", [item])) == ["item.no_decision"]


def test_return_goes_to_the_same_stage_the_one_before_or_one_that_all_have_walked(many: Many) -> None:
    world = many.world
    world.courses(["a", "b"], "section", "lead")
    cycles = [world.start("a"), world.start("b")]
    world.pass_stage(cycles[0], 2)
    world.pass_stage(cycles[1], 1)
    for cycle in cycles:
        world.fire(cycle, "submit", "lead", content=NOTE)
    items = many.items("decide")
    asked = Bulk(act="return", picks=tuple(map(Pick, items)))

    told = inbox_bulk.preview(db.session, world.origin("major"), many.me("major"), asked)

    assert [key for key, _ in told.stages] == ["goal"] and [one.does for one in told.results] == ["reject"] * 2
    assert codes(many.tell("major", "return", items, to="standard")) == ["", "stage.not_earlier"]
    assert codes(many.do("major", "return", items, to=BEFORE, reason="again")) == ["", ""]
    assert [world.state(cycle)["stage"] for cycle in cycles] == ["standard", "goal"]


def test_the_first_stage_has_none_before_it(many: Many) -> None:
    items = many.submitted(1)

    assert codes(many.do("major", "return", items, to=BEFORE, reason="x")) == ["stage.not_earlier"]
    assert codes(many.do("major", "return", items, to=SAME, reason="x")) == [""]


def test_transfer_and_extension_keep_to_the_rights_of_a_single_act(many: Many) -> None:
    many.world.courses(["a"], "section", "lead")
    many.world.start("a")
    submit, decide = many.items("submit"), many.submitted(1)

    assert codes(many.tell("lead", "transfer", submit + decide)) == ["", "action.forbidden"]
    assert codes(many.tell("major", "transfer", decide)) == ["action.forbidden"]
    assert codes(many.tell("head", "transfer", decide, who="lead")) == ["approval.own"]
    assert codes(many.tell("lead", "extend", submit, due="2026-01-30")) == ["action.forbidden"]
    assert codes(many.tell("head", "extend", submit, due="2025-01-30")) == ["extend.not_later"]
    assert codes(many.tell("head", "extend", submit + decide)) == ["", ""]
    assert codes(many.do("head", "transfer", decide, who="deputy", reason="away")) == [""]
    assert many.world.query("select holder_id from work_item where id = :i", i=decide[0]) == [
        (many.world.persons["deputy"],)
    ]


def test_two_items_of_one_cycle_are_both_done(many: Many) -> None:
    cycle = many.world.start()
    many.world.fire(cycle, "warn", "diag", reason="odd")
    items = [*many.items("submit"), *many.items("acknowledge")]
    told = many.tell("head", "remind", items)

    assert codes(many.do("head", "remind", shown(told))) == ["", ""] and len(items) == 2


def test_who_waits_reminds_whoever_is_to_decide(many: Many) -> None:
    many.submitted(1)
    ((item,),) = many.world.query("select id from work_item where kind = 'submit' and state = 'done'")

    assert codes(many.do("lead", "remind", [item])) == [""]
    assert many.world.query("select person_id from outbox where kind = 'ItemReminded'") == [
        (many.world.persons["major"],)
    ]


def test_a_correction_is_confirmed_with_the_others(many: Many) -> None:
    cycle = many.world.start()
    many.world.reach(cycle, "implement")
    many.world.fire(cycle, "warn", "diag", reason="odd")
    warning = many.world.state(cycle)["warnings"][0]["id"]
    many.world.fire(cycle, "acknowledge", "lead", warning=warning, cause="c")
    many.world.fire(cycle, "correct", "lead", warning=warning, scope="implementation", measure="m")
    items = many.items("confirm")

    assert [one.does for one in many.tell("major", "approve", items)] == ["confirm"]
    assert codes(many.tell("major", "return", items)) == ["item.no_return"]
    assert codes(many.do("major", "approve", items)) == [""]
    assert "CorrectionConfirmed" in many.world.kinds(cycle)


def test_a_cycle_whose_history_does_not_prove_it_is_left_alone(many: Many) -> None:
    items = many.submitted(2)
    cycle = many.world.query("select cycle_id from work_item where id = :i", i=items[0])[0][0]
    many.world.query("insert into incident (kind, ref, detail, state, opened_at, tries) values ('history', :r, 'x', "
                     "'open', '2025-09-01T00:00:00.000000Z', 1) returning id", r=f"cycle:{cycle}")  # fmt: skip

    assert codes(many.do("major", "approve", items)) == ["history.sealed", ""]


@pytest.mark.parametrize(("act", "more", "field_"), [
    ("return", {"to": SAME}, "reason"), ("return", {"reason": "x"}, "to"), ("transfer", {"reason": "x"}, "who"),
    ("transfer", {"who": "deputy"}, "reason"), ("extend", {"due": "2026-01-30"}, "reason"),
    ("extend", {"due": "30.1.2026", "reason": "x"}, "due"), ("approve", {"comment": "x" * 2001}, "comment"),
    ("return", {"to": SAME, "reason": "a\x00"}, "reason"),
])  # fmt: skip
def test_what_is_asked_for_all_is_checked_before_any_is_done(
    many: Many, act: str, more: dict[str, str], field_: str
) -> None:
    items = many.submitted(1)
    before = many.state()

    with pytest.raises(Invalid) as refused:
        many.do("major", act, items, **more)

    assert [dict(e)["pointer"] for e in refused.value.errors] == [field_] and many.state() == before  # type: ignore[arg-type]


def test_so_many_at_once_and_no_more(many: Many) -> None:
    for act, count, code in (
        ("approve", MOST + 1, "bulk.too_many"),
        ("approve", 0, "bulk.nothing"),
        ("burn", 1, "action.unknown"),
    ):
        with pytest.raises(Invalid) as refused:
            many.do("major", act, range(1, count + 1))
        assert refused.value.code == code
    assert len(many.do("major", "approve", [*range(1, MOST + 1), 1])) == MOST


def test_a_person_of_no_college_has_nothing_to_act_on(many: Many) -> None:
    items = many.submitted(1)
    me = replace(many.me("major"), college=None)
    asked = Bulk(act="approve", picks=tuple(map(Pick, items)))

    assert codes(inbox_bulk.carry_out(db.session, many.world.origin("major"), me, asked)) == ["item.not_found"]
    assert codes(inbox_bulk.preview(db.session, many.world.origin("major"), me, asked).results) == ["item.not_found"]


def test_both_databases_tell_and_do_the_same(store_settings: Settings) -> None:
    many = Many(made(store_settings))
    try:
        items = many.submitted(2)
        told = many.tell("major", "approve", [*items, 987654])
        assert codes(told) == codes(many.do("major", "approve", shown(told))) == ["", "", "item.not_found"]
        assert set(codes(many.do("major", "approve", shown(told)))) == {"item.not_open", "item.not_found"}
    finally:
        db.session.remove()
        db.engine.dispose()


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", text.partition("<main")[2])).split())


def form(text: str) -> dict[str, Any]:
    """Return what the form of the page that tells would send."""
    found = text.partition('action="/inbox/bulk"')[2].partition("</form>")[0]
    pairs = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', found)
    return {name: [v for n, v in pairs if n == name] for name, _ in pairs}


def tick(browser: Browser, act: str, items: Sequence[int]) -> str:
    query = "&".join(f"item={item}" for item in items)
    return browser.get(f"/inbox/bulk?act={act}&{query}").text


def test_the_browser_ticks_is_told_confirms_and_sees_a_result_for_each(many: Many) -> None:
    items, foreign = many.submitted(2), many.submitted(1, "far", "far_lead")
    browser = many.site.browser("major", "en")
    page = browser.get("/inbox?tick=page").text
    assert page.count('name="item"') == page.count(" checked") == 2 and "Tick nothing" in page

    told = tick(browser, "approve", items + foreign)

    assert "2 items can be done" in words(told) and "1 item cannot" in words(told) and "far0" not in told
    sent = form(told)
    answer = browser.post("/inbox/bulk", **sent)
    assert answer.status_code == 303
    result = words(browser.get(answer.headers["Location"]).text)
    assert "2 items are done" in result and "1 item was refused" in result and "section0" in result
    assert "There is no such work." in result and "far0" not in result
    again = browser.post("/inbox/bulk", **sent)
    twice = words(browser.get(again.headers["Location"]).text)
    assert "0 items are done" in twice and "This work is done already." in twice
    other = many.site.browser("lead", "en")
    assert "There is no result here" in other.get(answer.headers["Location"]).text


@pytest.mark.parametrize("item", ["x", "-1", "1.x", "9" * 19, "1;2", "１"])
def test_a_malformed_number_refuses_the_whole_request(many: Many, item: str) -> None:
    items = many.submitted(1)
    browser = many.site.browser("major", "en")
    before = many.state()

    for answer in (browser.post("/inbox/bulk", act="approve", item=[*map(str, items), item]),
                   browser.get(f"/inbox/bulk?act=approve&item={items[0]}&item={item}")):  # fmt: skip
        assert answer.status_code == 422 and "not a number" in answer.text
    assert many.state() == before
    assert browser.post("/inbox/bulk", act="approve", item=[*map(str, items)]).status_code == 303


def test_what_was_entered_is_kept_and_the_fault_stands_at_its_field(many: Many) -> None:
    browser = many.site.browser("head", "en")
    sent = form(tick(browser, "transfer", many.submitted(1)))

    wrong = browser.post("/inbox/bulk", **sent, who="nobody here", reason="ill <b>")
    assert wrong.status_code == 422 and "Nobody in your college has this login or name." in wrong.text
    assert 'value="nobody here"' in wrong.text and "ill &lt;b&gt;" in wrong.text
    empty = browser.post("/inbox/bulk", **sent, who="", reason="")
    assert empty.status_code == 422 and words(empty.text).count("Something must be entered here.") == 2
    barred = browser.post("/inbox/bulk", **sent, who="lead", reason="x", check="1")
    assert barred.status_code == 200 and "Nobody approves their own work." in barred.text
    assert browser.post("/inbox/bulk", **sent, who="deputy", reason="ill").status_code == 303


@pytest.mark.parametrize(
    "path", ["/inbox/bulk", "/inbox/bulk?act=approve", "/inbox/bulk/result", "/inbox/bulk/result?done=x.y"]
)
def test_without_items_the_page_says_what_to_do(many: Many, path: str) -> None:
    answer = many.site.browser("major", "en").get(path)

    assert answer.status_code == 200 and (
        "Nothing is chosen" in answer.text or "There is no result here" in answer.text
    )


def test_the_bar_offers_what_fits_the_box(many: Many) -> None:
    many.submitted(1)
    desk = Desk(many.site)

    assert "With the ticked rows" in desk.page("major") and "Approve Return Transfer Extend Remind" in desk.page(
        "major"
    )
    assert "With the ticked rows" in desk.page("lead", "?box=submitted") and "Approve" not in desk.page(
        "lead", "?box=submitted"
    )
    assert "With the ticked rows" not in desk.page("lead", "?box=done")
