"""Standards: listed, one, added, changed and retired."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Answer, Call
from qaflow.api.chain_keeping import Keeping
from qaflow.api.chain_schemas import (
    Entry,
    NewStandard,
    StandardChange,
    StandardFilters,
    entry_body,
)
from qaflow.api.resource import Resource
from qaflow.services.chains import trees as chains
from qaflow.store.chains import Entry as Row

resource = Resource("api_standards", __name__, url_prefix="/standards", description="Standards of goals")
STANDARD = "standard"


class Line(Entry):
    """A standard of a list; `above` is the goal that it is the yardstick of."""

    system = s.text(s.NAME, required=True, allow_none=True)
    value = s.number(required=True, allow_none=True)
    warn_lower = s.number(required=True, allow_none=True)
    warn_upper = s.number(required=True, allow_none=True)


class Standard(Line):
    """One standard."""

    may_keep = s.flag(required=True)


@resource.get("", asks=StandardFilters, gives=s.listing(Line))
def listed(call: Call) -> dict[str, Any]:
    """List the standards that one may read."""
    return KEEPING.listed(call, lambda row, _: _line(row))


@resource.get("/<int:number>", gives=Standard)
def show(call: Call, number: int) -> Answer:
    """Show a standard; its tag is its version."""
    return _shown(call, number)


@resource.post("", takes=NewStandard, gives=Standard, status=201)
def add(call: Call) -> Answer:
    """Add a standard; the same once more is the one that stands."""
    return KEEPING.add(call)


@resource.patch("/<int:number>", takes=StandardChange, gives=Standard)
def change(call: Call, number: int) -> Answer:
    """Change a standard; what is not named stays, null takes away."""
    return KEEPING.change(call, number)


@resource.post("/<int:number>/retire", gives=Standard, matches=True)
def retire(call: Call, number: int) -> Answer:
    """Retire a standard: it stays readable and is counted no more."""
    return KEEPING.retire(call, number)


def _shown(call: Call, number: int) -> Answer:
    found = chains.standard(call.session, call.origin, call.me, number)
    return Answer(body=_line(found.entry) | {"may_keep": found.may_keep}, tag=str(found.entry.version))


def _line(row: Row) -> dict[str, Any]:
    return entry_body(row) | {"system": row.system, "value": row.target, "warn_lower": row.warn_lower,
                              "warn_upper": row.warn_upper}  # fmt: skip


def _version(call: Call, number: int) -> int:
    return chains.standard(call.session, call.origin, call.me, number).entry.version


KEEPING = Keeping(what=STANDARD, path="/api/v1/standards", version=_version, shown=_shown)
