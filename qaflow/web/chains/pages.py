"""The chains of goals and standards: tree, lists, findings, matrix, a year's plan, one goal, one standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, render_template, request, url_for

from qaflow.services.chains import findings as chain_findings
from qaflow.services.chains import trees as chains
from qaflow.services.chains import views as chain_views
from qaflow.services.chains.book import Chosen
from qaflow.services.chains.given import said, shown
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.language import chosen as language
from qaflow.web.office.figures import number_of, text

from . import words

TABLES = {"goals": "goal", "standards": "standard"}
KEPT = ("layer", "unit", "owner", "kind", "year", "system", "under", "finding")
"""What of a choice an address names."""
YEAR = 4
BAR = 60
"""Units of a whole bar."""

V = TypeVar("V", bound=Callable[..., Any])

pages = Blueprint("chains", __name__, url_prefix="/chains")


def both(path: str, *methods: str) -> Callable[[V], V]:
    """Hang a view on the address of the goals and on that of the standards."""

    def hang(view: V) -> V:
        for what in TABLES:
            pages.add_url_rule(f"/{what}{path}", view_func=view, defaults={"what": what}, methods=methods or ("GET",))
        return view

    return hang


@pages.get("")
def index() -> str:
    """Show the goals of all layers as a tree."""
    chosen = asked()
    found = chains.tree(db.session, mine(), me(), chosen)
    return page("index", found.book, chosen, found=found, years=found.years)


@both("")
def listing(what: str) -> str:
    """List goals or standards: of a cell, of a goal, or with a finding."""
    chosen = asked()
    if chosen.finding:
        found = chain_findings.listed(db.session, mine(), me(), chosen)
    else:
        found = chains.listed(db.session, mine(), me(), TABLES[what], chosen)
    return page("list", found.book, chosen, found=found, what=what, years=found.years)


@pages.get("/findings")
def findings() -> str:
    """Show what is to be said of the chains; each count opens its list."""
    chosen = asked()
    found = chain_findings.findings(db.session, mine(), me(), chosen)
    return page("findings", found.book, chosen, found=found, years=found.years)


@pages.get("/matrix")
def matrix() -> str:
    """Show goals, standards and tasks by system and layer."""
    chosen = asked()
    found = chain_views.matrix(db.session, mine(), me(), chosen)
    return page("matrix", found.book, chosen, found=found, years=found.years)


@pages.get("/tasks")
def tasks() -> str:
    """List the tasks that a cell of the matrix, or a goal, counts."""
    chosen = asked()
    found = chain_views.tasks(db.session, mine(), me(), chosen)
    return page("tasks", found.book, chosen, found=found)


@pages.get("/year")
def year() -> str:
    """Show a year's plan beside the last year's."""
    chosen = asked()
    found = chain_views.plan(db.session, mine(), me(), chosen)
    return page("year", found.book, chosen, found=found, years=found.years)


@both("/<int:number>")
def show(what: str, number: int) -> str:
    """Show one goal or standard."""
    if what == "standards":
        one = chains.standard(db.session, mine(), me(), number)
        return page("standard", one.book, Chosen(), found=one, one=one.entry, what=what)
    found = chains.goal(db.session, mine(), me(), number)
    told = chain_findings.of_goal(db.session, mine(), me(), number)
    return page("goal", found.book, Chosen(), found=found, one=found.entry, told=told, what=what)


def page(name: str, book: Any, chosen: Chosen, **more: Any) -> str:
    """Return a page of this part with its words and the addresses that it names."""

    def here(endpoint: str, **changes: Any) -> str:
        values = {k: getattr(chosen, k) for k in KEPT} | changes
        return url_for(endpoint, **{k: v for k, v in values.items() if v not in ("", 0, None)})

    tools = {"here": here, "percent": percent, "bar": bar, "measure": measure, "said": spoken, "figure": shown,
             "wording": wording, "unit_name": unit_name}  # fmt: skip
    return render_template(f"chains/{name}.html", book=book, chosen=chosen, words=words, **tools, **more)


def asked() -> Chosen:
    """Return what the address asks for; what it cannot mean counts as not said."""
    year_ = text("year")
    fits = len(year_) == YEAR and year_.isascii() and year_.isdecimal()
    return Chosen(layer=text("layer"), unit=number_of("unit"), owner=number_of("owner"), kind=text("kind"),
                  year=year_ if fits else "", system=text("system"), under=number_of("under"),
                  finding=text("finding"), retired=request.args.get("retired") == "1",
                  page=number_of("page") or 1)  # fmt: skip


def percent(share: float | None) -> str:
    """Return a share in per cent, a dash where it is not known; what is not whole never reads as whole."""
    return "–" if share is None else f"{int(share * 100 + 1e-9)}%"


def bar(share: float | None) -> float:
    """Return how long a bar is drawn for a share."""
    return round(BAR * min(1.0, max(0.0, share or 0.0)), 1)


def measure(value: float | None, unit: str | None) -> str:
    """Return a value with its unit."""
    return "–" if value is None else f"{shown(value)}{' ' if unit and unit != '%' else ''}{unit or ''}"


def spoken(indicator: str | None) -> str:
    """Return an indicator in the language of the page."""
    return said(indicator, language())


def wording(entry: Any) -> str:
    """Return the text of a goal or standard in the language of the page."""
    return str(entry.text_en if language() == "en" and entry.text_en else entry.text_zh)


def unit_name(entry: Any) -> str:
    """Return the name of the unit that owns an entry."""
    return str((entry.unit_en if language() == "en" else None) or entry.unit_zh or "")
