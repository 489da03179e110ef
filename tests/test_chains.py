"""The chains in the database: who reads and keeps what, versions, facts, cycles that fix goals, sums that hide."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from qaflow.engine.chains import attainment
from qaflow.engine.definition import Field
from qaflow.errors import Forbidden, Invalid, Missing, QaflowError, Refused, Stale
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.auditing import audit
from qaflow.services.chains import (
    acts as chain_acts,
)
from qaflow.services.chains import (
    findings as chain_findings,
)
from qaflow.services.chains import (
    given as chain_given,
)
from qaflow.services.chains import (
    trees as chains,
)
from qaflow.services.chains import (
    views as chain_views,
)
from qaflow.services.chains.book import Chosen
from qaflow.services.files import imports
from qaflow.store.chains import SHARE
from qaflow.store.db import Sql, db, driver
from qaflow.testing import CARRIED, NOTE, World, label, spiral, stage

ALL = Chosen()
YEAR = {"starts": "2025-09-01", "ends": "2026-08-31"}


def records(key: str, *fields: tuple[str, str]) -> Field:
    """Return a field of records, each with fields of a type."""
    return Field(key=key, label=label(key), type="records",
                 fields=tuple(Field(key=k, label=label(k), type=t) for k, t in fields))  # fmt: skip


GOALS = records("goals", ("text", "text"), ("indicator", "text"), ("target", "number"), ("weight", "number"),
                ("source_goal", "text"))  # fmt: skip
STANDARDS = records("standards", ("text", "text"), ("indicator", "text"), ("target", "number"), ("warning", "number"))
VERDICTS = records("verdicts", ("goal", "text"), ("attained", "flag"), ("degree", "number"))
STAGES = (stage("goal", form=(GOALS, STANDARDS), covers=("goal", "standard"), decide=None),
          stage("implement", form=(NOTE,), covers=("design", "organize", "implement")),
          stage("diagnose", form=(VERDICTS,)), stage("improve", form=(NOTE, CARRIED)))  # fmt: skip


class Chain(World):
    """A tiny college whose people keep chains."""

    def me(self, login: str) -> SignedIn:
        """Return somebody at a browser."""
        return SignedIn(session="s", person=self.persons[login], login=login, name=login, language="zh",
                        college=self.college, kinds=frozenset(), titles=(), device="d")  # fmt: skip

    def do(self, service: Any, login: str, *args: Any) -> Any:
        """Let somebody use a service."""
        return service(self.session, self.origin(login), self.me(login), *args)

    def add(self, login: str = "office", table: str = "goal", **given: Any) -> int:
        """Enter a goal or a standard."""
        texts = {"layer": "course", "text": "提高到课率"} | {k: str(v) for k, v in given.items()}
        return int(self.do(chain_acts.add, login, table, texts))

    def goal(self, number: int, login: str = "office") -> chains.GoalPage:
        """Return a goal's page."""
        found: chains.GoalPage = self.do(chains.goal, login, number)
        return found

    def refusal(self, service: Any, login: str, *args: Any) -> QaflowError:
        """Return the error by which somebody is refused."""
        with pytest.raises(QaflowError) as caught:
            self.do(service, login, *args)
        return caught.value


@pytest.fixture
def world(store_app: Flask) -> Iterator[Chain]:
    """Return the tiny college; whatever a test did, the journal verifies."""
    made = Chain(db.session, spiral(stages=STAGES))
    yield made
    db.session.rollback()
    assert audit.verify(db.session)["findings"] == []


def test_a_goal_that_is_added_stands_once_and_in_the_journal(world: Chain) -> None:
    number = world.add(indicator="到课率", unit="%", target=95, weight="40", owner_unit="teaching", kind="key", **YEAR)
    again = world.add(indicator="到课率", unit="%", target=95, weight="40", owner_unit="teaching", kind="key", **YEAR)

    assert again == number
    entry = world.goal(number).entry
    assert (entry.target, entry.weight, entry.unit_zh, entry.source) == (95.0, 40.0, "teaching", "entered")
    (data,) = world.query("select data from journal where kind = 'GoalChanged'")[0]
    fact = json.loads(data)
    assert (fact["id"], fact["act"], fact["before"]) == (number, "add", None)
    assert fact["after"]["target"] == 95.0 and len(fact["after"]["text_zh"]) == 64  # words stand under their hash


