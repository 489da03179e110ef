"""A frame taken, adapted, replaced and answered, on both databases: what stands, what is told, what is refused."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from framing import DEPARTMENT, SCHOOL, TEACHING, FrameWorld
from peopled import FOLDER

from qaflow.engine import checks, loader
from qaflow.engine.definition import Definition
from qaflow.engine.diagnosis import DEGREES
from qaflow.engine.replay import Replay
from qaflow.engine.replay_guards import Disallowed
from qaflow.errors import Forbidden, Invalid, Missing, QaflowError, Refused, Stale
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.college import compiled
from qaflow.services.cycles import acts as cycles
from qaflow.services.definitions import loading, packaged
from qaflow.services.definitions import publishing as definitions
from qaflow.services.desk import inbox
from qaflow.services.frame import (
    changes as frame_changes,
)
from qaflow.services.frame import (
    diagnosing,
)
from qaflow.services.frame import (
    edits as frame_edits,
)
from qaflow.services.frame import (
    library as frame_library,
)
from qaflow.services.frame import (
    tree as frame,
)
from qaflow.services.frame.edits import Wanted
from qaflow.services.simulation.framing import IN_THE_STAGE, Framing
from qaflow.services.simulation.values import chance
from qaflow.services.work import transact
from qaflow.store import frame as store
from qaflow.store.db import driver
from qaflow.testing import spiral, stage

LIBRARY = "wuhan-software"
STARS = {"new": 84, "ordinary": 87, "demonstration": 90}
"""003 annex 1 prints 90 points, three with * (2.3.3, 3.2.2, 3.7.1) and three with ** (3.7.2 to 3.7.4)."""
ITEMS_2_TO_6 = 14 + 19 + 14 + 12 + 12
"""Points of the items that teaching units fill in, counted in annex 1."""
SECOND = "shangluo"


@pytest.fixture
def world(store_app: Flask) -> Iterator[FrameWorld]:
    """Return the college; whatever a test did, every history proves itself."""
    made = FrameWorld()
    yield made
    made.session.rollback()
    assert made.audited() == []


def now(world: FrameWorld) -> frame.Frame:
    """Return the frame as it stands."""
    try:
        return frame.of(driver(world.session), 1)
    finally:
        world.session.rollback()


def told(world: FrameWorld, kind: str) -> list[dict[str, Any]]:
    """Return what facts of a kind in the college's stream say."""
    found = world.rows("select data from journal where stream like 'college:%' and kind = :k order by id", k=kind)
    return [json.loads(data) for (data,) in found]


def part(world: FrameWorld, code: str) -> store.Row:
    """Return a part of the frame."""
    return now(world).by_code[code]


def reworded(world: FrameWorld, code: str, **changes: Any) -> store.Row:
    """Let the office give a part another Chinese name."""
    row = part(world, code)
    wanted = replace(Wanted(name_zh=row.name_zh, name_en=row.name_en, star=row.star), **changes)
    return frame_edits.reword(world.session, world.origin("office"), world.me("office"), row.id, row.version, wanted)


def take(world: FrameWorld, chosen: list[str], me: SignedIn | None = None, **more: Any) -> frame_changes.Change:
    """Show what taking changes, then do it."""
    origin, who = world.origin("office"), me or world.me("office")
    shown = frame_changes.take(world.session, origin, who, LIBRARY, chosen, **more)
    return frame_changes.take(world.session, origin, who, LIBRARY, chosen, agreed=shown.digest, **more)


def refused(act: Callable[[], object]) -> QaflowError:
    """Return the error with which something is refused."""
    with pytest.raises(QaflowError) as error:
        act()
    return error.value


@pytest.mark.parametrize(("kind", "points"), STARS.items())
def test_the_kind_of_college_switches_the_stars_and_is_told(world: FrameWorld, kind: str, points: int) -> None:
    frame_edits.set_kind(world.session, world.origin("office"), world.me("office"), kind)

    found = now(world)
    assert (found.kind, found.counts["asked"], found.counts["points"]) == (kind, points, 90)
    changes = [] if kind == "ordinary" else [("ordinary", kind)]
    assert [(one["before"], one["after"]) for one in told(world, "FrameChanged")] == changes


