"""Text on its way into XML: names of a college may hold any character, so nothing is written unescaped."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Return a text on one line, without the characters that XML cannot hold."""
    return " ".join(_NOT_XML.sub("", text).split())


def safe(text: str) -> str:
    """Return a text that may stand between tags and inside double quotes."""
    return escape(clean(text), {'"': "&quot;", "'": "&#39;"})
