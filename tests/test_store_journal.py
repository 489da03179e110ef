"""The journal's hash: every column counts, and no two different entries give the same bytes."""

import hashlib

import pytest

from qaflow.store.journal import GENESIS, digest

FIELDS = {
    "prev": GENESIS, "stream": "cycle:1", "seq": 12, "kind": "CycleStarted", "format": 1,
    "at": "2025-09-01T00:00:00.000000Z", "recorded_at": "2025-09-01T00:00:01.000000Z", "actor": "王",
    "on_behalf_of": None, "door": "cli", "request_id": "r", "definition": "d@1", "data": '{"文":1}',
}  # fmt: skip


def test_the_hash_is_that_of_the_documented_bytes() -> None:
    written = "".join(
        "-" if value is None else f"{value};" if isinstance(value, int) else f"{len(value)}:{value}"
        for value in FIELDS.values()
    )

    assert digest(**FIELDS) == hashlib.sha256(written.encode()).hexdigest()
    assert digest(**FIELDS) == "b6554d3efdec5271c5e19954983f418559ccbd55fb98e847e9ae648277c168c2"


@pytest.mark.parametrize("name", FIELDS)
def test_a_change_of_any_column_changes_the_hash(name: str) -> None:
    value = FIELDS[name]
    changed = value + 1 if isinstance(value, int) else (value or "") + "x"

    assert digest(**{**FIELDS, name: changed}) != digest(**FIELDS)


@pytest.mark.parametrize("name", ["on_behalf_of", "request_id", "definition"])
def test_nothing_is_not_the_empty_text(name: str) -> None:
    assert digest(**{**FIELDS, name: None}) != digest(**{**FIELDS, name: ""})


@pytest.mark.parametrize(
    ("left", "right"),
    [("stream", "kind"), ("at", "recorded_at"), ("actor", "door"), ("door", "request_id"), ("definition", "data")],
)
def test_text_moved_from_one_column_to_another_changes_the_hash(left: str, right: str) -> None:
    one = {**FIELDS, left: "ab", right: "c"}
    two = {**FIELDS, left: "a", right: "bc"}

    assert digest(**one) != digest(**two)


def test_digits_moved_between_number_and_length_change_the_hash() -> None:
    assert digest(**{**FIELDS, "seq": 1, "kind": "2" * 21}) != digest(**{**FIELDS, "seq": 12, "kind": "2"})
