"""Charts as pictures, drawn without a browser from the description that the pages show too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import vl_convert

LOCALES: dict[str, Any] = {"zh": "zh-CN", "en": "en-US"}
SCALE = 2.0  # pixels of a png for one of the description


class VegaPictures:
    """Draws with the Vega-Lite that lies in vl-convert's wheel; nothing is fetched."""

    def draw(self, spec: Mapping[str, Any], form: str, language: str = "zh") -> bytes:
        """Return a Vega-Lite description as ``svg`` or ``png``."""
        locale = LOCALES.get(language, "en-US")
        given = json.dumps(spec, ensure_ascii=False)
        if form == "png":
            return bytes(vl_convert.vegalite_to_png(given, scale=SCALE, time_format_locale=locale))
        return str(vl_convert.vegalite_to_svg(given, time_format_locale=locale)).encode()