def test_points_concern_the_school_whole_units_by_items_and_departments_by_tasks(world: FrameWorld) -> None:
    for code in (SCHOOL, TEACHING, DEPARTMENT):
        world.diagnose(code)

    of = {code: world.points(cycle, "office") for code, cycle in world.cycles.items()}
    assert (len(of[SCHOOL]), len(of[TEACHING])) == (STARS["ordinary"], ITEMS_2_TO_6 - 3)
    own = {t["point"] for file in FOLDER.tasks for t in file["tasks"] if DEPARTMENT in t["departments"]}
    assert set(of[DEPARTMENT]) == own - {"3.7.2", "3.7.3", "3.7.4"} - {None}


def test_a_second_college_takes_an_item_with_its_tasks_and_tells_it(world: FrameWorld) -> None:
    loading.load_college(world.session, world.origin(), loader.load_folder(packaged.folder_of(SECOND)))
    me = _office_of_second(world)
    shown = frame_changes.take(world.session, world.origin("second"), me, LIBRARY, ["1", "2.4"], tasks=True)
    assert world.rows("select count(*) from frame where college_id = 2") == [(0,)]

    frame_changes.take(world.session, world.origin("second"), me, LIBRARY, ["1", "2.4"], tasks=True,
                       agreed=shown.digest)  # fmt: skip

    levels = dict(world.rows("select level, count(*) from frame where college_id = 2 group by level"))
    assert levels == {"item": 2, "element": 5, "point": 9 + 3}
    library = frame_library.shipped()
    tasks = [t for t in json.loads(library.body)["tasks"] if t["point"].startswith(("1.", "2.4."))]
    assert world.rows("select count(*) from plan_task where college_id = 2 and plan = 'annex2'") == [(len(tasks),)]
    (fact,) = told(world, "FrameTaken")
    assert (fact["new"], fact["library_digest"], fact["chosen"]) == (19, library.digest, ["1", "2.4"])
    assert fact["was"] != fact["digest"]
    assert now(world).counts["points"] == 90  # the first college's is another


def _office_of_second(world: FrameWorld) -> SignedIn:
    from qaflow.services.accounts import book as accounts
    from qaflow.services.accounts.book import NewGrant, NewPerson
    from qaflow.services.college import view
    from qaflow.services.work import Writer, transact

    def body(d: Any) -> int:
        writer = Writer(d, world.origin())
        (person,) = accounts.add_people(d, writer, world.origin(), 2, [NewPerson("second", "某二")])
        roles = view(world.session, d, 2).config.roles
        role = next(one.key for one in roles if one.is_ == "quality_office")
        accounts.grant_many(d, writer, world.origin(), view(world.session, d, 2), [NewGrant(person, role, "college")])
        writer.flush()
        return person

    world.people["second"] = transact(world.session, body)
    return replace(world.me("second"), college=2)


def test_another_college_s_part_is_not_there(world: FrameWorld) -> None:
    loading.load_college(world.session, world.origin(), loader.load_folder(packaged.folder_of(SECOND)))
    me, row = _office_of_second(world), part(world, "1.1.1")
    wanted = Wanted(name_zh="x", name_en="x")

    for act in (
        lambda: frame_edits.part(world.session, world.origin("second"), me, row.id),
        lambda: frame_edits.reword(world.session, world.origin("second"), me, row.id, row.version, wanted),
        lambda: frame_edits.drop(world.session, world.origin("second"), me, row.id, row.version, True),
    ):
        assert isinstance(refused(act), Missing)


def test_only_what_was_shown_is_taken(world: FrameWorld) -> None:
    reworded(world, "1.1.1", name_zh="自拟")
    origin, me = world.origin("office"), world.me("office")
    shown = frame_changes.take(world.session, origin, me, LIBRARY, ["1"])
    reworded(world, "1.1.2", name_zh="另拟")

    error = refused(lambda: frame_changes.take(world.session, origin, me, LIBRARY, ["1"], agreed=shown.digest))

    assert (error.code, part(world, "1.1.1").name_zh) == ("preview.changed", "自拟")


