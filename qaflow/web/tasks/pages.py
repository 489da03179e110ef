"""Tasks of the year: the list, the month grid, one page, a task with what may be done to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from qaflow.engine import grid as months
from qaflow.errors import Invalid, Refused, Stale
from qaflow.services.tasks import acts as task_acts
from qaflow.services.tasks import fields as task_fields
from qaflow.services.tasks import grid as task_grid
from qaflow.services.tasks import plans as tasks
from qaflow.services.tasks.desk import KINDS, ORIGINS, Chosen
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.forms import OK
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text
from qaflow.web.places.people import as_day, refuse

from .forms import KIND_WORDS, ORIGIN_WORDS, STATE_WORDS, MonthForm, SayForm, TaskForm, values

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
YEARS = range(1900, 2200)
SHAPES = {"done": "check-circle-fill", "going": "circle-half", "late": "exclamation-diamond-fill",
          "planned": "circle", "dropped": "x-lg"}  # fmt: skip
CONFLICT = 409
AT = {"date.order": "due", "date.invalid": "due", "ref.unknown_user": "owner", "ref.ambiguous_user": "owner",
      "number.invalid": "cost", "ref.unknown_unit": "lead", "unit.closed": "lead", "ref.unknown_goal": "goal",
      "value.unknown": "kind"}  # fmt: skip

pages = Blueprint("tasks", __name__, url_prefix="/tasks")


@pages.get("")
def index() -> str:
    """List the tasks."""
    chosen = asked()
    return page_of("index", chosen, found=tasks.listed(db.session, mine(), me(), chosen))


@pages.get("/grid")
def grid() -> str:
    """Show the month grid."""
    chosen = asked()
    return page_of("grid", chosen, found=task_grid.shown(db.session, mine(), me(), chosen))


@pages.get("/onepage")
def one_page() -> str:
    """Show one sheet of tasks, goals, months, units and cost."""
    chosen = asked()
    found = task_grid.one_page(db.session, mine(), me(), chosen)
    return page_of("onepage", chosen, found=found.of, sheet=found)


@pages.get("/<int:number>")
def show(number: int) -> Response:
    """Show one task."""
    return _page(number)


@pages.route("/new", methods=["GET", "POST"])
def new() -> AnyResponse:
    """Plan a task."""
    given, _none = task_fields.offer(db.session, mine(), me())
    form, status = TaskForm(origin="school").offer(given), OK
    if form.validate_on_submit():
        try:
            made = task_acts.add(db.session, mine(), me(), form.wanted())
        except (Invalid, Refused) as error:
            status = form.tell(error, AT, "title_zh")
        else:
            flash(_("The task is planned."), "ok")
            return redirect(url_for("tasks.show", number=made), 303)
    return shown("form", form.status(status), form=form, task=None)


@pages.route("/<int:number>/change", methods=["GET", "POST"])
def change(number: int) -> AnyResponse:
    """Change a task; what somebody else changed meanwhile is shown beside what was entered."""
    given, task = task_fields.offer(db.session, mine(), me(), number)
    assert task is not None
    if request.method != "POST":
        form = TaskForm(formdata=None, **values(task, given)).offer(given)
        form.starts.process(None, task.starts and as_day(task.starts))
        form.due.process(None, task.due and as_day(task.due))
        return shown("form", OK, form=form, task=task)
    form, status, stale = TaskForm().offer(given), OK, False
    if form.validate():
        try:
            task_acts.change(db.session, mine(), me(), number, form.wanted(), _version(form))
        except Stale as error:
            status, stale = CONFLICT, True
            form.version.raw_data, form.version.data = None, str(task.version)
            refuse(error)
        except (Invalid, Refused) as error:
            status = form.tell(error, AT, "title_zh")
        else:
            flash(_("The task is changed."), "ok")
            return redirect(url_for("tasks.show", number=number), 303)
    return shown("form", form.status(status), form=form, task=task, stale=stale)


@pages.post("/<int:number>/report")
def report(number: int) -> AnyResponse:
    """Note how a task stands in a month."""
    form = MonthForm()
    said = form.month.data or "", form.state.data or ""
    return _act(number, form, "month", _("The month is noted."),
                lambda: task_acts.report(db.session, mine(), me(), number, *said, _version(form)))  # fmt: skip


@pages.post("/<int:number>/finish")
def finish(number: int) -> AnyResponse:
    """Finish a task with its result."""
    return _said(number, "finish", task_acts.finish, _("The task is done."))


@pages.post("/<int:number>/drop")
def drop(number: int) -> AnyResponse:
    """Give a task up."""
    return _said(number, "drop", task_acts.drop, _("The task is dropped."))


@pages.post("/<int:number>/resume")
def resume(number: int) -> AnyResponse:
    """Take a task up again."""
    return _said(number, "resume", task_acts.resume, _("The task goes on."))


def _said(number: int, name: str, how: Callable[..., None], words: str) -> AnyResponse:
    form = SayForm()
    return _act(number, form, name, words,
                lambda: how(db.session, mine(), me(), number, form.text.data or "", _version(form)))  # fmt: skip


def _act(number: int, form: Any, name: str, words: str, act: Callable[[], None]) -> AnyResponse:
    """Do what a form of the task's page asks for; where it cannot be done the page keeps what was entered."""
    tasks.one(db.session, mine(), me(), number)  # another's is not there, whatever was sent
    if not form.validate():
        return _page(number, form.status(), {name: form})
    try:
        act()
    except Stale as error:
        form.tell(error, {}, "state" if name == "month" else "text")
        return _page(number, CONFLICT, {name: form})
    except (Invalid, Refused) as error:
        status = form.tell(error, {"month.unknown": "month"}, "state" if name == "month" else "text")
        return _page(number, status, {name: form})
    flash(words, "ok")
    return redirect(url_for("tasks.show", number=number), 303)


