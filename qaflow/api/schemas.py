"""The words of the API's schemas: each with bounds, each fault a code; what is not named is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import RAISE, Schema, ValidationError, fields, validate

HIGHEST = 2**53 - 1  # the largest whole number that every reader of JSON takes for what it is
NAME = 200
TEXT = 8000
LISTED = 200
PAGE = 1000  # lines of a page, where a list does not say less
FIELDS = 500  # of one form
ROWS = 1000  # of one field
ENTERED = 100_000  # characters of one field
NESTED = 2  # levels of rows
ROOM = __name__.rpartition(".")[0]
SHARED = ("schemas", "problems")  # modules whose schemas bear their plain names
PLAIN = re.compile(r"\d{4}-\d{2}-\d{2}")
ZONED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")
COMMON: dict[str, Any] = {"required": "field.required", "null": "field.null", "validator_failed": "value.unknown"}


class Strict(Schema):
    """A schema that refuses what it does not name."""

    class Meta:
        """Unknown fields are refused by name."""

        unknown = RAISE

    error_messages = {"unknown": "field.unknown", "type": "json.not_object"}  # noqa: RUF012 - marshmallow's own way


class Day(fields.Date):
    """A day, YYYY-MM-DD; given as a date or as the text that is stored."""

    default_error_messages = {"invalid": "date.invalid"}  # noqa: RUF012

    def _deserialize(self, value: Any, *args: Any, **more: Any) -> date:
        if not isinstance(value, str) or not PLAIN.fullmatch(value):
            raise self.make_error("invalid")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, *args: Any, **more: Any) -> str | None:
        return value.isoformat() if isinstance(value, date) else value


class Instant(fields.DateTime):
    """An instant with its zone (RFC 3339); sent in UTC."""

    default_error_messages = {"invalid": "instant.invalid"}  # noqa: RUF012

    def _deserialize(self, value: Any, *args: Any, **more: Any) -> datetime:
        if not isinstance(value, str) or not ZONED.fullmatch(value):
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, *args: Any, **more: Any) -> str | None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def text(most: int = TEXT, least: int = 1, pattern: str = "", **more: Any) -> fields.String:
    """Return a text of so many characters, of a form where a pattern is given."""
    checks: list[Any] = [validate.Length(least, most, error="text.too_long")]
    checks += [validate.Regexp(pattern, error="text.pattern")] if pattern else []
    messages = COMMON | {"invalid": "type.expected_string", "invalid_utf8": "text.invalid_unicode"}
    return fields.String(validate=checks, error_messages=messages, **more)


def whole(least: int = 0, most: int = HIGHEST, **more: Any) -> fields.Integer:
    """Return a whole number between two, both included; texts that are numbers are texts."""
    strict = not more.pop("loose", False)
    messages = COMMON | {"invalid": "type.expected_number", "too_large": "value.range"}
    kind = Whole if strict else fields.Integer
    return kind(validate=validate.Range(least, most, error="value.range"), error_messages=messages, **more)


class Whole(fields.Integer):
    """A whole number that is sent as one: neither a text nor a truth value."""

    def _deserialize(self, value: Any, *args: Any, **more: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class Number(fields.Float):
    """A finite number that is sent as one."""

    def _deserialize(self, value: Any, *args: Any, **more: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid")
        return float(value)


def number(least: float = -1e15, most: float = 1e15, **more: Any) -> fields.Float:
    """Return a finite number between two, both included."""
    messages = COMMON | {"invalid": "type.expected_number", "too_large": "value.range"}
    return Number(validate=validate.Range(least, most, error="value.range"), error_messages=messages, **more)


class Flag(fields.Boolean):
    """True or false, sent as such."""

    def _deserialize(self, value: Any, *args: Any, **more: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


def flag(**more: Any) -> fields.Boolean:
    """Return a truth value."""
    return Flag(error_messages=COMMON | {"invalid": "type.expected_boolean"}, **more)


def ident(**more: Any) -> fields.Integer:
    """Return the number of a thing."""
    return whole(1, HIGHEST, **more)


def choice(values: Iterable[str], **more: Any) -> fields.String:
    """Return one of some words."""
    messages = COMMON | {"invalid": "type.expected_string"}
    return fields.String(validate=validate.OneOf(tuple(values), error="value.unknown"), error_messages=messages, **more)


def day(**more: Any) -> Day:
    """Return a day, YYYY-MM-DD."""
    return Day(error_messages=COMMON, **more)


def instant(**more: Any) -> Instant:
    """Return an instant with its zone."""
    return Instant(error_messages=COMMON, **more)


def many(of: Any, most: int = LISTED, least: int = 0, **more: Any) -> fields.List:
    """Return a list of so many; what is in it is a field or a schema."""
    inner = fields.Nested(of, error_messages=COMMON | {"type": "json.not_object"}) if _schema(of) else of
    messages = COMMON | {"invalid": "type.expected_list"}
    size = validate.Length(least, most, error="list.length")
    return fields.List(inner, validate=size, error_messages=messages, **more)


def one(of: type[Schema], **more: Any) -> fields.Nested:
    """Return a thing of a schema of its own."""
    return fields.Nested(of, error_messages=COMMON | {"type": "json.not_object"}, **more)


def _schema(of: Any) -> bool:
    return isinstance(of, Schema) or (isinstance(of, type) and issubclass(of, Schema))


def distinct(values: Iterable[Any]) -> None:
    """Require that a list names nothing twice."""
    found = list(values)
    if len(set(found)) != len(found):
        raise ValidationError("list.twice")


def form(**more: Any) -> fields.Dict:
    """Return a stage's form: which fields it has is said by the cycle's definition, and checked by the engine."""
    size = validate.Length(0, FIELDS, error="list.length")
    messages = COMMON | {"invalid": "json.not_object"}
    told = {"maxProperties": FIELDS, "additionalProperties": _entered(NESTED)}
    return fields.Dict(keys=text(NAME), validate=size, error_messages=messages, metadata=told, **more)


def _entered(levels: int) -> dict[str, Any]:
    """Return the description of what a form's field may hold: one value, or rows of fields, so many levels deep."""
    kinds: list[dict[str, Any]] = [
        {"type": "null"}, {"type": "boolean"}, {"type": "number", "minimum": -1e15, "maximum": 1e15},
        {"type": "string", "maxLength": ENTERED},
    ]  # fmt: skip
    row = {"type": "object", "maxProperties": FIELDS, "additionalProperties": _entered(levels - 1)} if levels else None
    return {"anyOf": [*kinds, {"type": "array", "maxItems": ROWS, "items": row}] if row else kinds}