def test_every_fault_is_told_at_its_field_and_nothing_is_written(world: Chain) -> None:
    error = world.refusal(chain_acts.add, "office", "goal", {
        "text": " ", "layer": "moon", "target": "９５", "weight": "-1", "owner_unit": "nowhere", "owner": "nobody here",
        "parent": "no-such", "kind": "urgent", "starts": "03/04/2026", "degree": "101", "point": "p",
        "subject": "course/C7"})  # fmt: skip

    assert {(e["pointer"], e["code"]) for e in error.errors if not isinstance(e, str)} == {
        ("text", "text.blank"), ("layer", "ref.unknown_layer"), ("target", "number.invalid"), ("weight", "value.range"),
        ("owner_unit", "ref.unknown_unit"), ("owner", "ref.unknown_user"), ("parent", "ref.unknown_goal"),
        ("kind", "value.unknown"), ("starts", "date.ambiguous"), ("degree", "value.range"),
        ("point", "ref.unknown_point"), ("subject", "ref.unknown_subject"),
    }  # fmt: skip
    assert world.query("select count(*) from goal") == [(0,)]


@pytest.mark.parametrize(("given", "field", "code"), [
    ({"starts": "2026-02-01", "ends": "2026-01-01"}, "ends", "date.order"),
    ({"target": "1,000"}, "target", "number.invalid"),
    ({"target": "nan"}, "target", "number.not_finite"),
    ({"weight": "0"}, "weight", "value.range"),
    ({"text": "x" * 1001}, "text", "text.too_long"),
])  # fmt: skip
def test_a_fault_beside_its_nearest_valid_twin(world: Chain, given: dict[str, str], field: str, code: str) -> None:
    twin = {"starts": "2026-01-01", "ends": "2026-02-01", "target": "1000", "weight": "0.1", "text": "x" * 1000}

    error = world.refusal(chain_acts.add, "office", "goal", {"layer": "course", "text": "t"} | given)

    assert [(e["pointer"], e["code"]) for e in error.errors if not isinstance(e, str)] == [(field, code)]
    assert world.add(**twin)


def test_a_unit_s_supervisor_keeps_its_goals_and_no_others(world: Chain) -> None:
    mine, far = world.add("head", owner_unit="section"), world.add("far_head", owner_unit="far")

    assert world.do(chain_acts.change, "head", "goal", mine, 1, {"text": "改", "layer": "course"})
    assert isinstance(world.refusal(chain_acts.change, "head", "goal", far, 1, {"text": "x"}), Forbidden)
    grabbed = world.refusal(chain_acts.change, "head", "goal", mine, 2, {"text": "x", "owner_unit": "far"})
    assert grabbed.code == "chain.not_yours"
    assert world.refusal(chain_acts.add, "head", "goal", {"text": "x", "layer": "course"}).code == "chain.not_yours"
    assert isinstance(world.refusal(chain_acts.retire, "major", "goal", mine, 2), Forbidden)


def test_who_answers_for_a_subject_keeps_its_goals_and_others_do_not_see_them(world: Chain) -> None:
    number = world.add("lead", subject="course/C1")

    assert world.goal(number, "lead").may_keep and not world.goal(number, "major").may_keep
    for login in ("far_lead", "far_head"):
        assert isinstance(world.refusal(chains.goal, login, number), Missing)
        assert isinstance(world.refusal(chain_acts.change, login, "goal", number, 1, {"target": "1"}), Missing)
        assert world.do(chains.listed, login, "goal", ALL).many == 0
    others = {"text": "x", "layer": "course", "subject": "course/C9"}
    assert world.refusal(chain_acts.add, "lead", "goal", others).code == "chain.not_yours"
    absent = world.refusal(chains.goal, "far_lead", 987654)
    assert (absent.code, absent.detail) == ("object.not_found", "no goal 987654")


