"""Every page: closed unless public, in both languages, light enough, nothing inline; and what profile and home do."""

import gzip
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from browsing import PAGE, PASSWORD, Browser, Site
from flask import abort, url_for
from rights.table import operation

from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.engine import calendar as calendars
from qaflow.errors import Forbidden, Missing, QaflowError, Refused, Stale
from qaflow.paths import data_dir
from qaflow.testing import ROLES
from qaflow.web import catalogs
from qaflow.web.access import public
from qaflow.web.assets import asset
from qaflow.web.words import due_on

PUBLIC = {"api_docs.docs", "api_docs.openapi", "api_docs.part", "start.start", "signin.sign_in", "signin.sign_out",
          "signin.code", "signin.by", "signin.arrive", "signin.ended", "signin.leave", "help.index", "help.topic",
          "probes.alive", "probes.ready", "metrics.show", "feeds.calendar", "assets.static", "static",
          "bootstrap.static"}  # fmt: skip
FILES = {"api_docs.openapi", "audit.log", "audit.pack", "cycles.download", "definitions.drawing", "frame.workbook",
         "metrics.show", "points.export", "reviews.manifest", "signin.code", "signin.leave",
         "tasks.export"}  # fmt: skip
"""What answers with a file or a document, or leads on."""
FRAME = {"frame.take": 403, "frame.replace": 403, "frame.new": 403, "frame.edit": 403}
REFUSED: dict[str, dict[str, int]] = {
    "lead": FRAME | {"audit": 403, "office": 403, "definitions": 403, "operations": 403, "webhooks": 403,
                     "escalations.show": 404, "organisation": 403, "reviews": 403, "imports": 403,
                     "incidents.analysis": 403, "tasks.new": 403},
    "office": {"operations": 403, "webhooks": 403, "organisation.signin": 403, "organisation.new_person": 403,
               "organisation.new_subject": 403, "organisation.new_unit": 403, "organisation.programs": 403,
               "organisation.program": 403},
    "admin": FRAME | {"audit": 403, "office": 403, "chains": 403, "chains.show": 404, "chains.change": 404,
                      "chains.decompose": 404, "cycles": 404, "definitions.cycles": 403, "definitions.check": 403,
                      "definitions.migrate": 403, "escalations.show": 404, "warnings.show": 404, "reviews": 403,
                      "incidents.analysis": 403, "tasks.new": 403, "portraits.show": 404, "compare.subject": 404},
}  # fmt: skip
"""What a part of the program answers to whom it is not for: an administrator has no part in any cycle."""
ABSENT = {"chains.change", "chains.decompose", "chains.show", "charts.compare", "charts.point", "charts.study",
          "cycles.frame", "cycles.report", "cycles.sheet", "definitions.difference", "feeds.calendar", "frame.edit",
          "incidents.show", "organisation.program",
          "points.correction", "points.series", "points.show", "profile.why", "reviews.frozen", "reviews.sample",
          "selftest.check", "selftest.overview", "selftest.question", "selftest.show", "signin.arrive", "signin.by",
          "signin.prove", "tasks.change", "tasks.show", "webhooks.show"}  # fmt: skip
"""Pages of an object that the tiny college does not have."""
MOST_BYTES = 300_000
TEMPLATES = sorted(data_dir("templates").rglob("*.html"))
SCRIPTS = sorted((Path(catalogs.PACKAGE) / "web" / "static").glob("*.js"))


def addresses(site: Site) -> dict[str, str]:
    """Return the address of every page that a person may open, by endpoint."""
    name = "qaflow.css"
    values = {"key": "responsible", "number": 1, "digest": asset(name).hash, "name": name, "filename": "", "file": 1,
              "no": 1, "spiral": "tiny.teaching", "version": 1, "form": "svg", "stream": "cycle:1", "seq": 1,
              "warning": "1.1", "item": 1, "what": "goals", "subject": 1, "reading": 1, "kind": "points", "point": 1,
              "part": 1, "place": 1, "action": "handle", "link": 1, "token": "none", "log": "xes",
              "group": "cycles"}  # fmt: skip
    with site.app.test_request_context():
        rules = [rule for rule in site.app.url_map.iter_rules() if "GET" in (rule.methods or ())
                 and not operation(site.app, rule.endpoint)]  # fmt: skip
        person = {"number": site.world.persons["lead"]}  # the first account is the program's own
        known = {r.endpoint: values | (person if "/people/" in r.rule else {}) for r in rules}
        return {r.endpoint: url_for(r.endpoint, **{n: known[r.endpoint][n] for n in r.arguments}) for r in rules}


