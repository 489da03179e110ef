"""A radar of up to three series: solid with dots, dashed with squares, dotted with triangles; readable in grey."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin

from .chart import ENGLISH, SCHEMA, Chart, Row, Spec, Words, layer, tooltip
from .theme import SERIES

MOST = 3
RINGS = 4
ROOM = 72
"""Pixels of an axis' name; a longer one is cut, and stands whole in tooltip and table."""
SIZE = 290
"""Pixels of the square; it is not stretched, or the axes would weigh differently."""
REACH = 1.62
"""Half the width of the drawing, with 1 the end of an axis: room for the words round it."""
LOOKS: tuple[Spec, ...] = (
    {"strokeDash": [1, 0], "shape": "circle"},
    {"strokeDash": [6, 4], "shape": "square"},
    {"strokeDash": [2, 3], "shape": "triangle-up"},
)


def radar(
    title: str,
    axes: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    top: float,
    *,
    key: str = "radar",
    words: Words = ENGLISH,
    note: str = "",
) -> Chart:
    """Return a radar: each axis from 0 in the middle to ``top``; a missing value parts the line, it is no zero.

    Raises `ValueError` for more than three series, which nobody could tell apart in grey.
    """
    if len(series) > MOST:
        raise ValueError(f"{len(series)} series: at most {MOST} can be told apart")
    layers = [*_rings(len(axes)), *_spokes(axes)]
    names = [name for name, _ in series]
    for rank, (_, values) in enumerate(series):
        layers += _series(rank, names, axes, values, top, words)
    rows: list[Row] = [(axis, *(values[n] for _, values in series)) for n, axis in enumerate(axes)]
    found = {"$schema": SCHEMA, "width": SIZE, "height": SIZE, "layer": layers}
    return Chart(key, title, found, (words["axis"], *names), tuple(rows), note)


def _place(turn: int, of: int, share: float) -> Spec:
    """Return where a share of an axis lies; the first axis stands upright, the others follow clockwise."""
    angle = 2 * pi * turn / of
    return {"x": round(share * sin(angle), 4), "y": round(share * cos(angle), 4)}


def _encoding(**more: Spec) -> Spec:
    scale = {"domain": [-REACH, REACH], "nice": False}
    return {axis: {"field": axis, "type": "quantitative", "axis": None, "scale": scale} for axis in ("x", "y")} | more


def _rings(of: int) -> list[Spec]:
    lines = [[{**_place(n, of, ring / RINGS), "order": n} for n in range(of + 1)] for ring in range(1, RINGS + 1)]
    order: Spec = {"field": "order", "type": "quantitative"}
    return [layer(line, "line", "web", _encoding(order=order)) for line in lines]


def _spokes(axes: Sequence[str]) -> list[Spec]:
    """Return the axes and their names, each turned away from the middle."""
    found: list[Spec] = []
    for n, name in enumerate(axes):
        end = _place(n, len(axes), 1.0)
        ends: list[Spec] = [{"x": 0, "y": 0, "order": 0}, {**end, "order": 1}]
        order: Spec = {"field": "order", "type": "quantitative"}
        found.append(layer(ends, "line", "web", _encoding(order=order)))
        align = "center" if abs(end["x"]) < 0.2 else "left" if end["x"] > 0 else "right"
        baseline = "middle" if abs(end["y"]) < 0.9 else "bottom" if end["y"] > 0 else "top"
        word: Spec = {**_place(n, len(axes), 1.08), "text": name}
        found.append(layer([word], "text", "word", _encoding(text={"field": "text"}), align=align, baseline=baseline,
                           limit=ROOM))  # fmt: skip
    return found


def _series(rank: int, names: Sequence[str], axes: Sequence[str], values: Sequence[float | None], top: float,
            words: Words) -> list[Spec]:  # fmt: skip
    """Return one series: its runs of known values, closed where all are known, and its corners."""
    many, name = len(axes), names[rank]
    corners: list[Spec] = [{**_place(n, many, value / top), "name": axis, "value": value, "series": name}
                           for n, (axis, value) in enumerate(zip(axes, values, strict=True))
                           if value is not None]  # fmt: skip
    order: Spec = {"field": "order", "type": "quantitative"}
    dash, shape, stroke = (_look(names, look) for look in ("strokeDash", "shape", "stroke"))
    runs = [[{**corner, "series": name} for corner in run] for run in _runs(values, many, top) if len(run) > 1]
    lines = [layer(run, "line", "series", _encoding(order=order, strokeDash=dash, stroke=stroke)) for run in runs]
    tip: Spec = {"tooltip": tooltip(("series", words["group"]), ("name", words["axis"]), ("value", words["value"]))}
    return [*lines, layer(corners, "point", "series", _encoding(shape=shape, stroke=stroke) | tip)]


def _look(names: Sequence[str], look: str) -> Spec:
    """Return by which dash or shape the series are told apart; both stand in one legend."""
    told: Spec = {"legend": {"symbolDash": [1, 0], "symbolSize": 70, "columns": 3}} if look != "strokeDash" else {}
    range_ = SERIES if look == "stroke" else [one[look] for one in LOOKS[: len(names)]]
    scale = {"domain": list(names), "range": range_}
    return {"field": "series", "type": "nominal", "title": None, "scale": scale} | told


def _runs(values: Sequence[float | None], many: int, top: float) -> list[list[Spec]]:
    """Return the unbroken runs round the radar; from a gap to the next, or once round and back to the first."""
    gaps = [n for n, value in enumerate(values) if value is None]
    first = gaps[0] if gaps else 0
    runs: list[list[Spec]] = [[]]
    for step in range(many + 1):
        turn = (first + step) % many
        value = values[turn]
        if value is None:
            runs.append([])
        else:
            runs[-1].append({**_place(turn, many, value / top), "order": step})
    return runs
