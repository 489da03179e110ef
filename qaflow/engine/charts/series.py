"""Figures in their order: readings against target and limits, a trend, a control chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .chart import ENGLISH, Chart, Row, Spec, Words, across, amount, layer, measured, named, spec, tooltip

DAY_SIGNS = 10
AROUND = 0.08
"""Room above and below the marks, as a share of their height."""


class Step(NamedTuple):
    """Target and limits from a day on; the past keeps those it had."""

    day: str
    target: float | None = None
    lower: float | None = None
    upper: float | None = None


def over_time(
    title: str,
    points: Sequence[tuple[str, float, str]],
    *,
    target: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    unit: str = "",
    steps: Sequence[Step] = (),
    key: str = "over-time",
    words: Words = ENGLISH,
    note: str = "",
) -> Chart:
    """Return readings over time, those beyond their limits in another shape.

    ``points`` are (day or instant in UTC, value, words); of the limits give those that count by the direction.  Where
    they changed, ``steps`` (ascending) stand in the place of ``target``, ``lower`` and ``upper``.
    """
    held = tuple(steps) or (Step("", target, lower, upper),)
    now = held[-1]
    drawn = [(at, value, said, _in_force(held, at)) for at, value, said in points]
    encoding = _axes(measured(words["value"], unit), [v for _, v, _, _ in drawn], held)
    values: list[Spec] = [{"x": _instant(at), "y": value, "words": said} for at, value, said, _ in drawn]
    beyond = [_is_beyond(value, step) for _, value, _, step in drawn]
    marked = {**encoding, "tooltip": tooltip(("words", words["note"]), ("y", words["value"]))}
    layers = [
        *_limits(held, now, [v["x"] for v in values], encoding, words, unit),
        layer(values, "line", "run", encoding),
        layer([v for v, out in zip(values, beyond, strict=True) if not out], "point", "inside", marked),
        layer([v for v, out in zip(values, beyond, strict=True) if out], "point", "beyond", marked),
    ]
    columns = (words["day"], measured(words["value"], unit), words["target"], words["lower"], words["upper"],
               words["note"])  # fmt: skip
    rows: list[Row] = [(at, value, s.target, s.lower, s.upper, said) for at, value, said, s in drawn]
    return Chart(key, title, spec(*layers), columns, tuple(rows), note)


def _in_force(steps: Sequence[Step], at: str) -> Step:
    held = [step for step in steps if step.day <= at[:DAY_SIGNS]]
    return held[-1] if held else steps[0]


def _is_beyond(value: float, step: Step) -> bool:
    return (step.lower is not None and value < step.lower) or (step.upper is not None and value > step.upper)


def _instant(at: str) -> str:
    """Return a day or instant as Vega reads it in UTC, wherever the browser is."""
    return at if len(at) == DAY_SIGNS or at.endswith("Z") or "+" in at[DAY_SIGNS:] else f"{at}Z"


def _axes(name: str, values: Sequence[float], steps: Sequence[Step]) -> Spec:
    lines = [v for s in steps for v in (s.target, s.lower, s.upper) if v is not None]
    return {
        "x": {"field": "x", "type": "temporal", "title": None, "scale": {"type": "utc"},
              "axis": {"format": "%Y-%m-%d", "labelOverlap": "greedy", "labelSeparation": 10, "grid": False,
                       "tickCount": 6}},
        "y": {"field": "y", "type": "quantitative", "title": name, "scale": _height([*values, *lines])},
    }  # fmt: skip


def _height(values: Sequence[float]) -> Spec:
    """Return the scale of an axis that need not begin at zero, with room round what is drawn."""
    if not values:
        return {"zero": False}
    low, high = min(values), max(values)
    room = (high - low) * AROUND or abs(high) * AROUND or 1.0
    return {"zero": False, "nice": False, "domain": [low - room, high + room]}


def _limits(steps: Sequence[Step], now: Step, days: Sequence[str], encoding: Spec, words: Words,
            unit: str) -> list[Spec]:  # fmt: skip
    """Return the lines of target and limits: straight ones, or steps where they changed."""
    found: list[Spec] = []
    for name, style, up, left in (("target", "target", True, True), ("lower", "limit", False, False),
                                  ("upper", "limit", True, False)):  # fmt: skip
        value = getattr(now, name)
        said = f"{words[name]} {amount(value)}{unit}"
        if len(steps) == 1 and value is not None:
            found += across(value, said, style, up, left)
        elif len(steps) > 1 and days:
            stairs = _stairs(steps, name, min(days), max(days))
            found.append(layer(stairs, "line", style, encoding, interpolate="step-after"))
            found += [] if value is None else [named(value, said, style, up)]
    return found


def _stairs(steps: Sequence[Step], name: str, first: str, last: str) -> list[Spec]:
    """Return a line's corners from the first to the last reading."""
    corners = [(max(_instant(step.day or first), first), getattr(step, name)) for step in steps]
    end = (last, corners[-1][1])
    kept = [c for n, c in enumerate(corners) if c[0] <= last and (n + 1 == len(corners) or corners[n + 1][0] > first)]
    return [{"x": x, "y": y} for x, y in [*kept, (last, kept[-1][1]) if kept else end]]


