"""The reviewed table (routes.yaml), read and run: what each cell expects, and what the program answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from browsing import PASSWORD
from flask import Flask
from ruamel.yaml import YAML
from werkzeug.test import TestResponse

from qaflow.web.assets import asset
from rights.world import Rights, Thing, plain

FILE = Path(__file__).with_name("routes.yaml")
PROGRAMS = Path(__file__).with_name("api.yaml")
API = "/api/v1"
PLACES = ("near", "peer", "far", "abroad", "closed", "absent")
ABSENT = 987_654
WHERE = ("near", "peer", "far", "abroad", "absent")
THINGS = {"cycles": PLACES, "nothing": ("absent",), "appointments": ("near", "far", "abroad", "absent"), "files": WHERE,
          "warnings": WHERE, "items": WHERE, "goals": WHERE, "portraits": WHERE} | dict.fromkeys(
    ("tasks", "answers", "incidents"), ("near", *WHERE[2:])) | dict.fromkeys(
    ("people", "programs", "units", "subjects", "selftests"), ("near", "abroad", "absent"))  # fmt: skip
"""What a number in an address may mean, and where it lies."""
KEYS = {"on", "at", "send", "closed", "status", "others", "signed", "effect", "tag", "scope", "shows", "raw"}
REFUSED = (403, 404, 409, 412, 422)
ON_CLOSED = (403, 409, 422)


@dataclass(frozen=True)
class Row:
    """One route and its rule."""

    method: str
    path: str
    rule: str
    groups: tuple[str, ...]
    more: dict[str, Any] = field(hash=False)

    @property
    def reads(self) -> bool:
        """Tell whether it is only read."""
        return self.method in ("GET", "HEAD")

    @property
    def places(self) -> tuple[str, ...]:
        """Where the things lie for which it is tried."""
        if "<number>" not in self.path:
            return ("",)
        return THINGS[self.more.get("on", "cycles")]

    @property
    def bare(self) -> bool:
        """Tell whether it is tried without a thing or a form that fits: only who may ask is seen."""
        return self.more.get("on") == "nothing" or self.more.get("status") in (401, *REFUSED)


@dataclass(frozen=True)
class Cell:
    """A route, a person, and the place of what is meant."""

    row: Row
    login: str
    place: str

    def __str__(self) -> str:
        return f"{self.row.method} {self.row.path} by {self.login} on {self.place or 'nothing'}"


class Table:
    """The table as reviewed."""

    def __init__(self, programs: bool = False) -> None:
        """Read it; the one of the API speaks of the same people, and of two more tokens."""
        found = YAML(typ="safe").load(FILE)
        self.programs = programs
        if programs:
            own = YAML(typ="safe").load(PROGRAMS)
            found["people"] |= own["people"]
            found["out"] = own["out"]
            found["routes"] = own["routes"]
        self.people: dict[str, str] = found["people"]
        self.out = set(found["out"].split())
        self.groups = {name: {p: set(who.split()) for p, who in by.items()} for name, by in found["groups"].items()}
        self.seen = {kind: {p: set(who.split()) for p, who in by.items()} for kind, by in found["seen"].items()}
        self.rows = [self._row(key, value) for key, value in found["routes"].items()]

    def _row(self, key: str, value: Any) -> Row:
        method, path = key.split(" ")[:2]
        more = {"is": value} if isinstance(value, str) else dict(value)
        rule, *groups = more.pop("is").split()
        unknown = set(groups) - set(self.groups) | set(more) - KEYS
        assert rule in ("anybody", "signed", "only", "see", "do") and not unknown, (key, unknown)
        return Row(method, path, rule, tuple(groups), more)

    def cells(self) -> Iterator[Cell]:
        """Yield every cell."""
        heads = (replace(row, method="HEAD") for row in self.rows if row.reads)
        return (
            Cell(row, login, place) for row in (*self.rows, *heads) for place in row.places for login in self.people
        )

    def members(self, names: tuple[str, ...], place: str) -> set[str]:
        """Return the people of groups for a place; what is closed lies near, what is absent is nobody's."""
        at = "near" if place == "closed" else place
        return set().union(*(self.groups[name].get(at, set()) for name in names))

    def expected(self, cell: Cell) -> tuple[int, ...]:
        """Return the statuses with which a cell may answer."""
        row, more, done = cell.row, cell.row.more, (200 if cell.row.reads or self.programs else 303)
        if self.programs and cell.login in self.out:
            return (401,)
        if self.programs and cell.login == "narrow":
            return (more.get("status", done) if more.get("scope") == "any" else 403,)
        if row.rule != "anybody" and cell.login in self.out:
            return (303,) if row.reads else (401,)
        if row.rule == "anybody" and cell.login not in self.out and "signed" in more:
            return (more["signed"],)
        if row.rule in ("anybody", "signed"):
            return (more.get("status", done),)
        if row.rule == "only":
            everywhere = set().union(*(self.members(row.groups, p) for p in PLACES))
            own = "abroad" if cell.login.startswith("x_") else "near"
            fits = more.get("status", done) if cell.place in ("", own) else 404
            denied = (more.get("others", 403), 404) if fits == 404 else (more.get("others", 403),)
            return (fits,) if cell.login in everywhere else denied
        return self._of_thing(cell, done)

    def _of_thing(self, cell: Cell, done: int) -> tuple[int, ...]:
        row = cell.row
        if row.more.get("on") == "nothing":
            return (404,)
        done = row.more.get("status", done)
        kept = self.seen.get(row.more.get("on", "cycles"))
        sees = self.members(("viewer",), cell.place) if kept is None else kept.get(cell.place, set())
        if cell.login not in sees:
            return (404,)
        if row.rule == "see":
            return (done,)
        if cell.login not in self.members(row.groups, cell.place):
            return (row.more.get("others", 403), 409) if cell.place == "closed" else (row.more.get("others", 403),)
        return ON_CLOSED if cell.place == "closed" and row.more.get("closed") != "done" else (done,)

    def allowed(self, cell: Cell) -> bool:
        """Tell whether a cell lets the person do what they ask."""
        (first, *_) = self.expected(cell)
        away = cell.row.rule != "anybody" and cell.login in self.out
        return first not in (401, *REFUSED) and not away


