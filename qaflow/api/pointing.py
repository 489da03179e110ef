"""Faults that a service names by code or by a form's field, pointed at in the body that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from qaflow.errors import Invalid

Fault = Mapping[str, Any]
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
def by_fault(told: Callable[[Fault], Fault]) -> Iterator[None]:
    """Tell each fault as the API does; one that the service says in words alone stays."""
    try:
        yield
    except Invalid as error:
        errors = [one if isinstance(one, str) else told(one) for one in error.errors]
        raise Invalid(error.code, error.detail, errors=errors) from None


def by_field(place: Place) -> AbstractContextManager[None]:
    """Point each fault at where the body holds the field that the service names."""
    return by_fault(lambda fault: {**fault, "pointer": place(str(fault.get("pointer", "")))})