def test_goals_of_plans_are_read_by_everybody_with_a_role_but_the_administrator(world: Chain) -> None:
    number = world.add(owner_unit="teaching")

    for login in ("lead", "major", "far_head", "vp", "diag", "qhead"):
        assert world.goal(number, login).entry.id == number
    for login in ("admin", "guest"):
        for service, args in ((chains.tree, (ALL,)), (chains.listed, ("goal", ALL)), (chain_views.matrix, (ALL,)),
                              (chain_findings.findings, (ALL,)), (chain_given.choices, ())):  # fmt: skip
            assert isinstance(world.refusal(service, login, *args), Forbidden), (login, service)
        assert world.refusal(chains.goal, login, number).detail == f"no goal {number}"


def test_a_form_that_is_stale_changes_nothing(world: Chain) -> None:
    number = world.add()
    world.do(chain_acts.change, "office", "goal", number, 1, {"target": "90"})

    error = world.refusal(chain_acts.change, "qhead", "goal", number, 1, {"target": "80"})

    assert isinstance(error, Stale) and error.data["version"] == 2
    assert world.goal(number).entry.target == 90.0
    assert not world.do(chain_acts.change, "office", "goal", number, 2, {"target": "90"})  # nothing differs
    assert world.goal(number).entry.version == 2


def test_a_goal_never_comes_to_serve_itself(world: Chain) -> None:
    top = world.add(text="a")
    middle = world.add(text="b", parent=world.goal(top).entry.key)
    low = world.add(text="c", parent=world.goal(middle).entry.key)

    for under in (top, middle, low):
        error = world.refusal(chain_acts.change, "office", "goal", top, 1, {"parent": world.goal(under).entry.key})
        assert error.code == "chain.circle"
    assert [e.id for e in world.goal(low).line] == [top, middle]


def test_a_goal_is_parted_among_units_and_persons_in_one_act(world: Chain) -> None:
    number = world.add(indicator="到课率", unit="%", target=95, kind="key", **YEAR)
    parts = [{"owner_unit": "teaching", "weight": "60", "target": "96"},
             {"owner": "head", "weight": "40", "text": "细目"}, {"subject": "course/C1"}]  # fmt: skip

    made = world.do(chain_acts.decompose, "office", number, 1, parts)

    below = [world.goal(n).entry for n in made]
    assert [(e.above, e.weight, e.target, e.text_zh, e.ends) for e in below] == [
        (number, 60.0, 96.0, "提高到课率", "2026-08-31"), (number, 40.0, None, "细目", "2026-08-31"),
        (number, None, None, "提高到课率", "2026-08-31")]  # fmt: skip
    assert isinstance(world.refusal(chain_acts.decompose, "office", number, 1, parts), Stale)  # the second click
    error = world.refusal(chain_acts.decompose, "office", number, 2, [{"weight": "x"}, {"owner_unit": "nowhere"}])
    assert {e["pointer"] for e in error.errors if not isinstance(e, str)} == {"0-weight", "1-owner_unit"}
    assert world.refusal(chain_acts.decompose, "office", number, 2, []).code == "decompose.nothing"


def test_a_retired_goal_is_read_and_counted_no_more(world: Chain) -> None:
    number = world.add()
    world.do(chain_acts.retire, "office", "goal", number, 1)

    assert world.do(chains.listed, "office", "goal", ALL).many == 0
    assert world.do(chains.listed, "office", "goal", Chosen(retired=True)).many == 1
    assert world.do(chains.tree, "office", ALL).lines == ()
    assert world.goal(number).entry.retired_at is not None
    assert world.refusal(chain_acts.change, "office", "goal", number, 2, {"target": "1"}).code == "chain.retired"


def fixed(world: Chain, login: str = "lead", code: str = "C1", **content: Any) -> int:
    """Return a cycle whose goals were handed in."""
    cycle = world.start(code)
    world.fire(cycle, "submit", login, content=content)
    return cycle


def test_goals_and_standards_that_a_cycle_fixes_become_entries_of_the_chains(world: Chain) -> None:
    top = world.add(text="学校年度目标")
    goals = [{"text": "到课率达标", "indicator": "到课率", "target": 95, "weight": 2, "source_goal": "学校年度目标"},
             {"text": "作业完成", "target": 90, "weight": 1, "source_goal": "无此目标"}]  # fmt: skip
    yardsticks = [{"text": "到课标准", "indicator": "到课率", "target": 95, "warning": 85}]

    cycle = fixed(world, goals=goals, standards=yardsticks)

    found = {e.text_zh: e for e in world.do(chains.listed, "lead", "goal", ALL).entries if e.cycle == cycle}
    first = found["到课率达标"]
    assert (first.above, first.target, first.weight, first.subject_name) == (top, 95.0, 2.0, "C1")
    assert (first.source, first.starts, first.ends) == ("cycle", "2025-09-01", "2026-08-31")
    assert found["作业完成"].above is None
    (yardstick,) = world.do(chains.listed, "lead", "standard", ALL).entries
    assert (yardstick.above, yardstick.target, yardstick.warn_lower) == (first.id, 95.0, 85.0)
    assert world.do(chains.listed, "far_lead", "goal", ALL).many == 1  # the plan's alone