def thing(rights: Rights, row: Row, place: str) -> Thing:
    """Return what a row means at a place."""
    if place in ("", "absent"):
        return Thing(ABSENT)
    if row.more.get("on", "cycles") != "cycles":
        return rights.things[row.more["on"]][place]
    return rights.cycles[("near", "closed") if place == "closed" else (place, row.more.get("at", "fresh"))]


def request(rights: Rights, cell: Cell, meant: Thing | None = None) -> tuple[str, dict[str, Any]]:
    """Return the address and the form of a cell, also where something else is meant."""
    meant = meant or thing(rights, cell.row, cell.place)
    given = {} if cell.row.path.startswith(API) else cell.row.more.get("send", {})
    send = {k: str(v).format(**words_of(rights, cell)) for k, v in given.items()}
    path = cell.row.path.replace("<number>", str(meant.number))
    path = path.replace("<action>", "comment").replace("<part>", str(meant.part))
    path = path.replace("<asset>", f"{asset('qaflow.css').hash}/qaflow.css")
    return path, {"revision": meant.revision, "stage": "design", **send}


def words_of(rights: Rights, cell: Cell) -> dict[str, str]:
    """Return what stands in a row's form for what differs by college."""
    college = cell.place or ("abroad" if cell.login.startswith("x_") else "near")
    logins = {name: rights.college(college).prefix + name for name in ("new", "office")}
    return {**logins, "password": PASSWORD}


def ask(rights: Rights, cell: Cell, meant: Thing | None = None) -> TestResponse:
    """Send a cell's request, also where something else is meant."""
    path, form = request(rights, cell, meant)
    if not cell.row.path.startswith(API):
        return rights.ask(cell.login, cell.row.method, path, form)
    known, named = (meant or thing(rights, cell.row, cell.place)).revision, cell.row.more.get("tag", "")
    tag = f'"{known if named == "revision" else named}"' if named else ""
    body = cell.row.more.get("send", {}) if cell.row.method in ("POST", "PUT", "PATCH") else None
    if isinstance(body, dict):
        words = {f"{{{name}}}": word for name, word in words_of(rights, cell).items()}
        body = {k: words.get(v, v) if isinstance(v, str) else v for k, v in body.items()}
    return rights.call(cell.login, cell.row.method, path, body, tag, cell.row.more.get("raw", ""))