def test_taking_again_gives_the_library_s_words_back_and_leaves_other_parts_alone(world: FrameWorld) -> None:
    reworded(world, "1.1.1", name_zh="自拟")
    reworded(world, "2.1.1", name_zh="也是自拟")

    change = take(world, ["1"])

    assert [new["code"] for _, new in change.changed] == ["1.1.1"]
    assert (part(world, "1.1.1").name_zh, part(world, "2.1.1").name_zh) == ("质量目标与定位", "也是自拟")
    assert take(world, ["1"]).empty and len(told(world, "FrameTaken")) == 1


def test_what_the_office_wrote_dropped_and_added_survives_init(world: FrameWorld) -> None:
    reworded(world, "1.1.1", name_zh="自拟", star="*")
    row = part(world, "7.4")
    frame_edits.drop(world.session, world.origin("office"), world.me("office"), row.id, row.version, True)
    own = Wanted(name_zh="校本诊断点", name_en="Own point", requirement_zh="本校要求")
    frame_edits.add(world.session, world.origin("office"), world.me("office"), "1.1.9", "1.1", own)
    stood = [frame.plain(one) for one in now(world).rows]

    found = loading.renew_college(world.session, world.origin(), FOLDER, write=True)

    assert [one for one in found["differences"] if one["what"] == "frame"] == []
    assert [frame.plain(one) for one in now(world).rows] == stood
    counts = now(world).counts
    assert (counts["points"], counts["elements"]) == (90 - 1 + 1, 35)


def test_a_change_tells_the_part_before_and_after_and_the_frame_s_digests(world: FrameWorld) -> None:
    was = frame.digest(now(world).rows)
    reworded(world, "1.1.1", name_zh="自拟", requirement_zh="新要求")

    (fact,) = told(world, "FrameChanged")
    texts = dict(world.rows("select hash, bytes from content"))
    before, after = (json.loads(bytes(texts[fact[name]])) for name in ("before", "after"))
    assert (before["name_zh"], after["name_zh"]) == ("质量目标与定位", "自拟")
    assert json.loads(after["body"])["requirement"]["zh"] == "新要求"
    assert (fact["was"], fact["digest"]) == (was, frame.digest(now(world).rows)) and was != fact["digest"]


def test_a_stale_form_and_bad_words_change_nothing(world: FrameWorld) -> None:
    row = part(world, "1.1.1")
    reworded(world, "1.1.1", name_zh="自拟")
    origin, me = world.origin("office"), world.me("office")
    good = Wanted(name_zh="别名", name_en="Other")

    error = refused(lambda: frame_edits.reword(world.session, origin, me, row.id, row.version, good))
    assert isinstance(error, Stale)
    for wanted, code in ((replace(good, name_zh=" "), "text.blank"), (replace(good, star="***"), "value.unknown"),
                         (replace(good, name_en="x" * 201), "text.too_long"),
                         (replace(good, requirement_zh="a\x07"), "text.control_character"),
                         (replace(good, indicators=(("x", ""),) * 101), "frame.indicators")):  # fmt: skip
        error = refused(lambda w=wanted: frame_edits.reword(world.session, origin, me, row.id, 2, w))  # type: ignore[misc]
        assert (error.code, type(error)) == (code, Invalid)
    for code, parent, said in (("1.1.1", "1.1", "frame.code_taken"), ("9", "1.1.1", "frame.parent"),
                               ("", "1.1", "frame.code")):  # fmt: skip
        error = refused(lambda c=code, p=parent: frame_edits.add(world.session, origin, me, c, p, good))  # type: ignore[misc]
        assert error.code == said
    assert part(world, "1.1.1").name_zh == "自拟" and len(now(world).rows) == 7 + 36 + 90


