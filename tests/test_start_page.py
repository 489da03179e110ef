"""The web door: start page, probes, headers and refusals."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from qaflow.adapters.clock import StoppedClock
from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.store.db import db, utc
from qaflow.web.access import public

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def fill(sandbox: bool = False, tick: datetime | None = None) -> None:
    """Write the installation's row, one college, and perhaps one sweep."""
    db.session.execute(
        text("insert into installation (id, sandbox, created_at, schema) values (1, :s, :t, '0001')"),
        {"s": sandbox, "t": utc(NOON)},
    )
    db.session.execute(
        text(
            "insert into college (key, name_zh, name_en, timezone, body, config_no, created_at, version, head) "
            "values ('one', '第一学院', 'First College', 'Asia/Shanghai', '{}', 1, :t, 0, '')"
        ),
        {"t": utc(NOON)},
    )
    if tick:
        db.session.execute(
            text("insert into tick_run (to_at, started_at, done, skipped, door) values (:t, :t, '{}', '{}', 'cli')"),
            {"t": utc(tick)},
        )
    db.session.commit()


@pytest.mark.parametrize(("lang", "name"), [("zh", "第一学院"), ("en", "First College")])
def test_start_page_speaks_the_language_of_its_address(client: FlaskClient, lang: str, name: str) -> None:
    fill()

    page = client.get(f"/?lang={lang}").text

    assert name in page
    assert ('lang="zh-CN">\n<head>' in page) == (lang == "zh")


@pytest.mark.parametrize(
    ("header", "title"), [("en-GB,en;q=0.9", "Quality spirals"), ("zh-CN", "质量螺旋"), ("fr", "质量螺旋")]
)
def test_start_page_follows_the_browser_else_the_installation(client: FlaskClient, header: str, title: str) -> None:
    assert f"<h1>{title}</h1>" in client.get("/", headers={"Accept-Language": header}).text


@pytest.mark.parametrize("sandbox", [True, False])
def test_only_a_sandbox_bears_its_mark(client: FlaskClient, sandbox: bool) -> None:
    fill(sandbox)

    assert ("演示库" in client.get("/").text) is sandbox


def test_page_takes_nothing_from_elsewhere_and_is_not_stored(client: FlaskClient) -> None:
    answer = client.get("/")

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "//" not in answer.text.replace("<!doctype", "")


def test_every_asset_of_the_page_is_served(client: FlaskClient) -> None:
    page = client.get("/").text
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    sheets = [link for link in links if link.endswith((".css", ".svg"))]

    assert len(sheets) == 3
    for sheet in sheets:
        with closing(client.get(sheet)) as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/", "/nothing", "/healthz"])
def test_another_host_name_is_refused_with_all_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_allowed_host_name_is_served(settings: Settings) -> None:
    app = create_app(replace(settings, allowed_hosts=("qaflow.example.edu.cn",)))

    assert app.test_client().get("/healthz", headers={"Host": "qaflow.example.edu.cn"}).status_code == 200


def test_missing_page_is_a_problem_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    for_program = client.get("/nothing", headers={"Accept": "application/json"})
    for_people = client.get("/nothing", headers={"Accept": "text/html"})

    assert (for_program.status_code, for_program.mimetype) == (404, "application/problem+json")
    assert for_program.get_json(force=True)["code"] == "http.404"
    assert (for_people.status_code, for_people.mimetype) == (404, "text/html")


def test_refused_method_tells_what_is_allowed(client: FlaskClient) -> None:
    answer = client.post("/healthz")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_internal_error_tells_nothing_of_itself(app: Flask) -> None:
    app.add_url_rule("/broken", "broken", public(lambda: {}["the password"]))

    answer = app.test_client().get("/broken")

    assert answer.status_code == 500
    assert "password" not in answer.text


def test_ready_on_current_schema_on_both_databases(store_app: Flask) -> None:
    answer = store_app.test_client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["database"], answer.json["schema"], answer.json["tick"]) == ("ok", "current", None)


def test_not_ready_without_a_database_and_none_is_made(settings: Settings) -> None:
    missing = settings.home / "elsewhere" / "qaflow.db"
    app = create_app(replace(settings, database_url=f"sqlite:///{missing}"))

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["schema"] == "database.schema_empty"
    assert app.test_client().get("/healthz").status_code == 200
    assert not missing.parent.exists()


def test_not_ready_where_postgresql_does_not_answer(settings: Settings) -> None:
    app = create_app(replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing"))

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["database"] == "unavailable"


def test_not_ready_on_a_newer_schema(client: FlaskClient) -> None:
    db.session.execute(text("update alembic_version set version_num = '9999'"))
    db.session.commit()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["schema"] == "database.schema_newer"


@pytest.mark.parametrize(("minutes", "status"), [(1, "ok"), (60, "degraded")])
def test_readiness_tells_the_age_of_the_last_sweep(app: Flask, settings: Settings, minutes: int, status: str) -> None:
    fill(tick=NOON)
    watched = create_app(settings, clock=StoppedClock(NOON + timedelta(minutes=minutes)))

    answer = watched.test_client().get("/readyz")

    assert answer.json is not None
    assert answer.json["tick"]["age_seconds"] == minutes * 60
    assert answer.json["status"] == status
