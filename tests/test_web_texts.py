"""The catalogs: both whole, nothing left over, the same places for values in both languages."""

import re
from typing import Any

import pytest

from qaflow.web import catalogs
from qaflow.web.language import LANGUAGES, catalog
from qaflow.web.wording import FAULTS, STATUS, TITLES

USED = catalogs.used()
PLACES = re.compile(r"%\((\w+)\)[sd]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_untranslated_and_none_left_over(language: str) -> None:
    written = catalogs.written(language)

    assert len(USED) > 200
    assert catalogs.missing(written, USED) == []
    assert catalogs.stale(written, USED) == []


def test_a_text_without_translation_would_be_found() -> None:
    written = catalogs.written("zh")
    written.get("Help").string = ""
    USED.add("Said by nobody yet")

    try:
        assert catalogs.missing(written, USED) == ["Help", "Said by nobody yet"]
    finally:
        USED.delete("Said by nobody yet")


def forms(text: Any) -> list[str]:
    """Return the forms of a text: one, or one for each plural."""
    return [text] if isinstance(text, str) else list(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_stand_in_both_languages(language: str) -> None:
    for message in catalogs.written(language):
        if message.id:
            wanted = set(PLACES.findall(forms(message.id)[-1]))
            assert all(set(PLACES.findall(text)) == wanted for text in forms(message.string)), message.id


def test_english_says_what_the_code_says() -> None:
    assert [m.id for m in catalogs.written("en") if m.id and forms(m.id) != forms(m.string)] == []


def test_chinese_is_chinese() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")

    assert [m.id for m in catalogs.written("zh") if m.id and not han.search(forms(m.string)[0])] == []


def test_a_sentence_ends_as_one_in_both_languages() -> None:
    for table in (FAULTS, STATUS):
        for key, text in table.items():
            english = str(text._args[0])
            chinese = catalog("zh").ugettext(english)
            assert english.endswith((".", "qaflow init")), key
            assert chinese.endswith(("。", "qaflow init")), key
    assert not [str(t._args[0]) for t in TITLES.values() if str(t._args[0]).endswith(".")]


COMMAND_LINE = ("backup.", "restore.", "demo.", "checkpoint.", "pack.", "folder.", "schema.", "json.", "mail.",
                "bench.", "installation.not_sandbox", "database.missing", "file.exists", "file.not_writable",
                "file.not_regular", "installation.exists")  # fmt: skip
CODE = re.compile(r'(?:Invalid|Refused|Missing|Forbidden|Unproven|Unavailable|Stale|refuse)\(\s*"([a-z_]+\.[a-z_.]+)"')


def test_every_refusal_that_a_page_can_meet_has_its_sentence() -> None:
    """Whoever adds a code writes what it means to people into `wording.FAULTS`."""
    places = [catalogs.PACKAGE / "services", catalogs.PACKAGE / "engine" / "decide"]
    files = [file for place in places for file in place.rglob("*.py")]

    codes = {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}

    assert len(codes) > 80
    assert sorted(code for code in codes if code not in FAULTS and not code.startswith(COMMAND_LINE)) == []
