"""The quality office's figures: counted anew from the journal, as long as the lists they open, never beyond scope."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from flask import Flask

from qaflow.engine.definition import NEUTRAL_STAGES, Deadline, Label
from qaflow.errors import Forbidden, Invalid
from qaflow.services import policy
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.figures import dashboard
from qaflow.services.figures.dashboard import Cell, Chosen
from qaflow.services.figures.survey import quantile, seat, spans
from qaflow.store import dashboard as rows
from qaflow.store.db import db
from qaflow.store.driver import PostgresDriver, SqliteDriver
from qaflow.testing import World, spiral, stage

MOST_STATEMENTS = 10
SHARE = 0.04  # of the year, for each stage
ENDS = ("CycleClosed", "CycleCancelled")


@pytest.fixture
def world(store_app: Flask) -> World:
    """Return a college in its term, nine courses at different places of their spirals, some late."""
    stages = [replace(stage(key), deadline=Deadline(share=SHARE * (n + 1))) for n, key in enumerate(NEUTRAL_STAGES)]
    world = World(db.session, spiral(stages=stages))
    world.within(lambda d: d.insert_rows(
        "term", ("college_id", "key", "name_zh", "name_en", "starts", "ends"),
        [(world.college, "2025-autumn", "秋", "Autumn", "2025-09-01", "2026-01-20")],
    ))  # fmt: skip
    world.courses([f"N{n}" for n in range(5)], "section", "lead")
    world.courses([f"F{n}" for n in range(3)], "far", "far_lead")
    for n in range(5):
        cycle = world.start(f"N{n}")
        for _ in range(n):
            world.later(n)
            world.fire(cycle, "submit", "lead", content={})
            world.later(1)
            world.fire(cycle, "approve", "major")
    for n in range(3):
        world.start(f"F{n}")
    world.fire(world.start("C1"), "submit", "lead", content={})
    world.later(60)
    return world


def me(world: World, login: str) -> SignedIn:
    """Return somebody as signed in."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="en", device="", kinds=frozenset(), titles=())  # fmt: skip


def heat(world: World, login: str = "office", **chosen: object) -> dashboard.Heat:
    """Return the heat map as somebody sees it."""
    return dashboard.heat(db.session, world.origin(login), me(world, login), Chosen(**chosen))  # type: ignore[arg-type]


def stuck(world: World, login: str = "office", **chosen: object) -> dashboard.Stuck:
    """Return what is stuck as somebody sees it."""
    return dashboard.stuck(db.session, world.origin(login), me(world, login), Chosen(**chosen))  # type: ignore[arg-type]


def listed(world: World, login: str = "office", **chosen: object) -> dashboard.Listed:
    """Return a list as somebody sees it."""
    return dashboard.listed(db.session, world.origin(login), me(world, login), Chosen(**chosen))  # type: ignore[arg-type]


def test_the_heat_map_counts_what_the_journal_says(world: World) -> None:
    standing: Counter[str] = Counter()
    for (stream,) in world.query("select distinct stream from journal where stream like 'cycle:%'"):
        stages = [f["enter"]["stage"] for kind, f in world.history(int(stream[6:])) if "enter" in f]
        if not {kind for kind, _ in world.history(int(stream[6:]))} & set(ENDS):
            standing[stages[-1]] += 1

    (row,) = heat(world).rows

    assert {cell.stage: cell.many for cell in row.cells if cell.many} == dict(standing)
    assert row.total.many == sum(standing.values()) == 9


@pytest.mark.parametrize("login", ["office", "diag", "vp"])
def test_every_number_is_as_long_as_its_list(world: World, login: str) -> None:
    found = heat(world, login)

    for row in found.rows:
        for cell in row.cells:
            of = {"layer": row.layer, "track": row.track, "stage": cell.stage}
            for what, number in (("running", cell.many), ("late", cell.late), ("waiting", cell.waiting)):
                page = listed(world, login, what=what, **of)
                assert (page.many, len(page.lines)) == (number, number), (what, cell)
    for _, layer, ages in found.ages:
        assert [listed(world, login, what="aged", layer=layer, age=n).many for n in range(len(ages))] == list(ages)
    for why, number in stuck(world, login).reasons.items():
        assert listed(world, login, what=why).many == number
    assert found.total.late and found.total.waiting and sum(map(sum, (a for *_, a in found.ages))) == found.total.late


def test_late_is_the_stage_s_deadline_while_worked_on_and_the_decision_s_in_review(world: World) -> None:
    today = world.within(lambda d: world.view(d).calendar.local_day(world.now))
    late = {line.cycle for line in listed(world, what="late").lines}

    oracle = set()
    for (cycle,) in world.query("select id from cycle where status = 'running'"):
        snap = world.state(cycle)
        kinds = ("decide", "sign") if snap["leaf"] == "review" else ("submit",)
        dues = [i["due"] for i in snap["items"] if i["kind"] in kinds]
        if dues and date.fromisoformat(min(dues)) < today - timedelta(days=today.weekday() == 6):
            oracle.add(cycle)
    assert late == oracle


