"""The colours of charts, on light and dark pages; a mark differs by shape or dash first, by colour last."""

from __future__ import annotations

from typing import Any

FONT = '"PingFang SC","Microsoft YaHei","Noto Sans SC","Noto Sans CJK SC",system-ui,sans-serif'
LIGHT = {
    "ink": "#26323d", "mute": "#5b6873", "line": "#dbe0e5", "edge": "#85929e", "paper": "#fff", "accent": "#22577f",
    "late": "#a9271c", "warn": "#855700",
}  # fmt: skip
DARK = {
    "ink": "#dfe5ea", "mute": "#9ca8b3", "line": "#333c46", "edge": "#6f7c88", "paper": "#1a2027", "accent": "#86b8de",
    "late": "#ff9d90", "warn": "#e8bd62",
}  # fmt: skip
"""The colours of `web/static/qaflow.css` (a test compares them)."""
SHADES = {"light": ("#22577f", "#8db4d2", "#5b6873", "#c3b27a"), "dark": ("#86b8de", "#3f6d92", "#c5ced6", "#8d7a3a")}
"""Of groups side by side: they differ in lightness, so that a grey printer keeps them apart."""
SERIES = "series"
"""The name of the range that a radar's lines have; they differ by dash and shape too."""
SMALL = 11
DASHES: dict[str, list[int]] = {"target": [], "limit": [6, 4], "centre": []}
RUN = 1.5  # pixels of a line between points


def config(dark: bool = False) -> dict[str, Any]:
    """Return Vega-Lite's configuration: what every description leaves to the page or the paper."""
    c = DARK if dark else LIGHT
    axis = {
        "labelColor": c["mute"], "titleColor": c["mute"], "domainColor": c["edge"], "tickColor": c["edge"],
        "gridColor": c["line"], "labelFontSize": SMALL, "titleFontSize": SMALL, "titleFontWeight": "normal",
    }  # fmt: skip
    return {
        "font": FONT, "aria": False, "view": {"stroke": None}, "axis": axis, "style": _styles(c),
        "point": {"opacity": 1},
        "legend": {"labelColor": c["ink"], "titleColor": c["mute"], "labelFontSize": SMALL, "orient": "bottom",
                   "symbolStrokeColor": c["ink"], "labelLimit": 240},
        "range": {"category": list(SHADES["dark" if dark else "light"]),
                  SERIES: [c["accent"], c["ink"], c["warn"]]},
        "title": {"color": c["ink"], "fontSize": 14, "fontWeight": "normal", "offset": 12},
    }  # fmt: skip


def _styles(c: dict[str, str]) -> dict[str, Any]:
    """Return the named looks of marks."""
    found: dict[str, Any] = {
        "run": {"color": c["accent"], "strokeWidth": RUN},
        "inside": {"color": c["accent"], "stroke": c["paper"], "strokeWidth": 1, "size": 46, "shape": "circle"},
        "beyond": {"color": c["late"], "stroke": c["paper"], "strokeWidth": 1, "size": 90, "shape": "diamond"},
        "found": {"color": c["paper"], "stroke": c["late"], "strokeWidth": 2, "size": 80, "shape": "square"},
        "bar": {"color": c["accent"]},
        "group": {"stroke": c["ink"], "strokeWidth": 0.5},
        "share": {"color": c["ink"], "strokeWidth": RUN},
        "share-point": {"color": c["paper"], "stroke": c["ink"], "strokeWidth": RUN, "size": 40},
        "web": {"color": c["line"], "strokeWidth": 1},
        "series": {"strokeWidth": 2},
        "word": {"color": c["ink"], "fontSize": SMALL + 1},
        "mute": {"color": c["mute"], "fontSize": SMALL},
    }
    for name, colour in (("target", c["ink"]), ("limit", c["late"]), ("centre", c["ink"])):
        found[name] = {"color": colour, "strokeWidth": 1.2, "strokeDash": DASHES[name]}
        found[f"{name}-word"] = {"color": colour, "fontSize": SMALL}
    return found
