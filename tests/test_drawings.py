"""The figure of the 8 and the exchange drawings: geometry, safety of names, and what other programs read."""

import math
import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, BpmnValidator
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from qaflow.engine.definition import NEUTRAL_STAGES, Deadline, Definition, Label, Move, QuickLoop, Stage
from qaflow.engine.drawing import bpmn as drawing_bpmn
from qaflow.engine.drawing import captions
from qaflow.engine.drawing import mermaid as drawing_mermaid
from qaflow.engine.drawing import svg as drawing_svg
from qaflow.engine.drawing.figure import Mark, Progress, Readout, lay_out
from qaflow.engine.drawing.lemniscate import left_half, quick_loop, right_half

ZH = dict(
    zip(NEUTRAL_STAGES, ["目标", "标准", "设计", "组织", "实施", "诊断", "激励", "学习", "创新", "改进"], strict=True)
)
EIGHT = ("goal", "standard", "design", "implement", "diagnose", "incentivize", "innovate", "improve")
SIZES = {
    3: ("goal", "implement", "improve"),
    4: ("goal", "standard", "implement", "improve"),
    8: EIGHT,
    10: NEUTRAL_STAGES,
}
DOCS = Path(__file__).parent.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<script>alert('1')</script> & \"x\"\x00\x1b"


def spiral(*keys: str, quick: bool = True, name: str = "教学质量螺旋", **stages: Stage) -> Definition:
    """Build a definition with the named stages; a keyword replaces one of them."""
    shares = {key: Deadline(share=(i + 1) / len(keys)) for i, key in enumerate(keys)}
    plain = {k: Stage(key=k, name=Label(zh=ZH.get(k, k), en=k.title()), deadline=shares[k]) for k in keys}
    return Definition(
        key="demo.spiral", version=1, name=Label(zh=name, en=name), layer="course",
        stages=tuple((plain | stages).values()), quick=QuickLoop() if quick else None,
    )  # fmt: skip


TEN = spiral(*NEUTRAL_STAGES)


def test_both_loops_leave_the_crossing_with_the_slope_of_the_stretch():
    for curve, s in ((right_half(318), right_half(318).length), (left_half(318), 0), (quick_loop(176), 0)):
        slope = abs(math.tan(curve.heading(s)))
        assert slope == pytest.approx(1 / 1.28, rel=0.02)
        assert math.hypot(*curve.at(s)) < 0.01


def test_the_seam_parts_the_two_ends_of_the_slow_loop_by_twice_its_share():
    inner, outer = right_half(318).at(0)[1], left_half(318).at(left_half(318).length)[1]
    assert inner - outer == pytest.approx(2 * 0.042 * (1 - 0.56) * 318, abs=0.01)  # both ends scaled about M


@pytest.mark.parametrize(
    ("size", "places"),
    [
        # stage: place on the page, as the reference drawing of that size has it
        (10, {"goal": (329.2, 73.3), "organize": (356.0, 312.7), "implement": (280, 378), "improve": (237.7, 59.2)}),
        (8, {"goal": (342.6, 78.2), "design": (375.3, 291.5), "diagnose": (199.5, 310.8), "improve": (228.5, 61.8)}),
        (4, {"goal": (365.5, 90.1), "standard": (403.9, 248.7), "improve": (147.0, 123.9)}),
    ],
)
def test_beads_sit_where_the_reference_drawings_have_them(size, places):
    beads = {bead.key: bead.place for bead in lay_out(spiral(*SIZES[size])).beads}

    for key, place in places.items():
        assert math.dist(beads[key], place) < 0.4, key


def test_quick_states_quarter_the_quick_loop():
    places = [bead.place for bead in lay_out(TEN).quick]

    for place, expected in zip(places, [(201.3, 474.8), (280.0, 554.0), (358.7, 474.8)], strict=True):
        assert math.dist(place, expected) < 0.4


