"""P28: guessing passwords runs out over all processes and addresses; the owner still gets in; time tells nothing."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain

import pytest
from argon2 import PasswordHasher
from browsing import PASSWORD
from conftest import entered
from flask import Flask
from processes import tell
from rights.served import Surfer, at_once, server

from qaflow.config import Settings
from qaflow.services.accounts import book as accounts
from qaflow.services.accounts import passwords, signin
from qaflow.services.work import Writer
from qaflow.store.db import Driver, db
from qaflow.testing import World

HOUR = 100  # guesses of one account that may be weighed in an hour, over everything
WRONG = "not this password"
SAMPLES = 60
OF_THE_MEAN = 0.05


def prepared(more: int = 0) -> World:
    """Return a college of today, its people able to sign in, with further accounts."""
    world = World(db.session, now=datetime.now(UTC))

    def add(driver: Driver) -> list[int]:
        writer = Writer(driver, world.origin())
        found = accounts.add_people(
            driver, writer, world.origin(), world.college, [(f"u{n}", f"u{n}") for n in range(more)]
        )
        writer.flush()
        return list(found)

    ids = world.within(add) if more else []
    passwords.share(db.session, world.origin(), [world.persons["lead"], world.persons["guest"], *ids], PASSWORD)
    db.session.remove()
    return world


def guesses(port: int, login: str, count: int, first: int, spread: int) -> list[int]:
    """Return the answers to so many wrong passwords, the address forged anew for each of `spread`."""
    surfer = Surfer(port)
    surfer.look("/signin")
    found = []
    for n in range(count):
        address = f"10.{first}.{n % spread // 250}.{n % spread % 250}"
        forged = {"X-Forwarded-For": address, "Forwarded": f"for=10.9.{first}.{n}",
                  "X-Real-IP": f"10.8.{first}.{n % 250}"}  # fmt: skip
        found.append(surfer.ask("POST", "/signin", {"login": login, "password": WRONG}, **forged).status)
    return found


def weighed(world: World, login: str, settings: Settings) -> int:
    """Return how many guesses of an account were looked at, as the database has it."""
    from qaflow.services.ports import Ports

    key = signin.key_of(Ports(settings=settings, clock=None), login)  # type: ignore[arg-type]
    ((count,),) = world.query("select count(*) from sign_in_guess where account = :a and not fits", a=key)
    return int(count)


@pytest.mark.parametrize("size", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_guesses_run_out_over_all_processes_and_forged_addresses(
    settings: Settings,
    pg_template: str,
    new_pg,
    size: int,  # type: ignore[no-untyped-def]
) -> None:
    """Two processes on one PostgreSQL: one account from one address, one from 500, 40 accounts from one."""
    shared = replace(settings, database_url=new_pg(pg_template))
    for _ in entered(shared):
        world = prepared(40)
        with ExitStack() as stack:
            ports = [stack.enter_context(server(shared)) for _ in range(2)]
            owner = Surfer(ports[0])
            assert owner.sign_in("lead", PASSWORD).status == 303
            owner.look("/me")
            assert owner.ask("POST", "/signout").status == 303

            each = size * 45 // 100 // 8
            one = at_once([partial(guesses, ports[n % 2], "lead", each, n, 500) for n in range(8)])
            same = at_once([partial(guesses, ports[n % 2], "guest", each, 0, 1) for n in range(8)])
            many = [guesses(ports[n % 2], f"u{n}", size // 400, n, 1) for n in range(40)]
            stranger = Surfer(ports[1])
            shut = stranger.sign_in("lead", PASSWORD).status
            let_in = owner.sign_in("lead", PASSWORD).status

        heard = Counter(chain(*one, *same, *many))
        looked_at = [weighed(world, login, shared) for login in ("lead", "guest")]
        tell(f"P28: {sum(heard.values())} guesses, heard {dict(heard)}; weighed at one account {looked_at}")
        assert sum(heard.values()) >= size * 0.95
        assert set(heard) == {401, 429}
        assert all(0 < count <= HOUR for count in looked_at)
        assert looked_at == [sum(s == 401 for s in chain(*found)) for found in (one, same)]
        assert all(status == 401 for status in chain(*many))  # other accounts go on
        assert (shut, let_in) == (429, 303)


def test_a_counter_in_one_process_would_be_caught(
    settings: Settings,
    pg_template: str,
    new_pg,  # type: ignore[no-untyped-def]
) -> None:
    """The mutant: each process counts for itself, so two weigh twice as many."""
    shared = replace(settings, database_url=new_pg(pg_template))
    for _ in entered(shared):
        world = prepared()
        with ExitStack() as stack:
            ports = [stack.enter_context(server(shared, defect="forgetful")) for _ in range(2)]
            at_once([partial(guesses, ports[n % 2], "lead", 40, n, 40) for n in range(4)])
        assert weighed(world, "lead", shared) > HOUR


def test_a_known_and_an_unknown_account_take_the_same_time(app: Flask, dear: PasswordHasher) -> None:
    """In the process, so that neither network nor neighbours are measured; medians, the two kinds by turns."""
    prepared()
    ports = app.extensions["qaflow"]
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for n in range(SAMPLES):
        for kind, login in (("known", "lead"), ("unknown", f"ghost{n}")):
            began = time.process_time()
            with pytest.raises(Exception, match=r"wrong|too many"):
                signin.weigh(db.session, ports, signin.Try(login, WRONG, "", ""))
            took[kind].append(time.process_time() - began)

    lower = {kind: statistics.median(sorted(times)[: SAMPLES // 2]) for kind, times in took.items()}
    apart = abs(lower["known"] - lower["unknown"]) / statistics.mean(lower.values())
    tell(
        f"P28: {SAMPLES} of each: known {lower['known'] * 1e3:.1f} ms, unknown {lower['unknown'] * 1e3:.1f} ms, "
        f"{apart:.1%} apart"
    )
    assert apart < OF_THE_MEAN
