"""P25: whatever fits the description of the API, or nearly fits it, is answered as described, by nobody with a 5xx.

Requests are made of the description by schemathesis (an oracle of its own), as four roles; half of those that name a
thing name one that is there, as it was last read; before them somebody walks through all operations as they are meant
(`rights.reaching`), so that there is something to be named.  Floors: so many requests, so many of them valid, and every
operation answered 2xx.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import framing
import pytest
import schemathesis
from browsing import Site
from calling import API, program
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from rights.reaching import Walk, deaf, framed, walked
from rights.world import Rights, settled
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import TestResponse

from qaflow.config import Settings
from qaflow.services.accounts import passwords
from qaflow.store.db import db

ROLES = ("lead", "major", "office", "admin")
MORE = ("head",)  # of whom nothing is drawn: whoever oversees, for what is theirs alone
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
          response_headers_conformance]  # fmt: skip
REQUESTS = (5_000, pytest.param(50_000, marks=pytest.mark.long))
VALID = 0.30
UNDERSTOOD = (200, 201, 202, 204, 403, 409, 412)  # what was sent could be read, and named something that is there
SEED = 20251130
LEAKS = re.compile(r"Traceback|sqlalchemy|sqlite3|psycopg|select .* from |/qaflow/|\.py\b", re.IGNORECASE)
TOLD = 300
NAMES = ("id", "no", "number", "key", "code", "seq")
QUIET = settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@dataclass
class Run:
    """One run over the description: who asks, what is there to be named, and what was answered."""

    rights: Rights
    tokens: dict[str, str]
    chance: random.Random
    answered: Counter[int] = field(default_factory=Counter)
    done: dict[str, Counter[str]] = field(default_factory=dict)
    """How often each operation was done, by who asked."""
    wrong: dict[tuple[str, int], str] = field(default_factory=dict)

    def get(self, role: str, path: str) -> Any:
        """Look."""
        return self.rights.app.test_client().get(path, headers={"Authorization": f"Bearer {self.tokens[role]}"})

    def there(self, role: str, path: str) -> list[dict[str, Any]]:
        """Return the things that a list shows to a role."""
        answer = self.get(role, path)
        found = answer.get_json(silent=True) if answer.status_code == 200 else None
        return found.get("items", []) if isinstance(found, dict) else []

    def named(self, role: str, path: str) -> tuple[dict[str, Any], str]:
        """Return values for the parts of a path, each of a thing that is there, and the tag of the last."""
        values: dict[str, Any] = {}
        walked, tag = "", "*"
        for part in path.strip("/").split("/"):
            name = part[1:-1] if part.startswith("{") else ""
            if name:
                things = self.there(role, walked)
                keys = [thing[k] for thing in things for k in NAMES if k in thing]
                if not keys:
                    break
                values[name] = self.chance.choice(keys)
                part = str(values[name])
            walked += f"/{part}"
            if name:
                tag = self.get(role, walked).headers.get("ETag", tag)
        return values, tag

    def send(self, role: str, case: Any, tag: str) -> None:
        """Send a case that was drawn."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {self.tokens[role]}"}
        if tag and "If-Match" in case.headers:
            case.headers["If-Match"] = tag
            case.headers.pop("X-Proof", None)  # no text that is drawn is a proof; without one an act may be done
        self.answered[self.held(self.rights.app, role, case).status_code] += 1

    def meant(self, role: str, case: Any) -> TestResponse:
        """Send a case that is meant to succeed."""
        case.headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return self.held(self.rights.app, role, case)

    def held(self, app: Flask, role: str, case: Any) -> TestResponse:
        """Send a case, hold the answer against the description, and return it."""
        answer = settled(app.test_client().open(**case.as_transport_kwargs()))
        of = label(case.operation)
        if answer.status_code < 300:
            self.done.setdefault(of, Counter())[role] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except (FailureGroup, Failure) as error:
            why = "; ".join(str(one)[:TOLD] for one in getattr(error, "exceptions", [error]))
            self.wrong.setdefault((of, answer.status_code), f"as {role}: {why} {answer.text[:TOLD]}")
        if answer.status_code >= 400 and LEAKS.search(answer.text):
            self.wrong[of, answer.status_code] = f"as {role} its inside is told: {answer.text[:TOLD]}"
        return answer