def test_the_hinge_is_larger_and_sits_on_the_crossing():
    figure = lay_out(TEN)
    radii = {bead.key: bead.radius for bead in figure.beads}
    assert radii["implement"] == pytest.approx(1.45 * radii["goal"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_overlaps_or_leaves_the_picture(size, phone, language):
    figure = lay_out(spiral(*SIZES[size]), language, phone)
    beads = [*figure.beads, *figure.quick]
    boxes = [bead.caption.box for bead in beads]

    for one, other in combinations(boxes, 2):
        assert not one.covers(other)
    for bead in beads:
        for box in boxes:
            nearest = (
                min(max(bead.place[0], box.left), box.right),
                min(max(bead.place[1], box.top), box.bottom),
            )
            assert math.dist(nearest, bead.place) > bead.radius
    for box in boxes:
        assert box.left >= 0
        assert box.right <= figure.width
        assert box.top >= 0
        assert box.bottom <= figure.height


def test_six_stages_on_one_side_show_names_only():
    keys = ["goal", "implement", *NEUTRAL_STAGES[5:], "own"]
    assert all(not bead.caption.note for bead in lay_out(spiral(*keys)).beads)
    assert any(bead.caption.note for bead in lay_out(spiral(*keys[:-1])).beads)
    assert any(bead.caption.note for bead in lay_out(TEN).beads)


def test_a_definition_without_quick_loop_ends_at_the_crossing():
    figure = lay_out(spiral("goal", "implement", "improve", quick=False))
    assert figure.quick == ()
    assert figure.height < lay_out(TEN).height
    assert [stroke.kind for stroke in figure.strokes] == ["plan", "plan"]


def test_a_definition_without_hinge_spreads_its_stages_over_both_sides():
    figure = lay_out(spiral("goal", "standard", "diagnose", "improve"))
    assert [bead.place[0] > 280 for bead in figure.beads] == [True, True, False, False]
    assert figure.quick == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*NEUTRAL_STAGES, *(f"own-{i}" for i in range(8))]), min_size=1, max_size=14, unique=True),
    st.text(max_size=60),
    st.booleans(),
)
def test_any_stages_and_any_name_give_well_formed_pictures(keys, name, phone):
    definition = spiral(*keys, name=name)
    for drawn in (drawing_svg.draw(definition, phone=phone), drawing_bpmn.draw(definition)):
        ET.fromstring(drawn)
    assert drawing_mermaid.draw(definition).startswith("---\ntitle: ")


def progress(current, **marks):
    """A cycle in its third round; marks are states by stage."""
    found = {key: Mark(state=state) for key, state in marks.items()}
    return Progress(round=3, current=current, marks=found, readout=Readout(big="29", unit="天"))


def drawn_lines(figure):
    return [stroke.kind for stroke in figure.strokes]


def test_a_cycle_in_its_hinge_has_walked_the_right_side_and_none_of_the_left():
    figure = lay_out(TEN, progress=progress("implement"))
    gone = next(stroke for stroke in figure.strokes if stroke.kind == "gone")
    ahead = next(stroke for stroke in figure.strokes if stroke.kind == "ahead")

    assert drawn_lines(figure) == ["gone", "ahead", "fast"]
    assert gone.points[-1] == pytest.approx((280, 378), abs=0.1)
    assert ahead.points[0] == pytest.approx((280, 378), abs=0.1)


def test_the_quick_loop_is_dotted_before_the_hinge_is_reached():
    assert "idle" in drawn_lines(lay_out(TEN, progress=progress("goal")))


def test_the_travelled_line_ends_at_the_current_bead():
    figure = lay_out(TEN, progress=progress("learn"))
    bead = next(bead for bead in figure.beads if bead.key == "learn")
    ends = [stroke.points[-1] for stroke in figure.strokes if stroke.kind == "gone"]
    assert min(math.dist(bead.place, end) for end in ends) < 0.1


def test_a_closed_cycle_has_walked_everything():
    assert drawn_lines(lay_out(TEN, progress=progress(None))) == ["gone", "gone", "fast"]


@pytest.mark.parametrize("stage", ["goal", "standard", "design", "organize", "diagnose", "improve"])
def test_a_return_is_an_arrow_from_the_crossing_to_its_stage(stage):
    figure = lay_out(TEN, progress=progress(stage, **{stage: "returned"}))
    arrow = next(stroke for stroke in figure.strokes if stroke.kind == "back")
    bead = next(bead for bead in figure.beads if bead.key == stage)

    assert math.dist(arrow.points[0], (280, 378)) < 60
    assert 15 < math.dist(arrow.points[-1], bead.place) < 30


