"""Figures side by side: bars, groups of bars, Pareto, histogram."""

from __future__ import annotations

from collections.abc import Sequence

from qaflow.engine.statistics.frequencies import ranked

from .chart import ENGLISH, LONGEST, STEP, Chart, Row, Spec, Words, amount, layer, measured, spec, tooltip

WHOLE = 100.0
HEADROOM = 1.25
"""Height of a histogram over its highest bin: the names of target and limits stand above the bars."""
THIN = 18
"""Pixels of one bar of a group."""
UPRIGHT = 8  # signs of a label that stands level beside its neighbours


def bars(title: str, rows: Sequence[tuple[str, float | None]], unit: str = "", *, key: str = "bars",
         words: Words = ENGLISH, note: str = "") -> Chart:  # fmt: skip
    """Return lying bars in the order given, each with its figure at its end."""
    name = measured(words["value"], unit)
    values: list[Spec] = [{"label": label, "x": value, "text": amount(value)}
                          for label, (_, value) in zip(_told_apart([one for one, _ in rows]), rows, strict=True)
                          if value is not None]  # fmt: skip
    encoding: Spec = {
        "y": _labels("label"),
        "x": {"field": "x", "type": "quantitative", "title": name, "scale": {"zero": True}},
    }
    tip = tooltip(("label", words["label"]), ("x", name))
    layers = [
        layer(values, "bar", "bar", {**encoding, "tooltip": tip}),
        layer(values, "text", "word", {**encoding, "text": {"field": "text"}}, align="left", dx=4),
    ]
    found = spec(*layers, height=max(1, len(values)) * STEP)
    return Chart(key, title, found, (words["label"], name), tuple(rows), note)


def _told_apart(labels: Sequence[str]) -> list[str]:
    """Return labels of which no two are alike: two courses of one name keep a bar each."""
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found


def _labels(field: str) -> Spec:
    return {"field": field, "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": LONGEST}}


def grouped(title: str, rows: Sequence[tuple[str, str, float | None]], unit: str = "", *, key: str = "grouped",
            words: Words = ENGLISH, note: str = "") -> Chart:  # fmt: skip
    """Return lying bars of (group, label, value): for each label one bar a group, told apart by lightness."""
    name = measured(words["value"], unit)
    values: list[Spec] = [{"group": group, "label": label, "x": value, "text": amount(value)}
                          for group, label, value in rows if value is not None]  # fmt: skip
    groups = list(dict.fromkeys(group for group, _, _ in rows))
    offset: Spec = {"field": "group", "type": "nominal", "scale": {"domain": groups}}
    encoding: Spec = {
        "y": _labels("label"),
        "yOffset": offset,
        "x": {"field": "x", "type": "quantitative", "title": name, "scale": {"zero": True}},
    }
    tip = tooltip(("label", words["label"]), ("group", words["group"]), ("x", name))
    fill: Spec = {"field": "group", "type": "nominal", "scale": {"domain": groups}, "title": None}
    layers = [
        layer(values, "bar", "group", {**encoding, "fill": fill, "tooltip": tip}),
        layer(values, "text", "mute", {**encoding, "text": {"field": "text"}}, align="left", dx=4),
    ]
    places = len({label for _, label, _ in rows}) or 1
    found = spec(*layers, height=places * (len(groups) * THIN + STEP - THIN))
    return Chart(key, title, found, (words["group"], words["label"], name), tuple(rows), note)


def pareto(title: str, rows: Sequence[tuple[str, int]], *, key: str = "pareto", words: Words = ENGLISH,
           note: str = "") -> Chart:  # fmt: skip
    """Return a Pareto chart: the most frequent first, and the share that is reached up to each.

    Whoever calls puts a remainder ("other") last by giving the rows in their order: equal ones keep it.
    """
    ordered = ranked(rows)
    labels = _told_apart([one.label for one in ordered])
    values: list[Spec] = [{"x": label, "y": one.many, "share": round(WHOLE * one.cumulative, 1)}
                          for label, one in zip(labels, ordered, strict=True)]  # fmt: skip
    total = sum(one.many for one in ordered)
    x: Spec = {"field": "x", "type": "nominal", "sort": None, "title": None,
               "axis": {"labelAngle": 0 if max(map(len, labels), default=0) <= UPRIGHT else -30,
                        "labelLimit": LONGEST}}  # fmt: skip
    share: Spec = {"field": "share", "type": "quantitative", "title": words["share"],
                   "scale": {"domain": [0, WHOLE]}, "axis": {"grid": False}}  # fmt: skip
    count: Spec = {"field": "y", "type": "quantitative", "title": words["count"], "axis": {"tickMinStep": 1},
                   "scale": {"domain": [0, max(total, 1)]}}  # fmt: skip
    tip = tooltip(("x", words["label"]), ("y", words["count"]), ("share", words["share"]))
    layers = [
        layer(values, "bar", "bar", {"x": x, "y": count, "tooltip": tip}),
        layer(values, "line", "share", {"x": x, "y": share}),
        layer(values, "point", "share-point", {"x": x, "y": share, "tooltip": tip}),
    ]
    shown: list[Row] = [(v["x"], v["y"], v["share"]) for v in values]
    found = spec(*layers, resolve={"scale": {"y": "independent"}})
    return Chart(key, title, found, (words["label"], words["count"], words["share"]), tuple(shown), note)


def histogram(
    title: str,
    bins: Sequence[tuple[float, float, int]],
    *,
    target: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    unit: str = "",
    key: str = "histogram",
    words: Words = ENGLISH,
    note: str = "",
) -> Chart:
    """Return a histogram of (from, to, how many), with target and limits as standing lines."""
    name = measured(words["value"], unit)
    values: list[Spec] = [{"a": a, "b": b, "n": n} for a, b, n in bins]
    x: Spec = {"field": "a", "type": "quantitative", "title": name, "scale": {"zero": False}, "axis": {"grid": False}}
    top = max((n for _, _, n in bins), default=0) * HEADROOM or 1
    y: Spec = {"field": "n", "type": "quantitative", "title": words["count"], "axis": {"tickMinStep": 1},
               "scale": {"domain": [0, top], "nice": False}}  # fmt: skip
    tip = tooltip(("a", words["from"]), ("b", words["to"]), ("n", words["count"]))
    layers = [layer(values, "rect", "bar", {"x": x, "x2": {"field": "b"}, "y": {**y, "stack": None}, "y2": {"datum": 0},
                                            "tooltip": tip})]  # fmt: skip
    for value, word, style, down in ((target, "target", "target", 10), (lower, "lower", "limit", 24),
                                     (upper, "upper", "limit", 38)):  # fmt: skip
        if value is not None:
            row: Spec = {"a": value, "name": f"{words[word]} {amount(value)}{unit}"}
            layers.append(layer([row], "rule", style, {"x": x}))
            layers.append(layer([row], "text", f"{style}-word", {"x": x, "y": {"value": down}, "text":
                                {"field": "name"}}, align="left", dx=4))  # fmt: skip
    return Chart(key, title, spec(*layers), (words["from"], words["to"], words["count"]), tuple(bins), note)