@pytest.mark.parametrize("login", ["dept", "vice", "diag", "adm", "leader"])
def test_only_the_office_changes_a_frame(world: FrameWorld, login: str) -> None:
    row, origin, me = part(world, "1.1.1"), world.origin(login), world.me(login)
    wanted = Wanted(name_zh="x", name_en="x")

    for act in (
        lambda: frame_changes.take(world.session, origin, me, LIBRARY, ["1"]),
        lambda: frame_changes.replace(world.session, origin, me, "f.yaml", FILE.encode()),
        lambda: frame_changes.check(world.session, origin, me, "f.yaml", b""),
        lambda: frame_edits.reword(world.session, origin, me, row.id, 1, wanted),
        lambda: frame_edits.drop(world.session, origin, me, row.id, 1, True),
        lambda: frame_edits.add(world.session, origin, me, "9", "", wanted),
        lambda: frame_edits.set_kind(world.session, origin, me, "new"),
    ):
        assert isinstance(refused(act), Forbidden)
    assert told(world, "FrameChanged") == []


FILE = """kind: points
items:
  - code: "1"
    name: {zh: 办学, en: Running the college}
    elements:
      - code: "1.1"
        name: {zh: 质量, en: Quality}
        points:
          - {code: "1.1.1", name: {zh: 目标, en: Goals}, requirement: {zh: 清楚, en: Clear}}
          - {code: "1.1.7", name: {zh: 成效, en: Effects}, star: "**"}
"""


def test_a_file_replaces_the_frame_and_the_rest_is_dropped_not_lost(world: FrameWorld) -> None:
    cycle = world.diagnose(SCHOOL)
    world.answer(cycle, "whole", "2.1.1")
    origin, me = world.origin("office"), world.me("office")
    checked = frame_changes.check(world.session, origin, me, "own.yaml", FILE.encode())
    assert checked.change is not None and checked.counts == {"items": 1, "elements": 1, "points": 2}

    frame_changes.replace(world.session, origin, me, "own.yaml", FILE.encode(), checked.change.digest)

    found = now(world)
    assert found.asked == ("1.1.1",) and found.by_code["1.1.7"].star == "**"
    assert found.by_code["2.1.1"].dropped and len(found.rows) == 7 + 36 + 90 + 1
    assert loading.renew_college(world.session, world.origin(), FOLDER, write=True)["differences"] == []
    assert diagnosing.look(world.session, world.origin("office"), cycle).tally.answered == 0  # no longer asked
    assert world.rows("select code, degree from frame_answer") == [("2.1.1", "met")]  # and still on record
    (fact,) = [one for one in told(world, "FrameChanged") if one["change"] == "replaced"]
    assert (fact["new"], fact["changed"], fact["file"]) == (1, 3, "own.yaml")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (FILE.replace('"1.1.7"', '"1.1.1"'), "def.duplicate_id"),
        (FILE.replace("kind: points", "kind: nothing"), "def.unknown_value"),
        (FILE.replace('star: "**"', 'star: "***"'), "def.unknown_value"),
        ("kind: points\nitems: []\n", "frame.empty"),
        ("kind: standards\nstandards: []\n", "frame.not_points"),
        ("kind: [", "yaml.syntax"),
    ],
)
def test_a_bad_file_changes_nothing_and_its_good_twin_is_taken(world: FrameWorld, text: str, code: str) -> None:
    origin, me = world.origin("office"), world.me("office")
    stood = now(world).rows

    checked = frame_changes.check(world.session, origin, me, "own.yaml", text.encode())

    assert checked.change is None and [f for f in checked.faults if f.severity == "error"], checked.faults
    assert any(code.split(".")[0] in fault.code for fault in checked.faults), checked.faults
    assert isinstance(
        refused(lambda: frame_changes.replace(world.session, origin, me, "own.yaml", text.encode())), Invalid
    )
    assert now(world).rows == stood
    assert frame_changes.check(world.session, origin, me, "own.yaml", FILE.encode()).change is not None