def test_open_warnings_turn_the_quick_state_into_a_triangle():
    states = [
        b.state
        for b in lay_out(TEN, progress=Progress(round=1, current="implement", leaf="warn", open_warnings=2)).quick
    ]
    assert states == ["passed", "warning", "ahead"]


def test_the_seam_leads_to_the_rounds_before_and_after():
    drawn = drawing_svg.draw(TEN, progress=progress("goal"), link=lambda key: f"/to/{key}")
    assert "承第 2 轮" in drawn
    assert "启第 4 轮" in drawn
    assert 'href="/to/round:before"' in drawn
    assert 'href="/to/round:after"' in drawn


def test_a_first_round_follows_none():
    drawn = drawing_svg.draw(TEN, progress=Progress(round=1, current="goal"))
    assert "承第" not in drawn


def test_every_state_has_a_shape_of_its_own():
    shapes = set()
    for state in ("passed", "passed_late", "current", "late", "returned", "again", "ahead"):
        drawn = drawing_svg.draw(spiral("goal", quick=False), progress=progress("goal", goal=state))
        group = re.search(r'<g transform="translate\(\S+ \S+\)">(.*?)</g>', drawn)
        shapes.add(re.sub(r' class="[^"]*"', "", group[1]))
    assert len(shapes) == 7


def test_the_picture_says_itself_aloud():
    root = ET.fromstring(drawing_svg.draw(TEN, progress=progress("goal", goal="late")))
    labels = [e.get("aria-label") for e in root.iter() if e.get("aria-label")]

    assert root.find(f"{SVG}title").text == "教学质量螺旋 第 3 轮"
    assert root.find(f"{SVG}desc").text.startswith("目标 → 标准")
    assert root.get("aria-labelledby") == root.find(f"{SVG}title").get("id")
    assert "1 目标 逾期" in labels
    assert len(labels) == 13


def test_a_page_gets_neither_style_element_nor_style_attribute():
    drawn = drawing_svg.draw(TEN, standalone=False)
    assert "<style" not in drawn
    assert "style=" not in drawn
    assert "<style" in drawing_svg.draw(TEN)


def test_every_class_of_the_picture_stands_in_the_style_sheet():
    cycle = progress(
        "design", goal="passed_late", standard="late", design="returned", improve="again", organize="current"
    )
    drawn = drawing_svg.draw(TEN, progress=cycle, link=lambda key: "#") + drawing_svg.draw(TEN)
    used = {word for words in re.findall(r'class="([^"]*)"', drawn) for word in words.split()}
    assert used <= set(re.findall(r"\.([a-z][\w-]*)", drawing_svg.CSS))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_drawing_lets_a_name_become_markup(language):
    stage = Stage(key="goal", name=Label(zh=NASTY, en=NASTY))
    definition = spiral("goal", "implement", "improve", name=NASTY, goal=stage)
    cycle = Progress(round=2, current="goal", marks={"goal": Mark(state="late", note="<b>", late=True)})

    for drawn in (
        drawing_svg.draw(definition, language),
        drawing_svg.draw(definition, language, progress=cycle, link=lambda key: '"><script>'),
        drawing_bpmn.draw(definition, language),
    ):
        ET.fromstring(drawn)
        assert "<script" not in drawn
        assert "<b>" not in drawn
    body = drawing_mermaid.draw(definition, language).split("---\n", 2)[2]
    assert "<" not in body
    assert 'alert("' not in body


def test_mermaid_holds_the_quick_loop_in_its_stage():
    lines = [line.strip() for line in drawing_mermaid.draw(TEN, "en").splitlines()]
    inner = lines[lines.index("state implement {") : lines.index("}")]

    assert lines[3] == "stateDiagram-v2"
    assert 'state "Warn" as warn' in inner
    assert {"monitor --> warn", "warn --> correct", "correct --> monitor"} <= set(inner)
    assert "improve --> [*]" in lines


def test_mermaid_names_are_words_that_mermaid_takes():
    drawn = drawing_mermaid.draw(spiral("end", "a-b", "a_b", "implement", "monitor"))
    names = re.findall(r" as (\S+)", drawn)
    assert len(names) == len(set(names)) == 8
    assert all(re.fullmatch(r"\w+", name) for name in names)
    assert "end" not in names


