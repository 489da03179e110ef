"""The language of a page: `?lang=`, else what the browser prefers, else the installation's."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, request

from qaflow.services.ports import Ports
from qaflow.web.texts import TEXTS

LANGUAGES = ("zh", "en")


def register(app: Flask) -> None:
    """Give every template `lang`, `t` (a text of the program) and `pair` (a text from the data)."""
    app.context_processor(words)


def chosen() -> str:
    """Return zh or en."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    ports: Ports = current_app.extensions["qaflow"]
    return request.accept_languages.best_match(LANGUAGES, ports.settings.language) or ports.settings.language


def words() -> dict[str, Any]:
    """Return what templates speak with."""
    lang = chosen()

    def pair(text: Mapping[str, str]) -> str:
        return text[lang]

    def t(key: str) -> str:
        return TEXTS[key][lang]

    return {"lang": lang, "html_lang": {"zh": "zh-CN", "en": "en"}[lang], "pair": pair, "t": t}