def test_units_are_ranked_by_what_was_handed_in_by_its_deadline(world: World) -> None:
    found = dashboard.rates(db.session, world.origin("office"), me(world, "office"), Chosen())
    today = world.now.date().isoformat()
    counted: Counter[str] = Counter()
    met: Counter[str] = Counter()
    for cycle, unit in world.query("select c.id, u.code from cycle c join unit u on u.id = c.unit_id"):
        dues: dict[str, str] = {}
        handed: dict[str, str] = {}
        here = ""
        for kind, data, at in world.query("select kind, data, at from journal where stream = :s order by seq",
                                          s=f"cycle:{cycle}"):  # fmt: skip
            fact = json.loads(data)
            if kind == "StageSubmitted":
                handed[here] = (datetime.fromisoformat(at) + timedelta(hours=8)).date().isoformat()
            if "enter" in fact:
                here = fact["enter"]["stage"]
                dues[here] = fact["enter"]["due"]
        for key, due in dues.items():
            if due and due < today:
                counted[unit] += 1
                met[unit] += key in handed and handed[key] <= due

    rates = {r.name.en: (r.many, r.met) for r in (*found.ranked, *found.few)}

    assert rates["far"] == (counted["far"], met["far"]) and counted["far"]
    assert rates["teaching"] == rates["section"] == (counted["section"], met["section"])
    assert (found.total.many, found.total.met) == (counted.total(), met.total())
    assert all(r.many >= dashboard.FEW for r in found.ranked) and all(r.many < dashboard.FEW for r in found.few)
    for rate in (*found.ranked, *found.few):
        for what, number in (("due", rate.many), ("met", rate.met), ("missed", rate.many - rate.met)):
            assert listed(world, what=what, unit=rate.unit).many == number


def test_working_and_waiting_time_are_reckoned_apart(world: World) -> None:
    found = dashboard.times(db.session, world.origin("office"), me(world, "office"), Chosen())
    calendar = world.within(lambda d: world.view(d).calendar)
    took: Counter[int] = Counter()
    for cycle, in world.query("select id from cycle"):  # fmt: skip
        facts = world.query("select kind, at from journal where stream = :s order by seq", s=f"cycle:{cycle}")
        handed = [at for kind, at in facts if kind == "StageSubmitted"]
        if handed:
            days = [calendar.local_day(datetime.fromisoformat(at)) for at in (facts[0][1], handed[0])]
            took[calendar.working_between(*days)] += 1

    stage_key, working, waiting = found.stages[0]

    assert stage_key == "goal" and working is not None and working.many == took.total() == 5
    assert working.median == sorted(took.elements())[2]
    assert waiting is not None and (waiting.many, waiting.median <= 1) == (4, True)
    assert (
        listed(world, what="worked", stage="goal").many == 5 and listed(world, what="decided", stage="goal").many == 4
    )
    assert [(name, many) for _, name, many, _ in found.piles] == [("major", 1)]
    assert listed(world, what="decisions", holder=world.persons["major"]).many == 1


def test_a_leader_of_one_unit_counts_nothing_of_another(world: World) -> None:
    world.person("near_vp", "vice_president", "teaching")
    world.person("far_vp", "vice_president", "far")

    near, far = heat(world, "near_vp"), heat(world, "far_vp")

    assert (near.total.many, far.total.many, heat(world).total.many) == (6, 3, 9)
    assert {line.subject[0] for line in listed(world, "far_vp", what="all").lines} == {"F"}
    assert listed(world, "far_vp", what="running", unit=world.units["section"]).many == 0
    ranks = dashboard.rates(db.session, world.origin("far_vp"), me(world, "far_vp"), Chosen())
    assert {r.name.en for r in (*ranks.ranked, *ranks.few)} == {"far"}
    piles = dashboard.times(db.session, world.origin("far_vp"), me(world, "far_vp"), Chosen()).piles
    assert piles == ()


def test_a_committee_reads_sums_and_opens_no_list(world: World) -> None:
    world.person("board", "committee")

    found = heat(world, "board")

    assert found.total.many == 9 and not found.survey.scope.lists
    with pytest.raises(Forbidden):
        listed(world, "board", what="running")
    assert dashboard.times(db.session, world.origin("board"), me(world, "board"), Chosen()).piles == ()


@pytest.mark.parametrize("login", ["lead", "major", "admin", "guest", "head"])
def test_who_surveys_nothing_sees_no_figure(world: World, login: str) -> None:
    with pytest.raises(Forbidden):
        heat(world, login)


def test_a_deputy_of_the_leader_surveys_in_their_place(world: World) -> None:
    world.deputy("vp", "deputy")

    assert heat(world, "deputy").total.many == 9
    world.later(60)
    with pytest.raises(Forbidden):
        heat(world, "deputy")


def test_a_deputy_in_one_layer_or_for_another_role_surveys_nothing(world: World) -> None:
    world.deputy("vp", "deputy")
    world.query("update deputy set layer = 'course' returning id")
    world.deputy("office", "guest", role="course_leader")

    for login in ("deputy", "guest"):
        with pytest.raises(Forbidden):
            heat(world, login)