def test_the_newest_answer_counts_and_none_is_overwritten(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT)
    code = world.points(cycle, "dept")[0]

    assert world.answer(cycle, "dept", code, "partly", problems="缺记录", causes="交接") == 1
    assert world.answer(cycle, "dept", code, "mostly", 1, evidence="已补") == 2

    page = diagnosing.look(world.session, world.origin("dept"), cycle)
    newest, first = page.here(code)
    assert (newest.answer.degree, newest.evidence, newest.answer.version) == ("mostly", "已补", 2)
    assert (first.answer.degree, first.problems, first.causes) == ("partly", "缺记录", "交接")
    assert (page.tally.answered, page.tally.degrees) == (1, {"mostly": 1})
    kinds = [
        row[0] for row in world.rows("select kind from journal where stream = :s order by seq", s=f"cycle:{cycle}")
    ]
    assert kinds.count("FrameAnswered") == 2


def test_the_same_answer_sent_twice_is_one_and_a_stale_one_is_refused(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT)
    code = world.points(cycle, "dept")[0]
    world.answer(cycle, "dept", code, "met", evidence="制度齐全")

    assert world.answer(cycle, "dept", code, "met", evidence="制度齐全") == 1
    error = refused(lambda: world.answer(cycle, "dept", code, "not", problems="无"))

    assert (error.code, error.data["version"]) == ("frame.answer_stale", 1)
    assert world.rows("select degree, version from frame_answer") == [("met", 1)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"degree": "splendid"}, "frame.degree"),
        ({"degree": "not"}, "frame.problems"),
        ({"evidence": "x" * 2001}, "text.too_long"),
        ({"causes": "a\x00"}, "text.control_character"),
        ({"code": "3.7.2"}, "frame.not_asked"),  # only of demonstration colleges
        ({"code": "2.2.1"}, "frame.not_asked"),
        ({"files": ("0" * 64,)}, "frame.file_unknown"),
        ({"sheet_no": 99}, "frame.not_now"),
    ],
)
def test_a_bad_answer_is_refused_whole(world: FrameWorld, changes: dict[str, Any], code: str) -> None:
    cycle = world.diagnose(DEPARTMENT)
    sent = {"code": "1.1.1", "degree": "met"} | changes

    assert refused(lambda: world.answer(cycle, "dept", **sent)).code == code
    assert world.rows("select count(*) from frame_answer") == [(0,)]
    assert world.answer(cycle, "dept", "1.1.1") == 1  # the nearest sound one


@pytest.mark.parametrize(("login", "kind"), [("unit", Missing), ("leader", Missing), ("office", Forbidden),
                                             ("vice", Forbidden), ("diag", Forbidden)])  # fmt: skip
def test_who_is_not_responsible_does_not_answer_and_another_unit_s_cycle_is_not_there(
    world: FrameWorld, login: str, kind: type[QaflowError]
) -> None:
    cycle = world.diagnose(DEPARTMENT)

    assert isinstance(refused(lambda: world.answer(cycle, login, "1.1.1")), kind)
    if kind is Missing:
        assert isinstance(refused(lambda: world.points(cycle, login)), Missing)
    else:
        assert world.points(cycle, login)


def test_points_are_answered_only_while_the_diagnosis_is_worked_on(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT, "implement")

    error = refused(lambda: world.answer(cycle, "dept", "1.1.1"))

    assert (error.code, type(error)) == ("frame.not_now", Refused)


def test_a_diagnosis_under_review_or_withdrawn_from_it_is_answered_only_in_hand(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT)
    world.answer(cycle, "dept", "1.1.1")
    world.fire(cycle, "dept", "submit", content={"verdicts": [{"goal": "目标"}]})
    assert refused(lambda: world.answer(cycle, "dept", "1.1.2")).code == "frame.not_now"

    world.fire(cycle, "dept", "withdraw")

    assert world.answer(cycle, "dept", "1.1.2") == 1
    assert world.answer(cycle, "dept", "1.1.1", "mostly", 1) == 2  # the versions go on


