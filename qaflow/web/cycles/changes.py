"""What differs between two or three versions of a form, field by field and word by word, in marks and in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from flask_babel import gettext as _
from markupsafe import Markup, escape

from qaflow.engine.definition import Field
from qaflow.services.cycles.page import CyclePage, Submission
from qaflow.web.language import pair

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_\u3400-\u9fff]+|.", re.DOTALL)
MOST_WORDS = 3000
BACK = ("StageRejected", "StageReturned", "StageReopened")
"""Facts by which a stage comes back to whoever handed it in."""


class Change(NamedTuple):
    """One field in which two versions differ."""

    label: str
    kind: str  # added, removed, changed
    before: Markup
    after: Markup
    opened: str  # what stood there when the form was opened, where that is known


class Came(NamedTuple):
    """Why a stage came back, and the two versions between which that lies."""

    fact: Mapping[str, Any]
    before: Submission
    after: Submission


def changes(fields: Sequence[Field], before: Mapping[str, Any], after: Mapping[str, Any],
            opened: Mapping[str, Any] | None = None) -> list[Change]:  # fmt: skip
    """Return the fields that differ; their words marked as taken out and put in."""
    found = []
    for one in fields:
        old, new = text_of(one, before.get(one.key)), text_of(one, after.get(one.key))
        if old != new:
            kind = "added" if not old else "removed" if not new else "changed"
            was = text_of(one, opened.get(one.key)) if opened is not None else ""
            found.append(Change(pair(one.label), kind, *marked(old, new), was))
    return found


def text_of(field: Field, value: Any) -> str:
    """Return a field's value as one text; a list gives one line for each row."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if field.type == "records" and isinstance(value, list):
        rows = [row for row in value if isinstance(row, Mapping)]
        return "\n".join("; ".join(f"{pair(f.label)} {text_of(f, row[f.key])}" for f in field.fields if f.key in row)
                         for row in rows)  # fmt: skip
    return str(value)


def marked(old: str, new: str) -> tuple[Markup, Markup]:
    """Return both texts, what went struck through, what came underlined."""
    was, now = WORD.findall(old), WORD.findall(new)
    if len(was) + len(now) > MOST_WORDS:
        return _in("del", old), _in("ins", new)
    left, right = Markup(), Markup()
    for what, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        gone, come = "".join(was[a:b]), "".join(now[c:d])
        left += escape(gone) if what == "equal" else _in("del", gone)
        right += escape(come) if what == "equal" else _in("ins", come)
    return left, right


def _in(tag: str, text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(Markup(tag), text) if text else Markup()  # noqa: S704 - the tag is ours


def came_back(page: CyclePage) -> Came | None:
    """Return why the stage under review had come back, where it was handed in before; None where it had not."""
    here = [one for one in page.submissions if one.stage == page.snap.stage]
    if page.snap.leaf != "review" or len(here) < 2:
        return None
    before, after = here[-2:]
    between = [f for f in page.history if before.seq < f["seq"] < after.seq and f["kind"] in BACK]
    return Came(between[-1], before, after) if between else None


def opened_at(page: CyclePage, stage: str, revision: int) -> dict[str, Any] | None:
    """Return what stood in a stage's form at a revision, as far as the history tells."""
    found = [one for one in page.submissions if one.stage == stage and one.revision <= revision]
    return found[-1].values if found else None