def test_a_second_visit_replaces_what_the_cycle_said_and_a_verdict_tells_the_attainment(world: Chain) -> None:
    cycle = fixed(world, goals=[{"text": "甲", "target": 5}, {"text": "乙"}])
    before = {e.text_zh: e.id for e in world.do(chains.listed, "lead", "goal", ALL).entries}
    world.fire(cycle, "reopen", "office", stage="goal", reason="again")
    world.fire(cycle, "submit", "lead", content={"goals": [{"text": "甲", "target": 6}, {"text": "丙"}]})

    now = {e.text_zh: e for e in world.do(chains.listed, "lead", "goal", ALL).entries}
    assert set(now) == {"甲", "丙"} and now["甲"].id == before["甲"] and now["甲"].target == 6.0
    assert [e.id for e in world.do(chains.listed, "lead", "goal", Chosen(retired=True)).entries] == [before["乙"]]
    world.fire(cycle, "submit", "lead", content={"note": "done"})
    world.fire(cycle, "approve", "major")
    world.fire(cycle, "submit", "lead", content={"verdicts": [{"goal": "甲", "attained": False, "degree": 80},
                                                              {"goal": "丙", "attained": True}]})  # fmt: skip
    assert world.goal(now["甲"].id).share is None  # not before its approval
    world.fire(cycle, "approve", "major")
    assert (world.goal(now["甲"].id).share, world.goal(now["丙"].id).share) == (0.8, 1.0)


def test_what_a_cycle_fixed_only_its_stage_changes_but_its_link(world: Chain) -> None:
    key = world.goal(world.add(text="上层")).entry.key
    fixed(world, goals=[{"text": "甲", "target": 5}])
    (entry,) = [e for e in world.do(chains.listed, "lead", "goal", ALL).entries if e.cycle]

    assert world.refusal(chain_acts.change, "lead", "goal", entry.id, 1, {"target": "6"}).code == "chain.of_cycle"
    assert isinstance(world.refusal(chain_acts.retire, "lead", "goal", entry.id, 1), Refused)
    assert world.do(chain_acts.change, "lead", "goal", entry.id, 1, {"parent": key})
    assert world.goal(entry.id).line[0].key == key


def test_few_subjects_that_a_reader_does_not_see_enter_no_sum(world: Chain) -> None:
    top = world.add(text="上层")
    key = world.goal(top).entry.key
    for number in range(5):
        world.course(f"F{number}", "far", "far_lead")
    for number in range(4):
        world.add("far_lead", subject=f"course/F{number}", parent=key, degree=50, weight=1)

    assert world.goal(top, "lead").told.rolled.below is None  # type: ignore[union-attr]
    assert world.goal(top, "far_head").told.rolled.below == 0.5  # type: ignore[union-attr]
    assert (world.goal(top, "far_head").ends_many, world.goal(top, "lead").ends_many) == (4, 0)
    world.add("far_lead", subject="course/F4", parent=key, degree=100, weight=4)
    assert world.goal(top, "lead").told.rolled.below == 0.75  # type: ignore[union-attr]


CASES = [(v, t, d) for v in (-3.0, 0.0, 40.0, 95.0, 200.0) for t in (-5.0, 0.0, 80.0) for d in (None, "higher", "lower",
                                                                                              "band")]  # fmt: skip


def test_the_database_reckons_an_attainment_as_the_engine_does(world: Chain) -> None:
    for at, (value, target, direction) in enumerate(CASES):
        world.add(text=f"g{at}", target=target, attained=value, direction=direction or "")

    found = driver(world.session).all(Sql(f"select g.attained, g.target, g.direction, {SHARE} from goal g"))

    assert len(found) == len(CASES)
    for value, target, direction, share in found:
        assert share == pytest.approx(attainment(value, target, direction)), (value, target, direction)