def _page(number: int, status: int = OK, sent: dict[str, Any] | None = None) -> Response:
    found = tasks.one(db.session, mine(), me(), number)
    forms = {"finish": SayForm, "drop": SayForm, "resume": SayForm, "month": MonthForm}
    made = {name: (sent or {}).get(name) or form(formdata=None) for name, form in forms.items()}
    for name, form in made.items():
        for field in form:
            field.id = field.label.field_id = f"{name}-{field.name}"
        form.version.raw_data, form.version.data = None, str(found.task.version)
    named = [month for month, _state, _noted in found.months]
    made["month"].month.choices = [(month, month_words(month)) for month in named]
    made["month"].state.choices = [(key, str(STATE_WORDS[key])) for key in months.NOTED] + [("", _("no entry"))]
    if made["month"].month.data is None:
        made["month"].month.data = found.now if found.now in named else named[-1]
    return shown("task", status, found=found, task=found.task, forms=made)


def _version(form: Any) -> int | None:
    """Return the version that a form was filled in on; a form that says none overwrites nothing it has not seen."""
    said = form.version.data or ""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 9 else 0


def asked() -> Chosen:
    """Return what the address asks for; what it cannot mean counts as not said."""
    year, state, month = number_of("year"), text("state"), text("month")
    return Chosen(
        year=year if year in YEARS else 0, unit=number_of("unit"), owner=number_of("owner"),
        kind=text("kind") if text("kind") in KINDS else "", origin=text("origin") if text("origin") in ORIGINS else "",
        plan=text("plan"), goal=number_of("goal"), cycle=number_of("cycle"),
        month=month if MONTH.fullmatch(month) else "",
        state=state if state in (*months.STATES, "open") else "", page=number_of("page") or 1,
    )  # fmt: skip


def page_of(template: str, chosen: Chosen, **more: Any) -> str:
    """Return a page of this part with its filters and the addresses that it names."""
    kept = {k: v for k, v in chosen.__dict__.items() if v and k not in ("page", "every")}

    def here(endpoint: str, **changes: Any) -> str:
        return url_for(endpoint, **{k: v for k, v in (kept | changes).items() if v not in ("", 0)})

    narrowed = {k for k in kept if k != "year"}
    return render_template(
        f"tasks/{template}.html", chosen=chosen, here_with=here, narrowed=narrowed, **words(), **more
    )


def shown(template: str, status: int, **more: Any) -> Response:
    """Return a page of one task."""
    return make_response(render_template(f"tasks/{template}.html", **words(), **more), status)


def words() -> dict[str, Any]:
    """Return the words of this part."""
    return {"kind_of": KIND_WORDS, "origin_of": ORIGIN_WORDS, "state_of": STATE_WORDS, "shapes": SHAPES,
            "states": months.STATES, "month_words": month_words, "percent": percent, "yuan": yuan,
            "plan_words": plan_words}  # fmt: skip


def month_words(month: str) -> str:
    """Return a month's short name; its year stands where the grid begins."""
    return str(_("month %(num)d", num=int(month[5:])))


def plan_words(name: dict[str, str] | None) -> str:
    """Return what a plan is called; tasks that were added in the pages have no plan of a file."""
    return pair(name) if name else str(_("Added tasks"))


def percent(share: float) -> str:
    """Return a share in hundredths."""
    return f"{round(100 * share)}%"


def yuan(amount: float | None) -> str:
    """Return an amount of yuan."""
    return "–" if amount is None else f"{amount:,.2f}".removesuffix(".00")