@pytest.fixture
def run(rights: Rights) -> Iterator[Run]:
    """Return a run with a token of each role, in the world as it then is."""
    built, digest = rights.kept, rights.digest
    home = rights.colleges["home"]
    with rights.app.app_context():
        people = (*ROLES, *MORE)
        tokens = {role: passwords.token_for(db.session, home.origin("admin"), role) for role in people}
        db.session.remove()
    rights.keep()
    ports = rights.app.extensions["qaflow"]
    rights.app.extensions["qaflow"] = deaf(ports)
    yield Run(rights, tokens, random.Random(SEED))
    rights.app.extensions["qaflow"] = ports
    rights.kept, rights.digest = built, digest
    built.backup(rights.live)
    rights.seen = rights.version()


def operations(rights: Rights) -> list[Any]:
    """Return what the description describes."""
    document = rights.app.test_client().get(f"{API}/openapi.json").get_json()
    schema = schemathesis.openapi.from_dict(document)
    schema.app = rights.app
    return [one.ok() for one in schema.get_all_operations()]


@pytest.fixture
def diagnosed(settings: Settings) -> Iterator[Site]:
    """Return a college whose layers answer the frame of diagnosis."""
    yield from framing.framed(settings)


def walk(run: Run, found: list[Any], diagnosed: Site) -> None:
    """Walk through every operation as it is meant; what that leaves is there from now on."""
    known = {label(one): one for one in found}
    walked(Walk(run.rights, known, run.meant, run.get))
    run.rights.keep()
    token = program(diagnosed, "dept").token

    def meant(role: str, case: Any) -> TestResponse:
        case.headers["Authorization"] = f"Bearer {token}"
        return run.held(diagnosed.app, role, case)

    framed(Walk(run.rights, known, meant, run.get), diagnosed)


def label(one: Any) -> str:
    """Return how an operation is called."""
    return f"{one.method.upper()} {one.path}"


def told(run: Run) -> str:
    """Return who reached which operations first; an operation stands once."""
    first: dict[str, list[str]] = {}
    for one, by in sorted(run.done.items()):
        first.setdefault(next(iter(by)), []).append(one)
    return "".join(f"reached as {role} ({len(ones)}): {', '.join(ones)}\n" for role, ones in sorted(first.items()))


def asked(run: Run, one: Any, role: str, many: int) -> None:
    """Send cases of one operation as one role: most as described, some not quite."""
    values, tag = run.named(role, one.path)
    plans = [(GenerationMode.POSITIVE, values, tag, many * 3 // 5), (GenerationMode.POSITIVE, {}, "", many // 5),
             (GenerationMode.NEGATIVE, {}, "", many // 5)]  # fmt: skip
    for mode, fixed, match, count in plans:
        drawn(run, one, role, mode, fixed, match, count)


def drawn(run: Run, one: Any, role: str, mode: GenerationMode, fixed: dict[str, Any], match: str, count: int) -> None:
    """Draw cases and send each; some descriptions leave nothing that would not fit."""
    cases = one.as_strategy(generation_mode=mode, **({"path_parameters": fixed} if fixed else {}))

    @seed(run.chance.getrandbits(32))
    @settings(QUIET, max_examples=max(count, 1))
    @given(cases)
    def go(case: Any) -> None:
        run.send(role, case, match)

    with suppress(Unsatisfiable):
        go()


@pytest.mark.parametrize("requests", REQUESTS)
def test_every_request_made_of_the_description_is_answered_as_described(
    run: Run, diagnosed: Site, requests: int
) -> None:
    found = operations(run.rights)
    many = requests // (len(found) * len(ROLES)) + 3

    walk(run, found, diagnosed)
    for one in found:
        for role in ROLES:
            asked(run, one, role, many)
            run.rights.restore()

    total = sum(run.answered.values())
    valid = sum(run.answered[status] for status in UNDERSTOOD)
    sys.stdout.write(f"{total} requests, {valid / total:.0%} valid, {dict(run.answered)}, seed {SEED}\n{told(run)}")
    missing = sorted({label(one) for one in found} - set(run.done))
    assert run.wrong == {}, "\n\n".join(f"{k}: {v}" for k, v in run.wrong.items())
    assert missing == []
    assert total >= requests
    assert valid / total >= VALID
