"""What figures have in common: names in both languages, spans of time, means of groups, and pages with their count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qaflow.api import schemas as s
from qaflow.api.calling import Call
from qaflow.engine.definition import Label
from qaflow.engine.disclosure import Mean as Means
from qaflow.services.figures.looking import Span as Spans
from qaflow.services.figures.overview import MOST_PAGES

ADDRESSED = 40  # characters of a key that narrows figures


class Said(s.Strict):
    """A text in both languages."""

    zh = s.text(s.TEXT, 0, required=True)
    en = s.text(s.TEXT, 0, required=True)


class Span(s.Strict):
    """A term with its name, or a month; `until` is the first day after it."""

    key = s.text(s.NAME, required=True)
    name = s.one(Said, required=True, allow_none=True)
    first = s.day(required=True)
    until = s.day(required=True)


class Mean(s.Strict):
    """A mean and of how many; none is told of so few that one could be made out."""

    value = s.number(required=True)
    many = s.whole(required=True)


def named(zh: str | None, en: str | None) -> dict[str, str] | None:
    """Return a text in both languages, the Chinese where there is no other; None without one."""
    return None if zh is None else {"zh": zh, "en": en or zh}


def label(given: Label | None) -> dict[str, str] | None:
    """Return a label in both languages."""
    return None if given is None else named(given.zh, given.en)


def span(given: Spans) -> dict[str, Any]:
    """Return a span of time."""
    return {"key": given.key, "name": label(given.name), "first": given.first, "until": given.following}


def mean(given: Means | None) -> dict[str, Any] | None:
    """Return a mean where one is told."""
    return None if given is None else given._asdict()


def counted(call: Call, items: Sequence[Any], many: int, page: int, more: bool) -> dict[str, Any]:
    """Return a page of a list with how many it holds in all."""
    return {**call.page(list(items), page + 1 if more and page < MOST_PAGES else None), "many": many}
