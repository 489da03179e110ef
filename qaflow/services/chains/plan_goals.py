"""The goals of a college's plans, as who plans looks them up: all of them, those of a year, one as it stands."""

from __future__ import annotations

from typing import Any

from qaflow.store import chain_years, chains
from qaflow.store.chains import Entry
from qaflow.store.db import Driver

__all__ = ["Entry", "of_year", "standing", "texts", "version"]
NOBODY: dict[str, Any] = {"s_me": 0, "s_persons": [], "s_layers": [], "s_units": [], "s_subjects": []}
"""Sight of no subject: what is left are the goals of plans."""


def standing(driver: Driver, college: int) -> list[Entry]:
    """Return the goals of a college's plans."""
    return [entry for entry, _ in chains.inner(driver, NOBODY | {"college": college}) if entry.subject is None]


def texts(driver: Driver, college: int) -> dict[str, list[str]]:
    """Return the texts of the goals of a college's plans by layer: what the goals of cycles name as those above."""
    found: dict[str, list[str]] = {}
    for goal in standing(driver, college):
        found.setdefault(goal.layer, []).append(goal.text_zh)
    return found


def of_year(driver: Driver, college: int, year: str) -> list[Entry]:
    """Return the goals of plans whose period begins in a year, those that were retired since included."""
    return chain_years.of_year(driver, college, year)


def version(driver: Driver, college: int, goal: int) -> int:
    """Return the version of a goal as it stands."""
    return int(chains.entries(driver, "goal", college, [goal])[0].version)
