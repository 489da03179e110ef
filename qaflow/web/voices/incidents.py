"""Quality incidents: report one, follow it to its answer, grade and handle it, and the year's analysis.

The list is narrowed by its address alone: ``year``, ``state``, ``category``, ``grade`` (``none``: not graded), ``unit``
and ``month`` (numbers), ``took`` (0 to 3: working days to the answer, or ``none``), ``late`` and ``complaint`` (1).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from qaflow.engine.charts import Chart, grouped, pareto
from qaflow.errors import Invalid, Refused
from qaflow.services.voices import incident_analysis, incident_desk, incident_pages, incidents
from qaflow.services.voices.incident_analysis import Analysis
from qaflow.services.voices.incident_pages import Asked, Page
from qaflow.services.voices.incidents import Grading, Report
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.figures.charting import charted, words
from qaflow.web.forms import OK, Form, apart
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text
from qaflow.web.words import today

from .incident_forms import Graded, Reporting, Words

STATES: dict[str, tuple[str, Any]] = {
    "reported": ("ahead", _("reported")), "graded": ("current", _("to be handled")),
    "handled": ("half", _("handled, to be answered")), "answered": ("passed", _("answered")),
    "closed": ("closed", _("closed")),
}  # fmt: skip
"""Shape and word of each state."""
STEPS: dict[str, Any] = {"reported": _("Reported"), "graded": _("Graded"), "handled": _("Handled"),
                         "answered": _("Answered"), "closed": _("Closed")}  # fmt: skip
TOOK: tuple[Any, ...] = (_("up to 5 working days"), _("6 to 10"), _("11 to 20"), _("over 20"))
ACTS: dict[str, tuple[Any, Any, Any]] = {
    "grade": (_("Grade and give to a handler"), "", _("The incident is graded; its handler is told.")),
    "handle": (_("Say how it was handled"), _("What was done, and what was found to be the cause"),
               _("It is noted how the incident was handled.")),
    "answer": (_("Answer"), _("Answer to whoever reported it"), _("The answer is given.")),
    "close": (_("Close"), _("Conclusion: what changes so that it does not happen again"), _("The incident is closed.")),
}  # fmt: skip
"""For each act its label, what its text is, and what is said when it is done."""
FACETS: dict[str, Any] = {
    "state": _("All states"), "category": _("All categories"), "grade": _("All degrees"), "unit": _("All units"),
    "month": _("All months"), "took": _("However long the answer took"), "late": _("Late or not"),
    "complaint": _("Complaints and others"),
}  # fmt: skip
NONE = "none"
FLAWS = {"incident.category": "category", "incident.grade": "grade", "incident.day": "occurred_on",
         "incident.due": "due", "ref.unknown_unit": "unit", "ref.unknown_user": "handler",
         "ref.ambiguous_user": "handler", "ref.disabled_user": "handler"}  # fmt: skip

pages = Blueprint("incidents", __name__, url_prefix="/incidents")


@pages.get("")
def index() -> str:
    """Show the incidents that I may read, as the address narrows them."""
    asked = Asked(year=number_of("year"), wanted=_wanted(), page=min(number_of("page") or 1, 1000))
    found = incident_pages.listed(db.session, mine(), me(), asked)
    return render_template("incidents/index.html", found=found, FACETS=FACETS, here_with=_here_with(asked), **_words())


@pages.get("/report")
def reporting() -> Response:
    """Show the form of a report."""
    given = {"cycle": text("cycle"), "warning": text("warning"), "unit": number_of("unit")}
    return _reporting(_report_form(occurred_on=today(), **given), OK)


@pages.post("/report")
def report() -> Response:
    """Report an incident."""
    form = _report_form()
    if not form.validate():
        return _reporting(form, form.status())
    cycle = form.cycle.data or "0"
    given = Report(
        title=form.title.data or "", account=form.account.data or "", category=form.category.data or "",
        unit=form.unit.data or 0, occurred_on=form.occurred_on.data or date.max, complaint=bool(form.complaint.data),
        cycle=int(cycle) if cycle.isascii() and cycle.isdecimal() and len(cycle) < 10 else -1,
        warning=form.warning.data or "",
    )  # fmt: skip
    try:
        number = incidents.report(db.session, mine(), me(), given)
    except Invalid as error:
        return _reporting(form, form.tell(error, FLAWS, "title"))
    flash(_("It is reported. You are told when it is answered."), "ok")
    return redirect(url_for("incidents.show", number=number), 303)


def _report_form(**given: Any) -> Reporting:
    rules, units = incident_desk.choices(db.session, mine(), me())
    form = Reporting(**given)
    form.category.choices = [SelectChoice(one.key, pair(one.name)) for one in rules.categories]
    form.unit.choices = [SelectChoice(key, pair(name)) for key, name in units.items()]
    return form


def _reporting(form: Reporting, status: int) -> Response:
    return make_response(render_template("incidents/report.html", form=form), status)


@pages.get("/analysis")
def analysis() -> Response | str:
    """Show a year's incidents by category, degree, unit, month and time to the answer."""
    found = incident_analysis.analysis(db.session, mine(), me(), number_of("year"))

    def opens(facet: str, value: Any, year: int) -> str:
        return url_for("incidents.index", year=year, **{facet: _sent(value)})

    charts = _charts(found)
    return charted("incidents/analysis.html", charts, found=found, opens=opens, drawn=charts, **_words())


