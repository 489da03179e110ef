"""What a college's files say of self-tests and of incidents, as they were loaded."""

from __future__ import annotations

from qaflow.store.db import Driver, Sql

_OF = Sql("select key, body from catalogue where college_id = :college and kind = :kind order by key")


def of(driver: Driver, college: int, kind: str) -> dict[str, str]:
    """Return the bodies of a kind by their keys, as canonical JSON."""
    return dict(driver.all(_OF, {"college": college, "kind": kind}))
