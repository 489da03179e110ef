"""Cursors: the place in a list, signed for one person, one list and one order: nobody makes or borrows one."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer

from qaflow.errors import Invalid

LONGEST = 2000


def made(place: Any, person: int) -> str:
    """Return the cursor of a place in the list that is asked for."""
    return str(_signer(person).dumps(place))


def read(text: str, person: int) -> Any:
    """Return the place that a cursor names; refuse one that was not given to this person for this list."""
    try:
        return _signer(person).loads(text[:LONGEST])
    except BadData:
        fault = {"pointer": "?after", "code": "query.cursor"}
        raise Invalid("query.cursor", "this cursor is not one that this list gave you", errors=[fault]) from None


def _signer(person: int) -> URLSafeSerializer:
    order = request.args.get("sort", "")
    return URLSafeSerializer(current_app.secret_key or "", salt=f"qaflow-cursor:{person}:{request.path}:{order}")