def trend(title: str, rows: Sequence[tuple[str, float | None]], unit: str = "", *, key: str = "trend",
          words: Words = ENGLISH, note: str = "") -> Chart:  # fmt: skip
    """Return one figure over terms or years, in the order given; a gap stays a gap."""
    name = measured(words["value"], unit)
    values: list[Spec] = [{"x": label, "y": value} for label, value in rows]
    encoding: Spec = {
        "x": {"field": "x", "type": "ordinal", "sort": None, "title": None,
              "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelLimit": 110}},
        "y": {"field": "y", "type": "quantitative", "title": name,
              "scale": _height([v for _, v in rows if v is not None])},
    }  # fmt: skip
    tip = tooltip(("x", words["label"]), ("y", name))
    known = [v for v in values if v["y"] is not None]
    layers = [
        layer(values, "line", "run", encoding, invalid="break-paths-filter-domains"),
        layer(known, "point", "inside", {**encoding, "tooltip": tip}),
    ]
    return Chart(key, title, spec(*layers), (words["label"], name), tuple(rows), note)


class Limit(NamedTuple):
    """Centre and control limits of one point: with subgroups of many sizes each has its own."""

    centre: float
    lower: float | None
    upper: float


def control(
    title: str,
    points: Sequence[tuple[str, float, str]],
    limits: Sequence[tuple[float, float | None, float]],
    *,
    unit: str = "",
    key: str = "control",
    words: Words = ENGLISH,
    note: str = "",
) -> Chart:
    """Return one panel of a control chart: points with centre line and limits, those with a finding in another shape.

    ``points`` are (label, value, findings in words or ""); ``limits`` are (centre, lower, upper) of each of them.
    """
    name = measured(words["value"], unit)
    held = [Limit(*one) for one in limits]
    values: list[Spec] = [{"n": n, "x": label, "y": value, "words": said, "c": h.centre, "l": h.lower, "u": h.upper}
                          for n, ((label, value, said), h) in enumerate(zip(points, held, strict=True), 1)]  # fmt: skip
    heights = [v for _, v, _ in points] + [v for h in held for v in h if v is not None]
    encoding: Spec = {
        "x": {"field": "n", "type": "quantitative", "title": words["sample"],
              "scale": {"domain": [0.5, len(points) + 0.5], "nice": False},
              "axis": {"tickMinStep": 1, "format": "d", "grid": False}},
        "y": {"field": "y", "type": "quantitative", "title": name, "scale": _height(heights)},
    }  # fmt: skip
    marked = {**encoding, "tooltip": tooltip(("x", words["sample"]), ("y", name), ("words", words["finding"]))}
    layers = [
        *_control_lines(values, encoding, held, words),
        layer(values, "line", "run", encoding),
        layer([v for v in values if not v["words"]], "point", "inside", marked),
        layer([v for v in values if v["words"]], "point", "found", marked),
    ]
    columns = (words["sample"], name, words["centre"], words["lcl"], words["ucl"], words["finding"])
    rows: list[Row] = [(label, value, h.centre, h.lower, h.upper, said)
                       for (label, value, said), h in zip(points, held, strict=True)]  # fmt: skip
    return Chart(key, title, spec(*layers), columns, tuple(rows), note)


def _control_lines(values: Sequence[Spec], encoding: Spec, held: Sequence[Limit], words: Words) -> list[Spec]:
    """Return centre and limits: straight lines with their figures, or steps from point to point."""
    found: list[Spec] = []
    for field, name, style, up in (("c", "centre", "centre", True), ("l", "lcl", "limit", False),
                                   ("u", "ucl", "limit", True)):  # fmt: skip
        shown = [{"n": v["n"], "y": v[field]} for v in values if v[field] is not None]
        if shown and len(set(held)) == 1:
            found += across(shown[0]["y"], f"{words[name]} {shown[0]['y']:.5g}", style, up, name == "centre")
        elif shown:
            found.append(layer(shown, "line", style, encoding, interpolate="step"))
            found.append(named(shown[-1]["y"], words[name], style, up))
    return found