def test_the_findings_count_what_their_lists_hold(world: Chain) -> None:
    top = world.goal(world.add(text="总目标", indicator="就业率", target=95, owner_unit="teaching", **YEAR)).entry
    world.add(text="分目标", indicator="就业率", target=90, parent=top.key, owner_unit="far")
    for number in range(6):
        world.add(text=f"重点{number}", kind="key", owner="head")
    world.add(table="standard", text="无指标", goal=top.key)

    found = world.do(chain_findings.findings, "office", ALL)

    wanted = {"childless": 7, "standardless": 7, "unmeasured": 1, "conflict": 1, "overload": 6, "no_weight": 1,
              "no_indicator": 6, "no_target": 6, "no_deadline": 7}  # fmt: skip
    assert {k: n for k, n in found.counts.items() if n} == wanted
    for kind, many in wanted.items():
        page = world.do(chain_findings.listed, "office", Chosen(finding=kind))
        assert (page.many, len(page.entries)) == (many, many), kind
    assert [(c.goal.text_zh, c.why) for c in found.crossed] == [("分目标", "target")]
    assert [(one.what, one.many) for one in found.laden] == [("person", 6)]
    assert isinstance(world.refusal(chain_findings.listed, "office", Chosen(finding="x")), Invalid)


def test_the_matrix_counts_what_its_cells_list(world: Chain) -> None:
    world.within(lambda d: d.run(Sql("update unit set system = 'resource_building' where code = 'far'")))
    world.add(text="甲", owner_unit="far")
    world.add(table="standard", text="乙", system="support_service")
    world.add(text="丙")

    found = world.do(chain_views.matrix, "office", ALL)

    cells = {at: cell[:2] for at, cell in found.cells.items() if any(cell)}
    assert cells == {("resource_building", "course"): (1, 0), ("support_service", "course"): (0, 1),
                     ("none", "course"): (1, 0)}  # fmt: skip
    for (system, layer), (goals, standards) in cells.items():
        chosen = Chosen(system=system, layer=layer)
        assert [world.do(chains.listed, "office", t, chosen).many for t in ("goal", "standard")] == [goals, standards]
    assert found.gaps == 3 and found.cells["resource_building", "course"].gap == "standards"


def test_tasks_are_counted_only_for_those_who_see_them(world: Chain) -> None:
    row = ("id", "college_id", "plan", "no", "title_zh", "title_en", "departments", "owner_unit_id", "task_kind",
           "origin", "recurs", "state", "late_warned", "body")  # fmt: skip
    values = (1, world.college, "p", 1, "任务", "task", '["far"]', world.units["far"], "key", "plan", False, "planned",
              False, "{}")  # fmt: skip
    world.within(lambda d: d.insert_rows("plan_task", row, [values]))

    for login, many in (("office", 1), ("far_head", 1), ("head", 0), ("lead", 0)):
        assert world.do(chain_views.tasks, login, ALL).many == many, login
        assert sum(cell.tasks for cell in world.do(chain_views.matrix, login, ALL).cells.values()) == many, login


def test_a_year_s_plan_stands_beside_the_last_year_s(world: Chain) -> None:
    old = {"starts": "2024-09-01", "ends": "2025-08-31"}
    world.add(text="就业率", target=90, attained=81, **old)
    ended = world.add(text="停办", target=1, **old)
    world.do(chain_acts.retire, "office", "goal", ended, 1)
    world.add(text="就业率", target=95, **YEAR)
    world.add(text="新目标", **YEAR)

    plan = world.do(chain_views.plan, "office", ALL)

    assert plan.year == "2025"
    told = [(one.now.text_zh, one.before.target if one.before else None, one.share_before) for one in plan.lines]
    assert told == [("就业率", 90.0, 0.9), ("新目标", None, None)]
    assert [(one.before.text_zh, one.before.retired_at is not None) for one in plan.ended] == [("停办", True)]


def read(world: Chain, kind: str, text: str, **options: Any) -> dict[str, Any]:
    """Import a file."""
    return imports.run(world.session, world.origin(), kind, text.encode(), f"{kind}.csv", **options)