def pages(site: Site) -> dict[str, str]:
    """Return those that are pages, not files or documents."""
    return {endpoint: path for endpoint, path in addresses(site).items() if endpoint not in FILES
            and not endpoint.endswith("static") and not endpoint.startswith("probes")}  # fmt: skip


def test_only_pages_on_the_list_are_open_to_anybody(site: Site) -> None:
    stranger = site.browser()

    answers = {endpoint: stranger.get(path) for endpoint, path in addresses(site).items() if endpoint not in PUBLIC}

    assert answers
    marked = {name for name, view in site.app.view_functions.items() if getattr(view, "qaflow_public", False)
              and not operation(site.app, name)}  # fmt: skip
    assert marked <= PUBLIC
    for endpoint, answer in answers.items():
        assert (answer.status_code, answer.headers["Location"][:13]) == (303, "/signin?next="), endpoint


def test_a_program_is_refused_in_its_own_form(site: Site) -> None:
    answer = site.app.test_client().get("/me", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.get_json(force=True)["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("login", [None, "lead", "office", "admin"])
def test_every_page_answers_in_its_language_and_takes_nothing_from_elsewhere(
    site: Site, login: str | None, lang: str
) -> None:
    assert site.world.start() == 1  # the cycle whose page is asked for
    site.world.fire(1, "warn", "diag", reason="seen")
    browser = site.browser(login, lang)
    named = {role for role, _, _ in ROLES}  # the tiny college has no other names for its posts
    english = [m for m in catalogs.written("zh") if m.id and isinstance(m.id, str) and m.id not in named]

    for endpoint, path in pages(site).items():
        answer = browser.get(path)
        if (login is None and endpoint not in PUBLIC) or (login and endpoint == "signin.sign_in"):
            assert answer.status_code == 303
            continue
        of = REFUSED.get(login or "", {})
        refused = of.get(endpoint) or of.get(endpoint.partition(".")[0]) or (404 if endpoint in ABSENT else 200)
        if refused != 200 and path != "/cycles":
            assert answer.status_code == refused, endpoint
            continue
        text = unescape(answer.text)
        assert answer.status_code == 200, endpoint
        assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in text
        assert f'href="{path.partition("?")[0]}?lang=' in text or path == "/", endpoint  # to the other language
        named = re.sub(r"xmlns=\"[^\"]+\"|\"\$schema\": \"[^\"]+\"", "", text)  # names, which nothing fetches
        assert "//" not in named, endpoint
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Login" in text or "<h1>" in text
        ids = Counter(re.findall(r' id="([^"]+)"', text))
        assert [name for name, count in ids.items() if count > 1] == [], endpoint
        if lang == "zh":
            body = re.sub(r"<(code|span lang=\"en\")>.*?</(code|span)>|<[^>]+>", " ", text.partition("<body>")[2])
            left = [m.id for m in english if len(m.id) > 12 and "%" not in m.id and m.id in body]
            assert left == [], endpoint


@pytest.mark.parametrize("path", ["/", "/signin", "/me", "/nothing"])
def test_the_policy_lets_nothing_inline_run(site: Site, path: str) -> None:
    policy = site.browser("lead").get(path).headers["Content-Security-Policy"]

    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["form-action"] == "'self'" and rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy and "http" not in policy


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_no_script_no_style_and_escapes_everything(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert re.findall(r"<script(?![^>]*\ssrc=)", text) == []
    assert re.findall(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text) == []
    assert re.findall(r"\|\s*safe\b|autoescape\s+false|Markup\(", text) == []


def test_every_form_that_changes_something_holds_its_proof() -> None:
    for file in TEMPLATES:
        for form in re.findall(r'<form[^>]*method="post".*?</form>', file.read_text(encoding="utf-8"), re.DOTALL):
            assert re.search(r"q\.token\(\)|\{\{ token\(\)|csrf_token\(\)", form), file


def test_scripts_write_no_markup_and_run_no_text() -> None:
    assert SCRIPTS
    for file in SCRIPTS:
        dangerous = r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write"
        assert re.findall(dangerous, file.read_text()) == [], file


@pytest.mark.parametrize("path", ["/", "/signin", "/me", "/me/password", "/help/responsible"])
def test_a_page_weighs_less_than_300_kb_on_the_first_visit(site: Site, path: str) -> None:
    browser = site.browser(None if path == "/signin" else "lead")
    page = browser.get(path)
    links = set(re.findall(r'(?:href|src)="(/assets/[^"#]+)', page.text))
    assert len(links) >= 5

    answers = [browser.get(link, **{"Accept-Encoding": "gzip"}) for link in links]

    assert len(page.data) + sum(len(answer.data) for answer in answers) < MOST_BYTES
    for answer in answers:
        assert answer.status_code == 200 and gzip.decompress(answer.data)


def test_an_asset_is_found_under_its_own_hash_alone(site: Site) -> None:
    name = "bootstrap.css"
    plain = site.app.test_client().get(f"/assets/{asset(name).hash}/{name}")

    assert plain.data == asset(name).plain and plain.mimetype == "text/css"
    assert plain.headers["Cache-Control"].endswith("immutable") and plain.headers["Vary"] == "Accept-Encoding"
    assert site.browser().get(f"/assets/{'0' * 12}/{name}").status_code == 404
    assert site.browser().get(f"/assets/{asset(name).hash}/eight.svg").status_code == 404
    assert site.browser().get("/assets/0/..%2fwords.py").status_code == 404


def test_every_icon_that_a_page_names_is_in_the_sheet() -> None:
    named = {n for file in TEMPLATES for n in re.findall(r"icon\('([a-z0-9-]+)'", file.read_text(encoding="utf-8"))}

    assert named
    for name in named:
        assert f'id="{name}"'.encode() in asset("icons.svg").plain


@pytest.mark.parametrize("path", ["/", "/signin", "/me", "/help", "/nothing"])
def test_every_page_of_a_sandbox_bears_its_mark(site: Site, path: str) -> None:
    browser = site.browser() if path == "/signin" else site.browser("lead")

    assert "不能作为证明" in browser.get(path).text


ERRORS = {
    403: (Forbidden(), "您无权进行此操作"),
    404: (Missing(), "没有此项内容"),
    409: (Refused(), "当前状态不允许"),
    412: (Stale(), "在此期间已有他人改动"),
    500: (QaflowError(), "程序内部出错"),
}


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_error_is_told_in_words_with_its_number(site: Site, status: int, lang: str) -> None:
    error, words = ERRORS[status]

    def fail() -> None:
        raise error

    site.app.add_url_rule("/fails", "fails", public(fail))
    answer = site.browser("lead").get(f"/fails?lang={lang}")

    number = answer.headers["X-Request-ID"]
    assert answer.status_code == status and f"<b>{number}</b>" in answer.text and len(number) == 10
    assert (words in answer.text) == (lang == "zh")


def test_what_breaks_shows_nothing_of_itself_and_the_log_has_its_number(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.app.add_url_rule("/fails", "fails", public(lambda: {}["the password"]))

    answer = site.browser("lead").get("/fails")

    assert answer.status_code == 500 and "password" not in answer.text.replace("/me/password", "")
    assert answer.headers["X-Request-ID"] in capsys.readouterr().out


@pytest.mark.parametrize(("code", "words"), [(413, "内容过大"), (400, "请求无法识别"), (418, "未能完成")])
def test_what_the_framework_refuses_has_a_page_too(site: Site, code: int, words: str) -> None:
    site.app.add_url_rule("/fails", "fails", public(lambda: abort(code)))

    answer = site.browser().get("/fails")

    assert answer.status_code == code and words in answer.text


def test_a_page_is_shown_where_the_database_is_gone(settings: Settings) -> None:
    app = create_app(replace(settings, database_url=f"sqlite:///{settings.home}/gone/qaflow.db"))
    client = app.test_client()

    for path in ("/", "/help", "/nothing"):
        answer = client.get(path, headers=PAGE)
        assert answer.status_code in (200, 404) and "<h1>" in answer.text


def test_the_bar_shows_what_a_persons_roles_make_useful(site: Site) -> None:
    def bar(login: str) -> set[str]:
        found = re.search(r'<nav class="q-nav".*?</nav>', site.browser(login).get("/").text, re.DOTALL)
        return set(re.findall(r'href="/([a-z]+)"', found[0] if found else ""))

    all_ = {"inbox", "overview", "cycles", "warnings", "incidents", "tasks", "points"}
    scoped = all_ | {"chains", "charts", "selftest"}
    assert bar("lead") == scoped
    assert bar("head") == scoped | {"escalations", "frame"}
    assert bar("office") == scoped | {"escalations", "frame", "office", "audit", "definitions", "organisation"}
    assert bar("admin") == all_ | {"definitions", "organisation", "operations"}


def test_ones_own_role_comes_first_in_the_help(site: Site) -> None:
    text = site.browser("office", "en").get("/help").text

    assert text.index("Quality office</a>") < text.index("By role") < text.index("Approvers</a>")
    assert site.browser().get("/help/nobody").status_code == 404


def test_a_language_that_was_asked_for_stays_until_the_profile_says_otherwise(site: Site) -> None:
    browser = site.browser("lead")
    assert "我的资料" in browser.get("/me").text
    browser.get("/?lang=en")
    assert "My profile" in browser.get("/me").text

    answer = browser.post("/me/language", language="zh")

    assert answer.status_code == 303 and "我的资料" in browser.get("/me").text
    browser.post("/me/language", language="en")
    assert "My profile" in site.browser("lead").get("/me").text
    assert site.world.query("select language from person where login = 'lead'") == [("en",)]
    assert browser.post("/me/language", language="fr").status_code == 422


def appoint(
    browser: Browser, who: str = "deputy", starts: str = "2025-09-08", ends: str = "2025-09-12"
) -> tuple[int, str]:
    """Return the answer to an appointment and the profile after it."""
    answer = browser.post("/me/deputies", who=who, starts=starts, ends=ends, layer="course", reason="conference")
    return answer.status_code, answer.text if answer.status_code != 303 else browser.get("/me").text


def test_a_deputy_is_appointed_shown_with_dates_and_ended(site: Site) -> None:
    lead, deputy = site.browser("lead", "en"), site.browser("deputy", "en")

    status, page = appoint(lead)

    assert status == 303 and "8 Sep to 12 Sep" in page and "not begun" in page
    assert "For whom I stand in" in deputy.get("/me").text
    (number,) = re.findall(r"/me/deputies/(\d+)/end", page)
    assert site.browser("guest").post(f"/me/deputies/{number}/end").status_code == 404
    assert lead.post(f"/me/deputies/{number}/end").status_code == 303
    assert "8 Sep" not in lead.get("/me").text and "8 Sep" not in deputy.get("/me").text
    kinds = site.world.query("select kind, door from journal where stream = :s order by seq",
                             s=f"person:{site.world.persons['lead']}")  # fmt: skip
    assert kinds[-2:] == [("DeputyAppointed", "web"), ("DeputyEnded", "web")]


def test_a_double_click_appoints_one_deputy(site: Site) -> None:
    lead = site.browser("lead")

    assert (appoint(lead)[0], appoint(lead)[0]) == (303, 303)
    assert site.world.query("select count(*) from deputy") == [(1,)]


@pytest.mark.parametrize(
    ("who", "starts", "ends", "told"),
    [
        ("lead", "2025-09-08", "2025-09-12", "Nobody stands in for themselves"),
        ("stranger", "2025-09-08", "2025-09-12", "Nobody in your college"),
        ("deputy", "2025-09-12", "2025-09-08", "lies before the first"),
        ("deputy", "", "2025-09-08", "Write it as"),
        ("deputy", "2025-02-30", "2025-09-08", "Not a valid date"),
        ("", "2025-09-08", "2025-09-12", "must be entered"),
        ("major", "2025-09-08", "2025-09-12", "lead back to you"),
    ],
)
def test_a_deputy_that_cannot_be_is_told_at_the_field(site: Site, who: str, starts: str, ends: str, told: str) -> None:
    site.world.deputy("major", "lead")
    lead = site.browser("lead", "en")

    status, page = appoint(lead, who, starts, ends)

    assert status in (409, 422) and told in page
    assert 'aria-invalid="true"' in page and "conference" in page
    assert site.world.query("select count(*) from deputy") == [(1,)]


CALENDAR = calendars.build("Asia/Shanghai", [(date(2026, 11, 23), False)], [], [2026, 2027])
DUE = [
    # due, today, state, words
    ("2026-11-16", "2026-11-19", "late", "3 working days late"),  # Monday; today Thursday
    ("2026-11-18", "2026-11-19", "late", "1 working day late"),
    ("2026-11-20", "2026-11-21", "late", "late"),  # Friday; today Saturday, no working day since
    ("2026-11-19", "2026-11-19", "today", "due by the end of today"),
    ("2026-11-21", "2026-11-24", "today", "due by the end of today"),  # Saturday, and Monday is a day off
    ("2026-11-20", "2026-11-19", "ahead", "1 working day left"),
    ("2026-11-25", "2026-11-19", "ahead", "3 working days left"),  # Friday, Tuesday, Wednesday
]


@pytest.mark.parametrize(("of", "now", "state", "words"), DUE)
def test_a_deadline_is_told_in_working_days(site: Site, of: str, now: str, state: str, words: str) -> None:
    with site.app.test_request_context("/?lang=en"):
        found = due_on(date.fromisoformat(of), date.fromisoformat(now), CALENDAR)

    assert (found.state, found.words) == (state, words)


def test_a_deadline_is_told_in_chinese_too(site: Site) -> None:
    with site.app.test_request_context("/?lang=zh"):
        found = due_on(date(2026, 11, 16), date(2026, 11, 19), CALENDAR)

    assert (found.words, found.day) == ("迟 3 个工作日", "2026年11月16日")


def test_a_persons_name_is_shown_as_text(site: Site) -> None:
    site.world.person("x1")
    site.world.query("update person set name = '<img src=x onerror=alert(1)>' where login = 'x1' returning id")
    browser = site.browser("x1")

    for path in ("/", "/me"):
        text = browser.get(path).text
        assert "<img" not in text and "&lt;img src=x" in text


def test_a_wrong_password_is_in_no_log(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.browser().sign_in("lead", "quite a secret thing\nforged line")
    site.browser("lead")

    said = capsys.readouterr().out
    assert "signin.wrong" in said and said.count("web.asked") == 2
    assert "quite a secret" not in said and PASSWORD not in said


def test_each_request_to_change_something_leaves_one_line(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    browser = site.browser("lead")
    token = browser.token()
    capsys.readouterr()

    def line(path: str, **data: str) -> str:
        browser.client.post(path, data={"csrf_token": token} | data, headers=PAGE)
        said = [found for found in capsys.readouterr().out.splitlines() if "web.asked" in found]
        assert len(said) == 1
        return said[0]

    person = f"person={site.world.persons['lead']}"
    assert "status=303" in (done := line("/me/language", language="en")) and person in done
    assert "refused=deputy.not_found" in line("/me/deputies/77/end")
    assert "refused=ref.unknown_user" in line("/me/deputies", who="x", starts="2025-09-08", ends="2025-09-09")
    assert "refused=csrf" in line("/me/language", csrf_token="none")
    assert "path=/me/no%0Aforged" in line("/me/no%0Aforged")
