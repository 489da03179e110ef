"""What is done alike with goals and standards: listed, added, changed and retired, each as it was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qaflow.api.calling import Answer, Call
from qaflow.api.chain_schemas import chosen, place, texts
from qaflow.api.pointing import by_field
from qaflow.services.chains import acts, findings, trees


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """One of the two kinds of entry: its word, where it lies, what version it is at, and how it is shown."""

    what: str
    path: str
    version: Callable[[Call, int], int]
    shown: Callable[[Call, int], Answer]

    def listed(self, call: Call, line: Callable[[Any, Any], dict[str, Any]]) -> dict[str, Any]:
        """Give a page of entries, also of those that a finding is about."""
        page = call.after() or 1
        asked = chosen(call.query, page)
        if asked.finding:
            found: Any = findings.listed(call.session, call.origin, call.me, asked)
        else:
            found = trees.listed(call.session, call.origin, call.me, self.what, asked)
        return call.page([line(one, found) for one in found.entries], page + 1 if found.more else None)

    def add(self, call: Call) -> Answer:
        """Add an entry; the same once more is the one that stands."""
        with by_field(place):
            number = acts.add(call.session, call.origin, call.me, self.what, texts(call.body))
        return replace(self.shown(call, number), location=f"{self.path}/{number}")

    def change(self, call: Call, number: int) -> Answer:
        """Change an entry as it was read."""
        version = self.held(call, number)
        with by_field(place):
            acts.change(call.session, call.origin, call.me, self.what, number, version, texts(call.body))
        return self.shown(call, number)

    def retire(self, call: Call, number: int) -> Answer:
        """Retire an entry as it was read."""
        version = self.held(call, number)
        acts.retire(call.session, call.origin, call.me, self.what, number, version)
        return self.shown(call, number)

    def held(self, call: Call, number: int) -> int:
        """Return the version of an entry that stands as it was read; whoever else changes it waits."""
        call.hold(f"{self.what}:{number}")
        version = self.version(call, number)
        call.require(str(version))
        return version
