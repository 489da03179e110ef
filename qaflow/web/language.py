"""The language of a page, and its texts: English in the code, both languages in catalogs (flask-babel).

Asked by ``?lang=`` (and kept while the browser is open), else the person's, the browser's, the installation's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, current_app, g, has_request_context, request, session
from flask_babel import Babel, Domain

from qaflow.paths import PACKAGE
from qaflow.web.access import viewer
from qaflow.web.requests import ports

LANGUAGES = ("zh", "en")
HTML = {"zh": "zh-CN", "en": "en"}
CATALOGS = PACKAGE / "web" / "translations"
DOMAIN = "messages"


class Catalogs(Domain):
    """The catalogs as they are written (.po), compiled in memory once a process: no compiled file can be stale."""

    def get_translations(self) -> Translations:
        """Return the texts in the language of this request."""
        return spoken()


class Speech(Babel):
    """Flask-Babel over our catalogs."""

    domain_instance = Catalogs()


@cache
def catalog(language: str) -> Translations:
    """Return a language's texts."""
    with (CATALOGS / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        written = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, written)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def register(app: Flask) -> None:
    """Give every template its language: `lang`, `_`, `ngettext`, and `pair` for texts that stand in data."""
    Speech(app, default_locale="en", locale_selector=chosen)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: spoken().ugettext(text),
        ngettext=lambda one, many, number: spoken().ungettext(one, many, number),
        newstyle=True,
    )  # the catalog at once: a page asks fifty times, and flask-babel's own way is five times as long
    app.before_request(keep)
    app.context_processor(words)


def spoken() -> Translations:
    """Return the texts in the language of this request; outside of one, those of the code."""
    return catalog(chosen()) if has_request_context() else catalog("en")


def keep() -> None:
    """Keep a language that was asked for."""
    asked = request.args.get("lang")
    if asked in LANGUAGES and session.get("lang") != asked and current_app.secret_key:
        session["lang"] = asked


def chosen() -> str:
    """Return zh or en."""
    found: str | None = g.get("lang")
    if found is None:
        found = g.lang = _chosen()
    return found


def _chosen() -> str:
    asked = request.args.get("lang") or session.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    found = viewer()
    if found is not None and found.language in LANGUAGES:
        return found.language
    default = ports().settings.language
    return request.accept_languages.best_match(LANGUAGES, default) or default


def pair(text: Mapping[str, str] | Any) -> str:
    """Return a text of the data in the page's language: a mapping zh/en, or a definition's label."""
    return str(text[chosen()] if isinstance(text, Mapping) else getattr(text, chosen()))


def words() -> dict[str, Any]:
    """Return what templates speak with."""
    lang = chosen()
    other = "en" if lang == "zh" else "zh"
    return {"lang": lang, "html_lang": HTML[lang], "other_lang": other, "other_html_lang": HTML[other],
            "other_name": {"zh": "中文", "en": "English"}[other], "pair": pair}  # fmt: skip
