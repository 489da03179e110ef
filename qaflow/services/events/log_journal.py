"""The journal as lines of JSON, one an entry, each with its hash and the one before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qaflow.store import mining
from qaflow.store.journal import Entry

from .log_facts import Source, carried


def lines(source: Source) -> Iterator[str]:
    """Yield the entries of the college, its cycles and its people; of one layer only those of its cycles.

    With names every column stands as it was hashed, so each hash can be reckoned again; without, people are called as
    everywhere in the log and the hashes only tie the lines to a journal or checkpoint.
    """
    for streams in _streams(source):
        for entry in source.facts(streams):
            yield json.dumps(_told(source, entry), ensure_ascii=False, separators=(",", ":")) + "\n"


def _streams(source: Source) -> Iterator[list[str]]:
    if not source.layer:
        yield [f"college:{source.key}"]
    for page in source.pages():
        yield [f"cycle:{case.id}" for case in page]
    if not source.layer:
        for people in mining.people(source.driver, source.college):
            yield [f"person:{number}" for number in people]


def _told(source: Source, entry: Entry) -> dict[str, Any]:
    if source.names:
        return entry._asdict()
    of, _, number = entry.stream.partition(":")
    stream = f"person:{source.called(number)}" if of == "person" else entry.stream
    return {
        "stream": stream, "seq": entry.seq, "kind": entry.kind, "at": entry.at, "actor": source.called(entry.actor),
        "on_behalf_of": source.called(entry.on_behalf_of), "data": carried(entry), "prev": entry.prev,
        "hash": entry.hash,
    }  # fmt: skip