def test_an_appraisal_s_sheet_is_answered_by_its_assessor_and_never_by_the_responsible_person(
    world: FrameWorld,
) -> None:
    cycle = world.diagnose(DEPARTMENT, "implement")
    world.tick(timedelta(days=130))  # past the appraisal of December
    world.now += timedelta(days=130)
    found = world.rows("select s.no, p.login from sheet s join person p on p.id = s.assessor_id where "
                       "s.cycle_id = :c and s.kind = 'appraisal' and s.state = 'open'", c=cycle)  # fmt: skip
    ((number, assessor), *_) = found
    assert assessor not in ("dept", None)

    assert world.answer(cycle, assessor, "1.1.1", "partly", sheet_no=number, problems="缺") == 1
    error = refused(lambda: world.answer(cycle, "dept", "1.1.1", "met", sheet_no=number))

    assert isinstance(error, Forbidden) and error.code == "approval.own"
    page = diagnosing.look(world.session, world.origin("dept"), cycle, 0)
    assert [one.answer.degree for one in page.elsewhere("1.1.1")] == ["partly"] and page.tally.answered == 1


def test_a_deputy_answers_in_their_own_name_for_the_absent_person(world: FrameWorld) -> None:
    from qaflow.services.accounts import deputies

    cycle = world.diagnose(DEPARTMENT)
    day = world.now.date()
    deputies.appoint(world.session, world.origin("dept"), world.people["dept"], world.people["unit"], day, day)

    assert world.answer(cycle, "unit", "1.1.1") == 1

    actor, absent = world.rows("select actor, on_behalf_of from journal where kind = 'FrameAnswered'")[0]
    assert (actor, absent) == (str(world.people["unit"]), str(world.people["dept"]))


FORGERIES: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("a degree that there is not", lambda d: d.update(degree="splendid")),
    ("a version that was left out", lambda d: d.update(version=d["version"] + 1)),
    ("another visit", lambda d: d.update(visit=9)),
    ("another stage", lambda d: d.update(stage="goal")),
    ("a sheet that there is not", lambda d: d.update(sheet_no=77)),
    ("somebody else", lambda d: d.update(by=4711)),
    ("nobody", lambda d: d.pop("by")),
    ("the end of the cycle", lambda d: d.update(close="complete")),
]


@pytest.mark.parametrize(("what", "forge"), FORGERIES, ids=[what for what, _ in FORGERIES])
def test_a_forged_answer_is_refused_by_replay(app: Flask, what: str, forge: Callable[[dict[str, Any]], Any]) -> None:
    world = FrameWorld()
    cycle = world.diagnose(DEPARTMENT)
    world.answer(cycle, "dept", "1.1.1")
    entries = world.rows("select kind, at, actor, on_behalf_of, definition, data from journal where stream = :s "
                         "order by seq", s=f"cycle:{cycle}")  # fmt: skip
    whole = transact(world.session, lambda d: compiled(world.session, d, entries[0][4]))
    facts: list[Any] = [[*row, json.loads(data)] for *row, data in entries]
    replay = Replay(cycle, lambda digest: whole)
    for fact in facts[:-1]:
        replay.take(*fact)
    forged = copy.deepcopy(facts[-1][-1])
    forge(forged)

    with pytest.raises(Disallowed):
        replay.take(*[*facts[-1][:-1], forged])


def test_a_course_does_not_answer_the_frame(world: FrameWorld) -> None:
    cycle = world.start()

    assert refused(lambda: world.points(cycle, "leader")).code == "frame.layer"
    assert refused(lambda: world.answer(cycle, "leader", "1.1.1")).code in ("frame.layer", "frame.not_asked")


