"""Portraits: the subjects whose portraits I may read, and one of them whole, with charts that are tables too."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _

from qaflow.engine import charts
from qaflow.engine.charts import Chart, Step
from qaflow.engine.control import Limits
from qaflow.services.figures import portraits
from qaflow.services.figures.portraits import TOP, Chosen, Point, Portrait
from qaflow.store.db import db
from qaflow.web.access import me, mine
from qaflow.web.cycles import words as cycle_words
from qaflow.web.language import pair
from qaflow.web.office.figures import number_of, text

from . import chart, charting
from .overview import LATE, OUTCOMES, span_name

pages = Blueprint("portraits", __name__, url_prefix="/portraits")


@pages.get("")
def index() -> str:
    """List the subjects whose portraits I may read."""
    chosen = Chosen(text=text("q"), layer=text("layer"), mine=int(text("mine") == "1"), ended=text("ended") == "1",
                    page=number_of("page") or 1)  # fmt: skip
    found = portraits.listed(db.session, mine(), me(), chosen)
    return render_template("portraits.html", found=found, chosen=chosen, here_with=_here_with(chosen))


@pages.get("/<int:number>")
def show(number: int) -> Response | str:
    """Show one subject's portrait."""
    found = portraits.look(db.session, mine(), me(), number)
    drawn = {point.id: of_point(point) for point in found.points}
    radar = _radar(found)
    return charting.charted("portrait.html", [*drawn.values(), *([radar] if radar else [])], found=found, drawn=drawn,
                            radar=radar, words=cycle_words, on=chart.on, figures=chart.figures, limits=limits_of,
                            span_name=span_name, outcomes=OUTCOMES, late_ones=LATE)  # fmt: skip


def of_point(point: Point) -> Chart:
    """Return a point's readings over time with target and limits."""
    points = [(at, value, f"{chart.on(at)} {chart.figures(value, point.unit)}") for at, value in point.readings]
    steps = [Step(day, limits.target, *_counted(limits)) for day, limits in point.steps]
    return charts.over_time(pair(point.name), points, unit=point.unit, steps=steps, key=f"point-{point.id}",
                            words=charting.words())  # fmt: skip


def _counted(limits: Limits) -> tuple[float | None, float | None]:
    """Return those of the limits that count by the direction."""
    lower = limits.lower if limits.direction in ("higher", "band") else None
    return lower, limits.upper if limits.direction in ("lower", "band") else None


def limits_of(limits: Limits, unit: str) -> str:
    """Return target and limits in words."""
    target = _("target %(value)s", value=chart.figures(limits.target, unit))
    return f"{target}, {_('limit %(limit)s', limit=limits.text)}" if limits.text else target


def _radar(found: Portrait) -> Chart | None:
    """Return the radar of one's own self-tests, the last and the one before."""
    if not found.tests:
        return None
    names = [name for name, _score in found.tests[0].scores]
    given = [(test.term, {pair(name): score for name, score in test.scores}) for test in found.tests]
    series = [(term, [scores.get(pair(name)) for name in names]) for term, scores in given]
    return charts.radar(pair(found.tests[0].name), [pair(name) for name in names], series, TOP, key="self-test",
                        words=charting.words())  # fmt: skip


def _here_with(chosen: Chosen) -> Any:
    def address(**changes: Any) -> str:
        values = {"q": chosen.text, "layer": chosen.layer, "mine": chosen.mine, "ended": int(chosen.ended), **changes}
        return url_for("portraits.index", **{k: v for k, v in values.items() if v not in ("", 0)})

    return address
