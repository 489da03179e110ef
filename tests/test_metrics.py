"""/metrics: what it measures, to whom it is open, and that it names nobody."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from browsing import Site
from browsing import site as made
from prometheus_client.parser import text_string_to_metric_families

from qaflow.config import Settings, load
from qaflow.errors import ConfigError
from qaflow.store.db import Sql, db

TOKEN = "monitoring-token-0123456789"


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """Return the program with a token for monitoring."""
    found = made(replace(settings, metrics_token=TOKEN))
    yield found
    db.session.remove()
    db.engine.dispose()


def figures(site: Site) -> dict[str, float]:
    """Return the figures by name and label."""
    text = site.app.test_client().get("/metrics").text
    return {
        s.name + "".join(s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples
    }


def status(site: Site, address: str, **headers: str) -> int:
    """Return how a request from an address is answered."""
    return site.app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code


def test_the_figures_are_those_of_the_database(site: Site) -> None:
    site.world.start("C1")
    site.world.start("C9")
    before = figures(site)
    site.world.tick()
    site.later(seconds=90)
    after = figures(site)

    assert (before["qaflow_cyclesrunning"], before["qaflow_open_incidents"]) == (2, 0)
    assert (
        before["qaflow_work_items_open"] == site.world.query("select count(*) from work_item where state='open'")[0][0]
    )
    assert "qaflow_last_tick_age_seconds" not in before and after["qaflow_last_tick_age_seconds"] == 90
    assert after["qaflow_database_bytes"] > 100_000 and after["qaflow_due_backlog"] == 0


def test_requests_are_counted_and_timed_by_the_part_that_answered(site: Site) -> None:
    before = figures(site)
    for _ in range(3):
        site.app.test_client().get("/healthz")
    after = figures(site)

    assert after["qaflow_request_seconds_countGETprobes"] == 3
    assert "qaflow_request_seconds_countGETprobes" not in before
    assert after["qaflow_request_seconds_bucket+InfGETprobes"] == 3


def test_work_past_its_day_is_counted_as_overdue(site: Site) -> None:
    site.world.start("C1")
    assert figures(site)["qaflow_work_items_overdue"] == 0

    site.world.within(lambda d: d.run(Sql("update work_item set due = '2025-08-01'")))

    assert figures(site)["qaflow_work_items_overdue"] == 1


def test_it_names_nobody(site: Site) -> None:
    site.world.start("C1")
    text = site.app.test_client().get("/metrics").text

    for secret in ("tiny", "lead", "C1", "office", str(TOKEN)):
        assert secret not in text.replace("leader", "").replace("Qaflow", "")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.0.0.9"])
def test_this_machine_needs_no_token(site: Site, address: str) -> None:
    assert status(site, address) == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.1", "::ffff:10.0.0.7", "nonsense"])
def test_another_machine_needs_the_token(site: Site, address: str) -> None:
    assert status(site, address) == 403
    assert status(site, address, Authorization=f"Bearer {TOKEN}") == 200
    assert status(site, address, Authorization=f"Bearer {TOKEN}x") == 403
    assert status(site, address, Authorization="Bearer ") == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_whoever_comes_through_a_proxy_of_this_machine_is_of_another(site: Site, header: str) -> None:
    assert status(site, "127.0.0.1", **{header: "127.0.0.1"}) == 403


def test_without_a_token_set_no_token_opens_it(settings: Settings) -> None:
    found = made(settings)

    assert status(found, "10.0.0.7", Authorization="Bearer ") == 403
    db.session.remove()
    db.engine.dispose()


def test_a_token_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAFLOW_METRICS_TOKEN", "short")
    with pytest.raises(ConfigError):
        load()
    monkeypatch.setenv("QAFLOW_METRICS_TOKEN", TOKEN)
    assert load().metrics_token == TOKEN
    assert TOKEN not in repr(load()) and load().shown()["metrics_token"] == "***"
