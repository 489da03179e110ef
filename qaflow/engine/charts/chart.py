"""What every chart is made of: the value, its words, and the parts that the kinds of chart share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 240
"""Pixels of a chart over a whole width; the width is the page's, or the paper's."""
STEP = 26
"""Pixels of one bar with the gap beside it."""
LONGEST = 130
"""Pixels of a label at the foot of a bar; what is longer is cut, and stands whole in tooltip and table."""

Value: TypeAlias = str | float | None
Row: TypeAlias = tuple[Value, ...]
Spec: TypeAlias = dict[str, Any]
Words: TypeAlias = Mapping[str, str]
ENGLISH: Words = {
    "day": "Day", "value": "Value", "note": "Note", "target": "Target", "lower": "Lower limit", "upper": "Upper limit",
    "label": "What", "group": "Group", "count": "How many", "share": "Cumulative share in percent", "axis": "Dimension",
    "from": "From", "to": "To", "sample": "Sample", "centre": "Centre", "lcl": "Lower control limit",
    "ucl": "Upper control limit", "finding": "Finding",
}  # fmt: skip
"""The words of a chart itself: legends, axes and the table's headings."""


@dataclass(frozen=True)
class Chart:
    """One chart: its description, the same figures as a table, and a line that says what is not to be seen."""

    key: str  # one of its page
    title: str
    spec: Spec
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def spec(*layers: Spec, height: Any = HEIGHT, **more: Any) -> Spec:
    """Return a description over the whole width of its place."""
    return {"$schema": SCHEMA, "width": "container", "height": height,
            "autosize": {"type": "fit-x", "contains": "padding"}, "layer": list(layers), **more}  # fmt: skip


def layer(values: Sequence[Spec], mark: str, style: str, encoding: Spec, **more: Any) -> Spec:
    """Return one layer: its own figures, one kind of mark, the style that the theme gives a colour."""
    filled = {"filled": True} if mark == "point" and "stroke" not in encoding else {}
    return {"data": {"values": list(values)}, "mark": {"type": mark, "style": style, **filled, **more},
            "encoding": encoding}  # fmt: skip


def measured(word: str, unit: str) -> str:
    """Return the name of an axis with its unit."""
    return f"{word} ({unit})" if unit else word


def across(value: float, name: str, style: str, upward: bool = True, left: bool = False) -> list[Spec]:
    """Return a line over the whole width at a value, with its name above or below it."""
    line = layer([{"y": value}], "rule", style, {"y": {"field": "y", "type": "quantitative"}})
    return [line, named(value, name, style, upward, left)]


def named(value: float, name: str, style: str, upward: bool = True, left: bool = False) -> Spec:
    """Return the name of a line, at one of its ends, above or below it."""
    encoding: Spec = {"y": {"field": "y", "type": "quantitative"}, "x": {"value": 0 if left else "width"},
                      "text": {"field": "name"}}  # fmt: skip
    return layer([{"y": value, "name": name}], "text", f"{style}-word", encoding, dx=4 if left else -4,
                 dy=-7 if upward else 9, align="left" if left else "right")  # fmt: skip


def tooltip(*parts: tuple[str, str]) -> list[Spec]:
    """Return what stands beside the pointer, as (field, its word)."""
    return [{"field": field, "title": title} for field, title in parts]


def amount(value: float | None) -> str:
    """Return a figure as short as it is exact."""
    return "" if value is None else f"{value:.12g}"