Heard = dict[tuple[Any, ...], tuple[int, str]]
"""What requests for absent things were told, by who asked for what: the world and the program being as they are."""


def fault(rights: Rights, table: Table, cell: Cell, heard: Heard | None = None) -> str:
    """Return what is wrong with a cell's answer, "" where it is as the table says; the world is as before, after.

    With `heard`, an absent thing is asked for once and not again for each place: for one and the same program only.
    """
    answer = ask(rights, cell)
    try:
        return _wrong(rights, table, cell, answer, {} if heard is None else heard)
    finally:
        rights.restore()


def _wrong(rights: Rights, table: Table, cell: Cell, answer: TestResponse, heard: Heard) -> str:
    expected = table.expected(cell)
    if answer.status_code not in expected:
        return f"{cell}: {answer.status_code} where the table says {expected}"
    own = set() if cell.login in table.out else {cell.row.more.get("effect")}  # what is written of oneself, refused too
    changed = rights.changed() - own
    if not table.allowed(cell):
        return f"{cell}: refused, yet {sorted(changed)} changed" if changed else _tells(rights, cell, answer, heard)
    effect = cell.row.more.get("effect") != "none" and not cell.row.reads
    if effect and not changed:
        return f"{cell}: answered {answer.status_code} and did nothing"
    silent = cell.row.method != "GET" or cell.row.more.get("shows") == "nothing"
    shows = "" if silent else thing(rights, cell.row, cell.place).shows
    return f"{cell}: the page does not show {shows!r}" if shows and shows not in answer.text else ""


def _tells(rights: Rights, cell: Cell, answer: TestResponse, heard: Heard) -> str:
    """Tell what a refusal says of a thing that the person may not see: its words are those of an absent one."""
    if answer.status_code not in (303, 401, 404) or not cell.place:
        return ""
    meant = thing(rights, cell.row, cell.place)
    nothing = Thing(ABSENT, meant.revision, meant.part)
    path, form = request(rights, cell, nothing)
    key = (cell.login, cell.row.method, path, *(() if cell.row.reads else sorted(form.items())))
    if key not in heard:
        absent = ask(rights, cell, nothing)
        heard[key] = absent.status_code, words(absent, nothing)
    same = (answer.status_code, words(answer, meant)) == heard[key]
    return "" if same else f"{cell}: says more than of an absent one"


def words(answer: TestResponse, meant: Thing) -> str:
    """Return what an answer says, without the number of what is meant."""
    text = plain(answer.text) + str(answer.headers.get("Location", "")) + str(answer.headers.get("ETag", ""))
    return re.sub(rf"(/|%2F| ){meant.number}(?!\w)", r"\1N", text)


def operation(app: Flask, endpoint: str) -> bool:
    """Tell whether an endpoint is an operation of the API."""
    return hasattr(app.view_functions[endpoint], "qaflow_operation")


def uncovered(rights: Rights, table: Table) -> list[str]:
    """Return the routes and methods of the pages, or of the API, that no row of the table means."""
    adapter = rights.app.url_map.bind("localhost")
    meant = set()
    for row in table.rows:
        path = row.path.partition("?")[0].replace("<number>", "1").replace("<part>", "1")
        path = path.replace("<action>", "comment").replace("<asset>", "0/qaflow.css")
        rule, _ = adapter.match(path, method=row.method, return_rule=True)
        meant.add((row.method, rule.rule))
    rules = [r for r in rights.app.url_map.iter_rules() if operation(rights.app, r.endpoint) == table.programs]
    there = {(m, r.rule) for r in rules for m in (r.methods or set()) - {"HEAD", "OPTIONS"}}
    return sorted(f"{method} {rule}" for method, rule in there - meant)
