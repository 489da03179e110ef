"""Charts: valid descriptions that hold data alone, drawn without a browser, Chinese included, in the pages' colours."""

import json
import math
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vl_convert
from charted import MARKUP, everything
from hypothesis import given, settings
from hypothesis import strategies as st

from qaflow.documents.pictures import VegaPictures, on_paper
from qaflow.engine import charts
from qaflow.engine.charts import Chart, Step, theme
from qaflow.web.assets import OWN
from qaflow.web.figures import library as chart_library
from qaflow.web.figures.charting import words

CHARTS = everything()
KEYS = [chart.key for chart in CHARTS]
COLOUR = re.compile(r"#[0-9a-fA-F]{3,6}\b")
RATE = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.fixture(scope="module")
def pictures() -> VegaPictures:
    """Return what draws without a browser."""
    return VegaPictures()


def inner(node: Any) -> Iterator[tuple[str, Any]]:
    """Give each key of a description with its value, data left aside."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key != "values":
            yield str(key), value
            yield from inner(value)


@pytest.mark.parametrize("chart", CHARTS, ids=KEYS)
def test_a_description_compiles_without_a_complaint(chart: Chart) -> None:
    compiled = vl_convert.vegalite_to_vega(json.dumps(on_paper(chart.spec)))

    assert compiled["$schema"].startswith("https://vega.github.io/schema/vega/v6")
    assert compiled["marks"]


@pytest.mark.parametrize("chart", CHARTS, ids=KEYS)
def test_a_description_holds_no_expression_no_address_and_no_colour(chart: Chart) -> None:
    found = list(inner(chart.spec))

    forbidden = {"url", "href", "expr", "signal", "transform", "calculate", "labelExpr", "params", "filter"}
    assert forbidden & {key for key, _ in found} == set()
    assert [value for key, value in found if isinstance(value, str) and COLOUR.search(value)] == []
    assert [value for key, value in found if isinstance(value, str) and MARKUP in value] == []


@pytest.mark.parametrize("chart", CHARTS, ids=KEYS)
def test_a_chart_is_drawn_as_svg_and_png_without_a_browser(chart: Chart, pictures: VegaPictures) -> None:
    spec = {**chart.spec, "title": chart.title}
    svg, png = pictures.draw(spec, "svg").decode(), pictures.draw(spec, "png")

    assert chart.title in svg and "<img" not in svg
    wide, high = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG") and wide > 500 and high > 150


def ink(png: bytes) -> bytes:
    """Return the packed lines of a picture."""
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return zlib.decompress(data)


def test_chinese_is_drawn_with_its_own_glyphs(pictures: VegaPictures) -> None:
    """Without a font that knows them, all signs would be the same empty box."""
    signs = [ink(pictures.draw({**CHARTS[0].spec, "title": sign}, "png")) for sign in ("质量", "诊断", "质量")]

    assert signs[0] != signs[1] and signs[0] == signs[2]


def test_an_address_in_a_description_is_not_fetched(pictures: VegaPictures) -> None:
    spec = {"data": {"url": "http://127.0.0.1:9/data.json"}, "mark": "bar", "encoding": {"x": {"field": "a"}}}

    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        pictures.draw(spec, "svg")


def test_the_library_is_put_together_once_and_not_taken_from_a_spoiled_file(tmp_path: Path) -> None:
    first = chart_library.script(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert chart_library.script(tmp_path) == first and b"window.vegaEmbed" in first

    kept.write_bytes(b"alert(1)")

    assert chart_library.script(tmp_path) == first


def test_the_library_is_served_also_where_no_folder_can_keep_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    assert len(chart_library.script(tmp_path / "file")) > 500_000


@pytest.mark.parametrize("dark", [False, True])
def test_the_colours_are_those_of_the_pages(dark: bool) -> None:
    sheet = (OWN / "qaflow.css").read_text(encoding="utf-8")
    own = sheet.partition('[data-bs-theme="dark"] {')[2] if dark else sheet
    palette = theme.DARK if dark else theme.LIGHT

    for name, colour in palette.items():
        assert re.search(rf"--q-{name}: ({COLOUR.pattern})", own)[1] == colour, name  # type: ignore[index]


def test_the_words_of_a_chart_are_all_said_in_the_pages_language(app: Any) -> None:
    with app.test_request_context("/?lang=zh"):
        said = words()

    assert said.keys() == charts.ENGLISH.keys()
    assert [word for word in said.values() if not re.search(r"[\u4e00-\u9fff]", word)] == []


def test_readings_beyond_the_limits_of_their_day_have_another_shape() -> None:
    steps = (Step("2026-01-01", 90, 80), Step("2026-03-01", 95, 90))
    points = [("2026-02-01", 85.0, ""), ("2026-03-01", 85.0, ""), ("2026-02-02", 79.9, "")]

    found = charts.over_time("t", points, steps=steps)

    marks = {one["mark"]["style"]: [v["x"] for v in one["data"]["values"]] for one in found.spec["layer"]
             if one["mark"]["type"] == "point"}  # fmt: skip
    assert marks == {"inside": ["2026-02-01"], "beyond": ["2026-03-01", "2026-02-02"]}
    assert [row[3] for row in found.rows] == [80, 90, 80]


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 10_000)), max_size=20))
@settings(deadline=None)
def test_a_pareto_falls_and_its_share_rises_to_the_whole(rows: list[tuple[str, int]]) -> None:
    found = charts.pareto("t", rows)

    counts, shares = [row[1] for row in found.rows], [row[2] for row in found.rows]
    assert counts == sorted((many for _, many in rows), reverse=True)
    if sum(counts):
        assert shares == sorted(shares) and shares[-1] == 100
        assert all(abs(s - 100 * sum(counts[: n + 1]) / sum(counts)) < 0.06 for n, s in enumerate(shares))


@given(st.lists(st.one_of(st.none(), st.floats(0, 5)), min_size=3, max_size=12))
def test_a_radar_places_each_value_at_its_share_of_the_axis(values: list[float | None]) -> None:
    axes = [str(n) for n in range(len(values))]
    found = charts.radar("t", axes, [("me", values)], 5)

    corners = found.spec["layer"][-1]["data"]["values"]
    assert [c["name"] for c in corners] == [a for a, v in zip(axes, values, strict=True) if v is not None]
    for corner in corners:
        assert math.hypot(corner["x"], corner["y"]) == pytest.approx(corner["value"] / 5, abs=2e-4)


def test_a_gap_in_a_radar_parts_its_line() -> None:
    whole = charts.radar("t", list("abcd"), [("me", [1, 2, 3, 4])], 5)
    parted = charts.radar("t", list("abcd"), [("me", [1, None, 3, 4])], 5)

    runs = [[one["data"]["values"] for one in c.spec["layer"] if one["mark"]["style"] == "series"][:-1]
            for c in (whole, parted)]  # fmt: skip
    assert [len(run) for run in runs[0]] == [5]
    assert [len(run) for run in runs[1]] == [3]


def test_four_series_are_more_than_grey_can_tell_apart() -> None:
    with pytest.raises(ValueError, match="at most 3"):
        charts.radar("t", ["a"], [(str(n), [1.0]) for n in range(4)], 5)


@given(st.lists(RATE, min_size=1, max_size=30))
def test_nothing_that_is_drawn_lies_outside_the_height_of_its_axis(values: list[float]) -> None:
    points = [(f"2026-01-{n + 1:02d}", value, "") for n, value in enumerate(values)]
    found = charts.over_time("t", points, target=3.0)

    low, high = found.spec["layer"][2]["encoding"]["y"]["scale"]["domain"]
    assert low < min([*values, 3.0]) and max([*values, 3.0]) < high