def test_a_leader_of_a_layer_counts_it_in_every_unit_and_nothing_else(world: World) -> None:
    world.person("layer_vp", "vice_president", "teaching")
    world.query("update role_grant set scope_kind = 'layer', scope_id = null, scope_layer = :l where person_id = :p "
                "returning id", l="course", p=world.persons["layer_vp"])  # fmt: skip

    assert heat(world, "layer_vp").total.many == listed(world, "layer_vp").many == 9
    ranks = dashboard.rates(db.session, world.origin("layer_vp"), me(world, "layer_vp"), Chosen())
    assert {r.name.en for r in (*ranks.ranked, *ranks.few)} == {"teaching", "section", "far"}
    world.query("update role_grant set scope_layer = 'major' where person_id = :p returning id",
                p=world.persons["layer_vp"])  # fmt: skip
    assert heat(world, "layer_vp").total.many == listed(world, "layer_vp", term="all", what="all").many == 0


def test_what_is_stuck_says_why(world: World) -> None:
    world.query(
        "update person set disabled_at = :t where login = 'far_lead' returning id", t="2025-09-02T00:00:00.000000Z"
    )
    world.course("lost", "far", None)
    world.query("update schedule set unstarted_reason = 'responsible.missing' where subject_id = :s returning id",
                s=world.subjects["lost"])  # fmt: skip

    found = stuck(world)

    assert found.reasons["nobody"] == 3 and {x.subject for x in listed(world, what="nobody").lines} == {
        "F0",
        "F1",
        "F2",
    }
    assert found.unstarted == (("responsible.missing", 1),) and heat(world).unstarted == 1
    page = listed(world, what="unstarted", why="responsible.missing")
    assert (page.many, [row[2] for row in page.unstarted]) == (1, ["lost"])
    world.later(400)
    assert stuck(world).reasons["period"] == heat(world, term="2025-autumn").total.many == 9


def test_filters_narrow_number_and_list_alike_and_another_term_is_empty(world: World) -> None:
    assert heat(world, unit=world.units["far"]).total.many == listed(world, unit=world.units["far"]).many == 3
    assert heat(world, unit=999).total.many == heat(world, layer="nothing").total.many == 0
    assert heat(world, term="all").total.many == 9
    assert heat(world, stage="standard").total.many == listed(world, stage="standard").many == 1
    assert listed(world, stage="nothing").many == listed(world, stage="goal-nothing").many == 0
    assert listed(world, stage="goal-standard").many == 6
    with pytest.raises(Invalid):
        listed(world, what="secret")


@pytest.mark.parametrize(("late", "many", "shade"), [
    (0, 10, 0), (1, 1, 1), (2, 2, 1), (3, 100, 1), (3, 60, 2), (3, 30, 3), (3, 15, 4), (3, 3, 4),
])  # fmt: skip
def test_few_late_ones_stay_pale_whatever_their_share(late: int, many: int, shade: int) -> None:
    assert Cell(name=Label(zh="", en=""), stage="goal", width=1, many=many, late=late).shade == shade


def test_fewer_stages_stand_over_the_neutral_ones_they_cover() -> None:
    four = spiral(stages=[
        replace(stage("aims"), covers=("goal", "standard")), replace(stage("conduct"), covers=("design", "implement")),
        replace(stage("rectify"), covers=("diagnose", "improve")),
    ])  # fmt: skip

    assert [(s.key, first, end) for s, first, end in spans(four)] == [("aims", 0, 2), ("conduct", 2, 5),
                                                                      ("rectify", 5, 10)]  # fmt: skip
    assert [end - first for _, first, end in spans(spiral())] == [1] * len(NEUTRAL_STAGES)
    assert seat(stage("own")) == 0


def test_quantiles_of_counted_days() -> None:
    assert quantile(Counter({1: 5, 4: 4, 9: 1}), 0.5) == 1
    assert quantile(Counter({1: 5, 4: 4, 9: 1}), 0.9) == 4
    assert quantile(Counter(), 0.5) == 0


def test_a_page_asks_few_things_however_many_cycles_there_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    for kind in (SqliteDriver, PostgresDriver):
        whole = kind.all

        def count(self: object, sql: object, params: object = None, whole: object = whole) -> object:
            asked.append(sql)
            return whole(self, sql, params or {})  # type: ignore[operator]

        monkeypatch.setattr(kind, "all", count)
    for page in (dashboard.heat, dashboard.stuck, dashboard.rates, dashboard.times):
        asked.clear()
        page(db.session, world.origin("office"), me(world, "office"), Chosen())
        assert len(asked) <= MOST_STATEMENTS, page
    world.courses([f"M{n}" for n in range(20)], "section", "lead")
    for n in range(20):
        world.start(f"M{n}")
    asked.clear()
    assert heat(world).total.many == 29 and len(asked) <= MOST_STATEMENTS


def test_every_list_has_its_words() -> None:
    from qaflow.web.office.figures import WHATS

    assert set(WHATS) == set(rows.LISTS) and set(rows.STUCK) <= set(WHATS)
    assert policy.SURVEYS > policy.SEES_ALL
