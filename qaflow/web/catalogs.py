"""Keep the catalogs in step with the texts in code and templates: `python -m qaflow.web.catalogs`, for developers.

English is filled in from the texts themselves; what Chinese lacks is listed, to be written into its catalog.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from qaflow.paths import PACKAGE, data_dir
from qaflow.web.language import CATALOGS, DOMAIN, LANGUAGES

KEYWORDS: Any = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2), "ngettext": (1, 2), "_": None}
PYTHON = [("**.py", "python")]
PAGES = [("**.html", "jinja2")]
OPTIONS = {"**.html": {"extensions": "jinja2.ext.do", "newstyle_gettext": "true", "silent": "false"}}
WIDTH = 120
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""
"""Nothing in it changes by itself: no dates, no tools."""


def used() -> Catalog:
    """Return every text that the web door may say."""
    found = Catalog()
    for text in (*_texts(PACKAGE / "web", PYTHON), *_texts(data_dir("templates"), PAGES)):
        found.add(text)
    return found


def _texts(folder: Path, kinds: list[tuple[str, str]]) -> Iterator[Any]:
    for _file, _line, text, _comments, _context in extract_from_dir(folder, kinds, OPTIONS, keywords=KEYWORDS):
        yield text


def written(language: str) -> Catalog:
    """Return a language's catalog as it stands in its file, empty where there is none."""
    file = _file(language)
    if not file.exists():
        return Catalog(language, DOMAIN)
    with file.open("rb") as lines:
        return read_po(lines, locale=language)


def missing(catalog: Catalog, template: Catalog) -> list[Any]:
    """Return the texts that a catalog does not translate, or says in words of another form."""
    return [message.id for message in template if message.id and not _done(catalog.get(message.id), message)]


def _done(found: Message | None, message: Message) -> bool:
    if found is None or found.fuzzy or not found.string:
        return False
    return all(found.string) if isinstance(message.id, tuple) else True


def stale(catalog: Catalog, template: Catalog) -> list[Any]:
    """Return the texts of a catalog that nothing says any more."""
    return [message.id for message in catalog if message.id and message.id not in template]


def update(language: str, template: Catalog) -> Catalog:
    """Bring a language's file in step and return its catalog."""
    old, new = written(language), Catalog(language, DOMAIN)
    for message in template:
        if message.id:
            kept = old.get(message.id)
            new.add(message.id, message.id if language == "en" else kept.string if kept else "")
    _file(language).parent.mkdir(parents=True, exist_ok=True)
    with _file(language).open("wb") as file:
        file.write(HEADER.format(language=language, plurals=new.plural_forms).encode())
        write_po(file, new, width=WIDTH, no_location=True, sort_output=True, omit_header=True)
    return new


def _file(language: str) -> Path:
    return CATALOGS / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def main(out: Any = None) -> int:
    """Bring both catalogs in step, list what is not translated; 1 where something is left."""
    template, left = used(), 0
    for language in LANGUAGES:
        gaps: Iterable[Any] = missing(update(language, template), template)
        for text in gaps:
            left += 1
            (out or sys.stdout).write(f"{language}: {text!r}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