def test_the_demo_answers_most_points_before_it_hands_in_and_the_same_seed_the_same(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT)
    ids = [number for (number,) in world.rows("select id from work_item where cycle_id = :c", c=cycle)]
    (work,) = transact(world.session, lambda d: inbox.look(d, ids))
    definition = transact(world.session, lambda d: compiled(world.session, d, work.definition)).definition
    college = transact(world.session, world.college)

    made = Framing(world.session, college, chance(1, "frame")).answer(world.origin("dept"), work, definition)

    points = world.points(cycle, "dept")
    given = world.rows("select code, degree from frame_answer order by code")
    assert made == len(given) == round(len(points) * IN_THE_STAGE)
    again = chance(1, "frame")
    wanted = sorted(again.sample(list(points), made))
    assert [code for code, _ in given] == wanted and {degree for _, degree in given} <= {*DEGREES}
    assert Framing(world.session, college, chance(2)).answer(world.origin("unit"), work, definition) == 0  # not theirs


def test_an_answer_that_was_altered_in_its_row_is_found(world: FrameWorld) -> None:
    cycle = world.diagnose(DEPARTMENT)
    world.answer(cycle, "dept", "1.1.1", "partly", problems="缺")
    world.session.commit()
    altered(world, "met")

    (found,) = world.audited()

    altered(world, "partly")
    assert isinstance(found, dict) and "frame_answer" in str(found)


def altered(world: FrameWorld, degree: str) -> None:
    """Change an answer behind the program's back."""
    from qaflow.store.db import Sql

    transact(world.session, lambda d: d.run(Sql("update frame_answer set degree = :d"), {"d": degree}))


def test_the_library_is_stored_once_and_renewed_by_its_digest(world: FrameWorld) -> None:
    assert frame_library.settle(world.session, world.origin()) is False
    assert world.rows("select key, digest from frame_library") == [(LIBRARY, frame_library.shipped().digest)]
    (library,) = frame_changes.libraries(world.session, world.origin("office"), world.me("office"))
    assert library.counts == {"items": 7, "elements": 36, "points": 90, "tasks": 301}


def required(world: FrameWorld) -> None:
    """Publish the school's definition anew, so that the diagnosis must answer the whole frame."""
    (digest,) = world.rows("select hash from definition where key = 'wuhan-software.school' and version = 1")[0]
    old = compiled(world.session, driver(world.session), digest).definition
    world.session.rollback()
    stages = tuple(replace(s, frame="required", form=(), gate=(), decide=None) if s is old.covering("diagnose") else s
                   for s in old.stages)  # fmt: skip
    definitions.publish(world.session, world.origin(), replace(old, version=2, stages=stages))


def test_a_diagnosis_that_must_answer_the_frame_is_not_handed_in_before_it_has(world: FrameWorld) -> None:
    free = world.diagnose(TEACHING)
    required(world)
    cycle = world.diagnose(DEPARTMENT)
    codes = world.points(cycle, "dept")

    assert len(codes) > 1
    for code in codes[:-1]:
        world.answer(cycle, "dept", code)
    with pytest.raises(Invalid) as lacking:
        cycles.fire(world.session, world.origin("dept"), cycle, "submit", {"content": {}})
    assert [(e["code"], codes[-1] in e["message"]) for e in lacking.value.errors] == [("gate.frame", True)]
    world.answer(cycle, "dept", codes[-1], "inapplicable")
    cycles.fire(world.session, world.origin("dept"), cycle, "submit", {"content": {}})

    assert world.rows("select stage from cycle where id = :c", c=cycle) != [("diagnose",)]
    with pytest.raises(Invalid) as other:  # born under version 1, where the frame is optional
        cycles.fire(world.session, world.origin("unit"), free, "submit", {"content": {}})
    assert "gate.frame" not in {e["code"] for e in other.value.errors}


def test_only_the_diagnosis_of_a_layer_that_answers_the_frame_may_require_it() -> None:
    plain = spiral(stages=[stage("goal"), stage("implement"), stage("diagnose", frame="required")])

    def found(one: Definition) -> set[str]:
        return {f.code for f in checks.check(one)}

    assert "def.frame" in found(replace(plain, layer="course"))
    assert "def.frame" not in found(replace(plain, layer="school"))
    early = spiral(stages=[stage("goal", frame="required"), stage("implement"), stage("diagnose")])
    assert "def.frame" in found(replace(early, layer="school"))
