"""Asking a database each question once: the rights of many acts, or to many cycles, rest on the same few answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qaflow.store.db import Driver, Sql


class Once:
    """A driver for reading that asks each question once: the rights of many acts rest on the same few answers."""

    def __init__(self, driver: Driver) -> None:
        """Ask this driver."""
        self._driver = driver
        self._kept: dict[tuple[Sql, str], list[tuple[Any, ...]]] = {}

    @property
    def engine(self) -> Any:
        """The engine, by which what is cached for a database is found."""
        return self._driver.engine

    def once(self, key: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
        """Return an answer; what it asks is kept by `all`."""
        return ask()

    def all(self, sql: Sql, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return every row."""
        key = (sql, repr(params))
        if key not in self._kept:
            self._kept[key] = self._driver.all(sql, params or {})
        return self._kept[key]

    def one(self, sql: Sql, params: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
        """Return the first row or None."""
        found = self.all(sql, params)
        return found[0] if found else None

    def value(self, sql: Sql, params: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row, or None."""
        found = self.all(sql, params)
        return found[0][0] if found else None