def test_mermaid_draws_conditional_ways():
    way = Stage(
        key="diagnose", name=Label(zh="诊断", en="Diagnose"),
        moves=(Move(to="improve", when='level == "low"'), Move(to=None)),
    )  # fmt: skip
    drawn = drawing_mermaid.draw(spiral("goal", "diagnose", "improve", diagnose=way))
    assert "diagnose --> improve : level == #34;low#34;" in drawn
    assert "diagnose --> [*]\n" in drawn


def walk(definition, **data):
    """Let SpiffWorkflow check the file against the BPMN schema, run it, and return the tasks in the order done."""
    parser = BpmnParser(validator=BpmnValidator())
    parser.add_bpmn_str(drawing_bpmn.draw(definition).encode())
    (process,) = parser.get_process_ids()
    workflow = BpmnWorkflow(parser.get_spec(process), parser.get_subprocess_specs(process))
    done = []
    for _ in range(40):
        workflow.do_engine_steps()
        ready = workflow.get_tasks(state=TaskState.READY, manual=True)
        if not ready:
            break
        task = ready[0]
        done.append(task.task_spec.bpmn_id)
        task.data |= data | {"open_warnings": int("warn" not in done)}
        task.run()
    assert workflow.completed
    return done


def test_spiffworkflow_walks_the_ten_stages_and_the_quick_loop():
    before, after = list(NEUTRAL_STAGES[:4]), list(NEUTRAL_STAGES[5:])
    assert walk(TEN) == [*before, "monitor", "warn", "correct", "monitor", *after]


def test_spiffworkflow_walks_a_definition_without_quick_loop():
    assert walk(spiral("goal", "implement", "improve", quick=False)) == ["goal", "implement", "improve"]


@pytest.mark.parametrize(("level", "way"), [("low", ["goal", "diagnose", "improve"]), ("high", ["goal", "diagnose"])])
def test_spiffworkflow_takes_the_way_whose_condition_holds(level, way):
    fork = Stage(
        key="diagnose", name=Label(zh="诊断", en="Diagnose"),
        moves=(Move(to="improve", when='level == "low"'), Move(to=None)),
    )  # fmt: skip
    assert walk(spiral("goal", "diagnose", "improve", diagnose=fork), level=level) == way


def test_bpmn_ids_are_unique_where_a_stage_is_named_like_a_quick_state():
    root = ET.fromstring(drawing_bpmn.draw(spiral("monitor", "implement", "improve")))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert {"monitor", "implement", "implement.monitor", "warn"} <= set(ids)


def test_every_bpmn_element_has_its_place_in_the_diagram():
    root = ET.fromstring(drawing_bpmn.draw(TEN))
    spaces = drawing_bpmn.SPACES
    process = root.find("bpmn:process", spaces)
    wanted = {e.get("id") for e in process.iter() if e.get("id")} - {process.get("id")}
    placed = {e.get("bpmnElement") for e in root.iterfind("bpmndi:BPMNDiagram/bpmndi:BPMNPlane/*", spaces)}
    assert placed == wanted


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("目标", 100, ("目标",)),
        ("组织实施与过程监控", 80, ("组织实施与", "过程监控")),  # five Chinese characters of 15 px a line
        ("Organisation and implementation", 130, ("Organisation", "and implementa…")),  # 9 px a letter, 14 a line
        ("Internationalisation", 100, ("Internatio-", "nalisation")),  # one word in two halves
    ],
)
def test_names_break_into_lines_that_fit(text, room, lines):
    found = captions.wrap(text, room, 15)

    assert all(captions.width(line, 15, bold=True) <= room for line in found)
    assert len(found) == len(lines)
    assert found[0] == lines[0]


@pytest.mark.parametrize(("file", "language"), [("eight.svg", "en"), ("eight.zh-CN.svg", "zh")])
def test_the_pictures_of_the_readme_are_what_the_code_draws(file, language):
    bare = Definition(
        key="example.spiral", version=1, layer="course",
        name=Label(zh="双环质量螺旋", en="The two-loop quality spiral"),
        stages=tuple(Stage(key=k, name=Label(zh=ZH[k], en=k.title())) for k in NEUTRAL_STAGES), quick=QuickLoop(),
    )  # fmt: skip
    assert (DOCS / file).read_text(encoding="utf-8") == drawing_svg.draw(bare, language)
