"""Charts as pictures, drawn without a browser from the description that the pages show too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pylopdf_fonts_zh_cn
import vl_convert

from qaflow.engine.charts import theme

LOCALES: dict[str, Any] = {"zh": "zh-CN", "en": "en-US"}
SCALE = 2.0  # pixels of a png for one of the description
WIDTH = 720
"""Pixels of a chart that is as wide as its place: on paper, the width between the margins."""
PAPER = "#fff"
KEPT = 128
"""Drawings that a process remembers: pages and documents ask for the same one again, in both forms."""


class VegaPictures:
    """Draws with the Vega-Lite that lies in vl-convert's wheel and the Chinese font of another; nothing is fetched."""

    def __init__(self) -> None:
        """Make the fonts known: a server need have none that knows Chinese."""
        vl_convert.register_font_directory(str(pylopdf_fonts_zh_cn.sans_path().parent))

    def draw(self, spec: Mapping[str, Any], form: str, language: str = "zh") -> bytes:
        """Return a Vega-Lite description as ``svg`` or ``png``, in the colours for paper unless it has its own."""
        drawn = _drawn(json.dumps(on_paper(spec), ensure_ascii=False), LOCALES.get(language, "en-US"))
        return bytes(vl_convert.svg_to_png(drawn, scale=SCALE)) if form == "png" else drawn.encode()


@lru_cache(maxsize=KEPT)
def _drawn(given: str, locale: Any) -> str:
    return str(vl_convert.vegalite_to_svg(given, time_format_locale=locale, allowed_base_urls=[]))


def on_paper(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with the width, ground and colours that its page would give it."""
    found = {"config": theme.config(), "background": PAPER, "padding": 12} | dict(spec)
    if found.get("width") == "container":
        found["width"] = WIDTH
    return found
