"""Texts in CSV that a spreadsheet would take for formulas, and back again."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaflow.documents.tables import CsvTables
from qaflow.errors import Invalid
from qaflow.services.files.guarding import guarded, unguarded
from qaflow.services.ports import Leaf

FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@given(st.text(st.sampled_from("'=+-@\t\r\n ＝ax1|%\u3000\u200b"), max_size=8))
def test_what_was_guarded_is_given_back_whole_and_begins_with_no_sign_of_a_formula(text: str) -> None:
    cell = guarded(text)

    assert unguarded(cell) == text
    assert not cell.startswith(("\t", "\r", "\n"))
    assert not cell.strip().strip("\u200b").strip().startswith(FORMULAS)


def test_a_foreign_apostrophe_stays_where_no_formula_follows() -> None:
    assert [unguarded(cell) for cell in ("'tis", "''quoted''", "O'Hara", "'")] == ["'tis", "''quoted''", "O'Hara", "'"]


def test_numbers_and_days_are_written_as_themselves_and_texts_as_texts() -> None:
    leaf = Leaf(title="t", headings=("=a", "b"), rows=[["-5", -5], [None, 2.5], ["a,b\n", date(2026, 1, 2)]])

    text = CsvTables().write([leaf]).decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["'=a", "b"], ["'-5", "-5"], ["", "2.5"], ["a,b\n", "2026-01-02"],
    ]  # fmt: skip


def test_several_sheets_are_refused_with_what_would_be_right() -> None:
    leaf = Leaf(title="t", headings=("a",), rows=())

    with pytest.raises(Invalid, match="use xlsx"):
        CsvTables().write([leaf, leaf])