def _charts(found: Analysis) -> list[Chart]:
    """Return the year's incidents by category, the most frequent first, and by month beside the year before."""
    if not found.many:
        return []
    named = {facet: [(str(_valued(found, facet, one.value)), one) for one in found.by[facet]]
             for facet in ("category", "month")}  # fmt: skip
    often = [(name, one.many) for name, one in named["category"] if one.many]
    monthly = [(str(year), name, float(many)) for name, one in named["month"]
               for year, many in ((found.year, one.many), (found.year - 1, one.before))]  # fmt: skip
    return [pareto(str(_("Incidents by category")), often, key="categories", words=words()),
            grouped(str(_("Incidents by month")), monthly, key="months", words=words())]  # fmt: skip


@pages.get("/<int:number>")
def show(number: int) -> Response:
    """Show one incident."""
    return _page(_look(number), None, {}, OK)


@pages.post("/<int:number>/grade")
def grade(number: int) -> Response:
    """Grade an incident and give it to a handler."""
    page = _look(number)
    form = _grading(page)
    if not form.validate():
        return _page(page, "grade", {"grade": form}, form.status())
    given = Grading(category=form.category.data or "", grade=form.grade.data or "", handler=form.handler.data or "",
                    due=form.due.data)  # fmt: skip
    try:
        incidents.grade(db.session, mine(), me(), number, _version(form), given)
    except (Invalid, Refused) as error:
        return _page(_look(number), "grade", {"grade": form}, form.tell(error, FLAWS, "grade"))
    flash(ACTS["grade"][2], "ok")
    return redirect(url_for("incidents.show", number=number), 303)


@pages.post("/<int:number>/<action>")
def say(number: int, action: str) -> Response:
    """Handle, answer or close an incident, with what is said of it."""
    page, form = _look(number), apart(Words(), action)
    if action in incidents.SAID and not form.validate():
        return _page(page, action, {action: form}, form.status())
    try:
        incidents.say(db.session, mine(), me(), number, _version(form), action, form.text.data or "")
    except (Invalid, Refused) as error:
        return _page(_look(number), action, {action: form}, form.tell(error, {}, "text"))
    flash(ACTS[action][2], "ok")
    return redirect(url_for("incidents.show", number=number), 303)


def _look(number: int) -> Page:
    return incident_pages.look(db.session, mine(), me(), number)


def _grading(page: Page) -> Graded:
    row = page.row
    form = apart(Graded(category=row.category, grade=row.grade, handler=page.owner_login), "grade")
    form.category.choices = [SelectChoice(one.key, pair(one.name)) for one in page.rules.categories]
    form.grade.choices = [SelectChoice(one.key, pair(one.name)) for one in page.rules.grades]
    return form


def _version(form: Any) -> int:
    sent = form.version.data or ""
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else -1


def _page(page: Page, failed: str | None, forms: Mapping[str, Form], status: int) -> Response:
    """Show an incident; an act that failed keeps what was entered, and the version as it stands now."""
    shown: dict[str, Form] = {}
    for action in dict.fromkeys((*page.acts, *forms)):
        form = forms.get(action) or (_grading(page) if action == "grade" else apart(Words(formdata=None), action))
        form["version"].data = page.row.version
        shown[action] = form
    return make_response(render_template("incidents/show.html", page=page, row=page.row, forms=shown, failed=failed,
                                         ACTS=ACTS, STEPS=STEPS, **_words()), status)  # fmt: skip


def _wanted() -> dict[str, Any]:
    """Return the filters that the address sets."""
    found: dict[str, Any] = {}
    for name in ("state", "category", "grade"):
        if text(name):
            found[name] = None if text(name) == NONE and name == "grade" else text(name)
    found |= {name: number_of(name) for name in ("unit", "month") if number_of(name)}
    if took := text("took"):
        found["took"] = number_of("took") if took != NONE else None
    return found | {name: text(name) == "1" for name in ("late", "complaint") if text(name) in ("0", "1")}


def _sent(value: Any) -> Any:
    """Return how the address writes a value of a facet."""
    return NONE if value is None else int(value) if isinstance(value, bool) else value


def _here_with(asked: Asked) -> Any:
    """Return how a template names this list with something changed."""

    def address(**changes: Any) -> str:
        values = {"year": asked.year, **{k: _sent(v) for k, v in asked.wanted.items()}, **changes}
        return url_for("incidents.index", **{k: v for k, v in values.items() if v != "" and (k, v) != ("year", 0)})

    return address


def _words() -> dict[str, Any]:
    return {"STATES": STATES, "TOOK": TOOK, "valued": _valued, "sent": _sent}


def _valued(found: Any, facet: str, value: Any) -> Any:
    """Return a value of a facet in words."""
    if facet == "state":
        return STATES[value][1] if value in STATES else value
    if facet in ("category", "grade"):
        one = getattr(found.rules, facet)(value) if value else None
        return pair(one.name) if one else _("not graded yet") if value is None else value
    if facet == "unit":
        return pair(found.units[value]) if value in found.units else value
    if facet == "took":
        return _("not answered yet") if value is None else TOOK[value] if value < len(TOOK) else value
    if facet == "late":
        return _("The handler is late") if value else _("Not late")
    if facet == "complaint":
        return _("Complaints") if value else _("Other reports")
    return _("month %(num)d", num=value)
