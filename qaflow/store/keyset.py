"""Lists in an order that somebody chose, a page at a time: a page begins after the keys of the line before it.

So a line that comes or goes between two pages neither repeats another nor hides one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Place = tuple[Any, ...]
"""The keys of a line, of which the last is its number."""


class Order(NamedTuple):
    """The keys by which a list is ordered, all up or all down: none is ever null, and the last is unique."""

    keys: tuple[str, ...]
    down: bool = False

    @property
    def selected(self) -> str:
        """What tells a line's place, to be selected."""
        return ", ".join(self.keys)

    @property
    def by(self) -> str:
        """By what the list is ordered."""
        return ", ".join(f"{key} desc" if self.down else key for key in self.keys)

    @property
    def beyond(self) -> str:
        """The condition that a line lies behind a place (`after`)."""
        named = ", ".join(f":key{at}" for at in range(len(self.keys)))
        return f"({self.selected}) {'<' if self.down else '>'} ({named})"


def both_ways(orders: Mapping[str, Sequence[str]]) -> dict[str, Order]:
    """Return orders by name, each also down, under its name with a ``-`` before it."""
    up = {name: Order(tuple(keys)) for name, keys in orders.items()}
    return up | {f"-{name}": order._replace(down=True) for name, order in up.items()}


def after(place: Place | None) -> dict[str, Any]:
    """Return the parameters of `Order.beyond`."""
    return {f"key{at}": key for at, key in enumerate(place or ())}
