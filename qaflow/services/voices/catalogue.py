"""Self-tests and rules of incidents of a college: from its files, else from the library packaged with the program."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any, cast

from qaflow.engine import loader
from qaflow.engine.definition import build_value
from qaflow.engine.incidents import Rules
from qaflow.engine.selftest import Form
from qaflow.paths import data_dir
from qaflow.services.college import CollegeView
from qaflow.store import catalogue as rows
from qaflow.store.db import Driver

LIBRARY = "library"


def forms(driver: Driver, college: CollegeView) -> dict[str, Form]:
    """Return the self-tests that a college may open, by key; the library's where its files have none."""
    found = [form_of(body) for body in rows.of(driver, college.id, "selftest").values()]
    layers = {layer.key for layer in college.config.layers}
    return {form.key: form for form in found or [_packaged("selftest")] if form.layer in layers}


@lru_cache(maxsize=64)
def form_of(body: str) -> Form:
    """Return a self-test from its canonical JSON: a frozen value, made once of each text."""
    return cast(Form, build_value(Form, json.loads(body)))


def rules(driver: Driver, college: CollegeView) -> Rules:
    """Return how a college classifies and grades incidents; the library's way where its files say nothing."""
    found = rows.of(driver, college.id, "incidents")
    for body in found.values():
        return cast(Rules, build_value(Rules, json.loads(body)))
    return cast(Rules, _packaged("incidents"))


@cache
def _packaged(kind: str) -> Any:
    return loader.read(data_dir("workflows") / LIBRARY / f"{kind}.yaml").value