FILE = """编号,内容,层面,上级目标,指标,目标值,权重,开始,结束,责任部门,责任人
low,课程目标,course,top,到课率,90,60,2025-09-01,2026-08-31,section,lead
top,学校目标,course,,到课率,95,,2025-09-01,2026-08-31,teaching,
"""


def test_a_file_of_goals_adds_then_changes_nothing_then_only_what_differs(world: Chain) -> None:
    first = read(world, "goals", FILE)
    again = read(world, "goals", FILE)
    changed = read(world, "goals", "key,text,layer,target\nlow,课程目标,course,92\n")

    assert [(r["new"], r["updated"], r["unchanged"]) for r in (first, again, changed)] == [
        (2, 0, 0), (0, 0, 2), (0, 1, 0)]  # fmt: skip
    low, top = (next(e for e in world.do(chains.listed, "office", "goal", ALL).entries if e.key == k)
                for k in ("low", "top"))  # fmt: skip
    assert (low.above, low.target, low.weight, low.owner_login, low.unit_zh, low.source) == (
        top.id, 92.0, 60.0, "lead", "section", "imported")  # fmt: skip
    facts = [json.loads(d) for (d,) in world.query("select data from journal where kind = 'GoalChanged' order by id")]
    assert [(f["key"], f["act"]) for f in facts] == [("top", "add"), ("low", "add"), ("low", "change")]
    assert (facts[2]["before"], facts[2]["after"]) == ({"target": 90.0}, {"target": 92.0})
    read(world, "standards", "key,text,layer,goal,indicator,value,warn_lower\ns1,到课标准,course,low,到课率,95,85\n")
    (yardstick,) = world.goal(low.id).standards
    assert (yardstick.key, yardstick.target, yardstick.warn_lower) == ("s1", 95.0, 85.0)


@pytest.mark.parametrize(("kind", "row", "column", "code", "twin"), [
    ("goals", "a,t,course,parent=b", 4, "ref.unknown_goal", "a,t,course,parent="),
    ("goals", "a,t,course,parent=a", 4, "chain.circle", "a,t,course,parent="),
    ("goals", "a,t,moon,parent=", 3, "ref.unknown_layer", "a,t,course,parent="),
    ("goals", "a,t,course,target=12%", 4, "number.invalid", "a,t,course,target=12"),
    ("goals", "a,t,course,weight=0", 4, "value.range", "a,t,course,weight=0.5"),
    ("goals", "a,t,course,owner=nobody", 4, "ref.unknown_user", "a,t,course,owner=lead"),
    ("goals", "a,t,course,subject=course/C7", 4, "ref.unknown_subject", "a,t,course,subject=course/C1"),
    ("goals", "a,t,course,point=p", 4, "ref.unknown_point", "a,t,course,point="),
    ("goals", ",t,course,kind=key", 1, "text.blank", "a,t,course,kind=key"),
    ("standards", "a,t,course,goal=b", 4, "ref.unknown_goal", "a,t,course,goal="),
    ("standards", "a,t,course,system=none", 4, "value.unknown", "a,t,course,system=support_service"),
])  # fmt: skip
def test_a_bad_file_changes_nothing_and_its_nearest_valid_twin_is_taken(
    world: Chain, kind: str, row: str, column: int, code: str, twin: str
) -> None:
    def text(of: str) -> str:
        *cells, last = of.split(",")
        name, value = last.split("=")
        return f"key,text,layer,{name}\n{','.join(cells)},{value}\n"

    before = world.query("select count(*) from journal")
    with pytest.raises(Invalid) as caught:
        read(world, kind, text(row))

    assert [(e["line"], e["column"], e["code"]) for e in caught.value.errors if not isinstance(e, str)] == [
        (2, column, code)]  # fmt: skip
    assert world.query("select count(*) from journal") == before
    assert world.query("select (select count(*) from goal) + (select count(*) from standard)") == [(0,)]
    assert read(world, kind, text(twin))["new"] == 1


def test_a_file_with_a_circle_over_several_rows_is_refused(world: Chain) -> None:
    with pytest.raises(Invalid) as caught:
        read(world, "goals", "key,text,layer,parent\na,t,course,b\nb,t,course,c\nc,t,course,a\n")

    assert caught.value.code == "chain.circle"
