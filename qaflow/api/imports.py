"""Files of people, units, subjects, goals, tasks and readings: checked or taken over, each fault at its cell."""

from __future__ import annotations

from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.api.pointing import Fault, by_fault
from qaflow.api.resource import Resource
from qaflow.services.files import importing
from qaflow.services.files.importing import MOST_BYTES, Sent

resource = Resource("api_imports", __name__, url_prefix="/imports", description="Tables taken over from files")
NAMES = {
    "text/csv": "file.csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "file.xlsx",
    "application/vnd.ms-excel": "file.xls",
}
"""What a file is called in messages, by its content type."""
ENCODINGS = ("utf-8", "gbk", "utf-16")


class Column(s.Strict):
    """A column of a file: its heading in both languages, and whether it must be there."""

    key = s.text(s.NAME, required=True)
    zh = s.text(s.NAME, required=True)
    required = s.flag(required=True)


class Kind(s.Strict):
    """A kind of file that one may import; `id` stands in the address."""

    id = s.text(s.NAME, required=True)
    columns = s.many(Column, 100, required=True)


class Asked(s.Strict):
    """Whether the file is only checked, and how a text is encoded where that cannot be told."""

    dry_run = s.choice(("true", "false"), load_default="false")
    encoding = s.choice(ENCODINGS)


class Report(s.Strict):
    """What an import did, or would do; `granted` counts roles."""

    kind = s.text(s.NAME, required=True)
    dry_run = s.flag(required=True)
    rows = s.whole(required=True)
    new = s.whole(required=True)
    updated = s.whole(required=True)
    unchanged = s.whole(required=True)
    granted = s.whole(required=True)


@resource.get("", gives=s.listing(Kind))
def listed(call: Call) -> dict[str, Any]:
    """List the kinds of file that one may import, with their columns."""
    found = importing.kinds(call.session, call.origin, call.me)
    kinds = [{"id": one.key, "columns": [{"key": c.key, "zh": c.zh, "required": c.required} for c in one.columns]}
             for one in found]  # fmt: skip
    return call.page(kinds, None)


@resource.post("/<kind>", asks=Asked, reads=tuple(NAMES), most=MOST_BYTES, gives=Report)
def take(call: Call, kind: str) -> dict[str, Any]:
    """Take a file over whole, or check it; a file with a fault is refused with each fault at its cell."""
    sent = Sent(kind, NAMES[call.media], call.data, call.query.get("encoding"))
    with by_fault(_at_cell):
        if call.query["dry_run"] == "true":
            return importing.rehearse(call.session, call.origin, call.me, sent)
        return importing.take(call.session, call.origin, call.me, sent, sent.digest)


def _at_cell(fault: Fault) -> Fault:
    """Point a fault at its cell: `/Sheet1!B7` of a workbook, `/7/2` (line and cell) of a text."""
    if "line" not in fault:
        return fault
    sheet = str(fault.get("sheet", "")).replace("~", "~0").replace("/", "~1")
    place = f"{sheet}!{fault['cell']}" if "cell" in fault else f"{fault['line']}/{fault['column']}"
    return {"pointer": f"/{place}", "code": fault["code"], "message": str(fault["detail"])}
