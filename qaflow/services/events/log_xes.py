"""The journal as XES (IEEE 1849-2016): a trace a cycle, an event a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from qaflow.store.journal import Entry
from qaflow.store.mining import Case

from .log_facts import Source, carried, flat

EXTENSIONS = (("Concept", "concept"), ("Lifecycle", "lifecycle"), ("Time", "time"), ("Organizational", "org"))
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    + "".join(f'<extension name="{name}" prefix="{key}" uri="http://www.xes-standard.org/{key}.xesext"/>\n'
              for name, key in EXTENSIONS)
    + '<global scope="trace"><string key="concept:name" value=""/></global>\n'
    '<global scope="event"><string key="concept:name" value=""/>'
    '<date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/>'
    '<string key="lifecycle:transition" value="complete"/></global>\n'
    '<classifier name="Activity" keys="concept:name"/>\n'
)  # fmt: skip
TRANSITIONS = {"CycleStarted": "start", "CycleSuspended": "suspend", "CycleResumed": "resume",
               "CycleCancelled": "ate_abort", "StageWithdrawn": "withdraw", "ItemTransferred": "reassign"}  # fmt: skip
"""Steps of the standard's life cycle; all other facts are done when they are told: ``complete``."""
OUTSIDE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # no characters of XML 1.0


def lines(source: Source) -> Iterator[str]:
    """Yield the log piece by piece; cycles without a fact in the days that are wanted are left out."""
    yield HEAD
    yield _attribute("concept:name", source.key) + '<string key="lifecycle:model" value="standard"/>\n'
    for page in source.pages():
        histories = source.histories(page)
        for case in page:
            if histories[case.id]:
                yield from _trace(source, case, histories[case.id])
    yield "</log>\n"


def _trace(source: Source, case: Case, entries: list[Entry]) -> Iterator[str]:
    about: dict[str, str | int | float | bool] = {
        "concept:name": f"cycle:{case.id}", "subject": source.subject(case.subject, case.code, case.name),
        "layer": case.layer, "track": case.track, "number": case.number, "definition": case.definition,
    }  # fmt: skip
    yield "<trace>" + "".join(_attribute(key, value) for key, value in about.items()) + "\n"
    for entry in entries:
        yield _event(source, entry)
    yield "</trace>\n"


def _event(source: Source, entry: Entry) -> str:
    known: dict[str, str | int | float | bool] = {
        "concept:name": entry.kind, "lifecycle:transition": TRANSITIONS.get(entry.kind, "complete"),
        "org:resource": source.called(entry.actor) or "", "identity": f"{entry.stream}:{entry.seq}",
    }  # fmt: skip
    behalf = source.called(entry.on_behalf_of)
    if behalf is not None:
        known["onBehalfOf"] = behalf
    told = known | flat(carried(entry))
    stamp = f'<date key="time:timestamp" value={quoteattr(entry.at)}/>'
    return f"<event>{stamp}{''.join(_attribute(key, value) for key, value in told.items())}</event>\n"


def _attribute(key: str, value: str | int | float | bool) -> str:
    tag = {bool: "boolean", int: "int", float: "float"}.get(type(value), "string")
    text = str(value).lower() if isinstance(value, bool) else OUTSIDE.sub("\ufffd", str(value))
    return f"<{tag} key={quoteattr(key)} value={quoteattr(text)}/>"
