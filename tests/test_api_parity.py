"""What a page does can be done over the API: the reviewed table of routes beside operations names every one of both."""

import re
from pathlib import Path

import pytest
from browsing import site as made
from flask import Flask
from rights.table import operation
from ruamel.yaml import YAML

from qaflow.config import Settings
from qaflow.store.db import db

TABLE = Path(__file__).parent / "rights" / "parity.yaml"
WORDS = ("none", "left")
"""How a line begins that names no operation: `none` is of pages alone, `left` is not yet there; both say why."""


@pytest.fixture
def program(settings: Settings) -> Flask:
    """Return the program on the tiny college."""
    found = made(settings).app
    db.session.remove()
    db.engine.dispose()
    return found


def routes(program: Flask, programs: bool) -> set[str]:
    """Return the methods and addresses of the pages, or of the API's operations."""
    rules = [r for r in program.url_map.iter_rules() if operation(program, r.endpoint) == programs]
    return {f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def route(program: Flask, line: str) -> str:
    """Return the route that a line of the table means: its parts are named, or stand for one that is there."""
    method, path = line.partition("?")[0].split(" ")
    words = {"form": "svg", "action": "comment", "step": "acknowledge"}
    filled = re.sub(r"[<{](?:int:)?(\w+)[>}]", lambda part: words.get(part[1], "1"), path)
    rule, _ = program.url_map.bind("localhost").match(filled, method=method, return_rule=True)
    return f"{method} {rule.rule}"


def test_every_page_that_changes_something_has_its_operation_or_a_reason(program: Flask) -> None:
    table = YAML(typ="safe").load(TABLE)
    told = {route(program, line) for line in table}
    named = {said for said in table.values() if said.partition(" ")[0] not in WORDS}

    acting = {one for one in routes(program, False) if not one.startswith("GET ")}
    assert sorted(acting - told) == [], "name its operation in tests/rights/parity.yaml, or `none` and why"
    assert sorted(told - routes(program, False)) == []
    assert sorted({route(program, one) for one in named} - routes(program, True)) == []
    assert all(len(said.split()) > 1 for said in table.values())