class Named(Strict):
    """A name in both languages."""

    zh = text(NAME, 0)
    en = text(NAME, 0)


class Onward(Strict):
    """Where in a list to go on."""

    after = text(2000)


class Nothing(Strict):
    """An act that asks nothing."""


def once() -> fields.String:
    """Return the word of an act: what was done under it is not done again."""
    return text(16, 16, pattern=r"^[0-9a-f]{16}$", required=True)


class Subject(Strict):
    """A subject by its number, code and name."""

    id = ident(required=True)
    code = text(NAME, required=True)
    name = text(NAME, required=True)


def listing(of: type[Schema], most: int = PAGE, **more: fields.Field[Any]) -> type[Schema]:
    """Return the schema of a page of a list: its `items`, in `next` the cursor of the page behind, and what is more."""
    made: dict[str, fields.Field[Any]] = {
        "items": many(of, most, required=True), "next": text(2000, required=True, allow_none=True), **more,
    }  # fmt: skip
    told = "".join(name.title() for name in more)  # so that lists of the same lines have names of their own
    return Strict.from_dict(made, name=f"{_name(of)}{told}Page")


def named() -> MarshmallowPlugin:
    """Return what turns these schemas into the description, each under its own name."""
    return MarshmallowPlugin(schema_name_resolver=_name)


def _name(schema: Any) -> str:
    """Return a schema's name with its module's, for many resources have a `Line`."""
    kind = schema if isinstance(schema, type) else type(schema)
    room, _, module = kind.__module__.rpartition(".")
    words = module.title().replace("_", "") if room == ROOM and module not in SHARED else ""
    return f"{words}{kind.__name__}"
