"""Faults that a service names by code or by a form's field, pointed at in the body that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from qaflow.errors import Invalid

Place = Callable[[str], str]


@contextmanager
def by_code(places: Mapping[str, str]) -> Iterator[None]:
    """Point a fault at the field that its code is about; one of no field stays the whole body's."""
    try:
        yield
    except Invalid as error:
        if error.errors or error.code not in places:
            raise
        fault = {"pointer": places[error.code], "code": error.code, "message": error.detail}
        raise Invalid(error.code, error.detail, errors=[fault]) from None


@contextmanager
def by_field(place: Place) -> Iterator[None]:
    """Point each fault at where the body holds the field that the service names."""
    try:
        yield
    except Invalid as error:
        raise Invalid(error.code, error.detail, errors=[_moved(one, place) for one in error.errors]) from None


def _moved(fault: Mapping[str, Any] | str, place: Place) -> dict[str, Any] | str:
    return fault if isinstance(fault, str) else {**fault, "pointer": place(str(fault.get("pointer", "")))}
