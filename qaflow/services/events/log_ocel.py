"""The journal as OCEL 2.0 in JSON: cycles, subjects, work items and warnings, and the facts that touch them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from qaflow.store import mining
from qaflow.store.journal import Entry
from qaflow.store.mining import Case

from .log_facts import Source, carried

Data = dict[str, Any]
ALWAYS = "1970-01-01T00:00:00Z"  # the standard's time of a value that does not change
OBJECTS = {
    "cycle": {"layer": "string", "track": "string", "number": "integer", "definition": "string"},
    "subject": {"layer": "string", "name": "string"},
    "work item": {"kind": "string", "stage": "string"},
    "warning": {"kind": "string", "severity": "string"},
}
EVENT = {"actor": "string", "stage": "string", "visit": "integer"}
ITEMS = {"closes": "closed", "drops": "dropped"}


def lines(source: Source) -> Iterator[str]:
    """Yield the log piece by piece: the events, then the objects of all cycles of the layer, then the types."""
    kinds: set[str] = set()
    yield '{"events":['
    yield from _joined(_events(source, kinds))
    yield '\n],"objects":['
    yield from _joined(_objects(source))
    types = [_type(kind, EVENT) for kind in sorted(kinds)]
    objects = [_type(name, attributes) for name, attributes in OBJECTS.items()]
    yield f'\n],"eventTypes":{json.dumps(types)},"objectTypes":{json.dumps(objects)}}}\n'


def _joined(parts: Iterable[Data]) -> Iterator[str]:
    sign = "\n"
    for part in parts:
        yield sign + json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        sign = ",\n"


def _type(name: str, attributes: dict[str, str]) -> Data:
    return {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in attributes.items()]}


def _events(source: Source, kinds: set[str]) -> Iterator[Data]:
    for page in source.pages():
        histories, known = source.histories(page), _known(source, page)
        for case in page:
            for entry in histories[case.id]:
                kinds.add(entry.kind)
                yield _event(source, case, entry, known)


def _known(source: Source, page: list[Case]) -> set[str]:
    return {one["id"] for one in _things(source, page)}


def _event(source: Source, case: Case, entry: Entry, known: set[str]) -> Data:
    data = carried(entry)
    entered = data.get("enter") or {}
    values = {"actor": source.called(entry.actor), "stage": data.get("stage") or entered.get("stage"),
              "visit": data.get("visit") or entered.get("visit")}  # fmt: skip
    touched = [(number, kind) for number, kind in _touched(case.id, data) if number in known]
    return {
        "id": f"{entry.stream}:{entry.seq}", "type": entry.kind, "time": entry.at,
        "attributes": [{"name": key, "value": value} for key, value in values.items() if value is not None],
        "relationships": [_relation(f"cycle:{case.id}", "cycle"), _relation(f"subject:{case.subject}", "subject"),
                          *(_relation(*one) for one in dict.fromkeys(touched))],
    }  # fmt: skip


def _touched(cycle: int, data: Data) -> Iterator[tuple[str, str]]:
    """Yield the work items and the warning that a fact names, and how it touches them."""
    for item in data.get("items", ()):
        yield _item(cycle, item.get("no")), "opened"
    for name, kind in ITEMS.items():
        for number in data.get(name, ()):
            yield _item(cycle, number), kind
    if "item" in data:
        yield _item(cycle, data["item"]), "changed"
    warning = data.get("warning")
    if warning is not None:
        yield f"warning:{warning['id'] if isinstance(warning, dict) else warning}", "warning"


def _item(cycle: int, number: Any) -> str:
    return f"cycle:{cycle}:item:{number}"


def _relation(number: str, kind: str) -> Data:
    return {"objectId": number, "qualifier": kind}


def _objects(source: Source) -> Iterator[Data]:
    for number, layer, code, name in mining.subjects(source.driver, source.college, source.layer):
        yield _object(f"subject:{number}", "subject", {"layer": layer, "name": source.subject(number, code, name)})
    for page in source.pages():
        for case in page:
            about = {name: getattr(case, name) for name in OBJECTS["cycle"]}
            yield _object(f"cycle:{case.id}", "cycle", about, f"subject:{case.subject}")
        yield from _things(source, page)


def _things(source: Source, page: list[Case]) -> Iterator[Data]:
    cycles = [case.id for case in page]
    for item in mining.items(source.driver, cycles):
        yield _object(_item(item.cycle, item.key), "work item", {"kind": item.kind, "stage": item.detail},
                      f"cycle:{item.cycle}")  # fmt: skip
    for one in mining.warnings(source.driver, source.college, cycles):
        yield _object(f"warning:{one.key}", "warning", {"kind": one.kind, "severity": one.detail}, f"cycle:{one.cycle}")


def _object(number: str, kind: str, values: Data, of: str = "") -> Data:
    return {
        "id": number, "type": kind,
        "attributes": [{"name": k, "time": ALWAYS, "value": v} for k, v in values.items() if v is not None],
        "relationships": [_relation(of, "of")] if of else [],
    }  # fmt: skip
