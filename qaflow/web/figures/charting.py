"""Charts on pages: their words, the library in the browser, and the same address as a picture.

A view that shows charts ends with ``charted(template, charts, …)``; its template draws each with ``charts.chart``.
With ``?form=svg`` or ``?form=png`` (and ``&chart=KEY`` where there are several) the same address answers the picture:
the same rights, the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, render_template, request
from flask_babel import gettext as _

from qaflow.engine.charts import Chart, Words, theme
from qaflow.web.language import chosen
from qaflow.web.requests import ports

FORMS = {"svg": "image/svg+xml", "png": "image/png"}
OWN_PARTS = ("form", "chart")
"""What the address of a picture has beyond that of its page."""
THEMES = {"light": theme.config(), "dark": theme.config(dark=True)}
"""The colours that a page's script gives a chart, by its theme."""


def register(app: Flask) -> None:
    """Give templates the colours of charts."""
    app.jinja_env.globals["chart_themes"] = THEMES


def words() -> Words:
    """Return the words of a chart in the page's language: `words` of every builder."""
    return {
        "day": _("Day"), "value": _("Value"), "note": _("Remark"), "target": _("Target"), "lower": _("Lower limit"),
        "upper": _("Upper limit"), "label": _("What"), "group": _("Group"), "count": _("How many"),
        "share": _("Cumulative share in percent"), "axis": _("Dimension"), "from": _("At least"), "to": _("Less than"),
        "sample": _("Sample"), "centre": _("Centre"), "lcl": _("Lower control limit"),
        "ucl": _("Upper control limit"), "finding": _("Finding"),
    }  # fmt: skip


def charted(template: str, charts: Sequence[Chart], **more: Any) -> Response | str:
    """Return a page with charts, or one of them as a picture where the address asks for that.

    The template gets `picture` (the address of the page as the macro wants it) beside what is given.
    """
    form = request.args.get("form")
    if form is None:
        kept = [(k, v) for k, v in request.args.items(multi=True) if k not in OWN_PARTS]
        return render_template(template, picture=f"{request.path}?{urlencode(kept)}", **more)
    meant = request.args.get("chart") or (charts[0].key if charts else "")
    found = next((chart for chart in charts if chart.key == meant), None)
    if form not in FORMS or found is None:
        abort(404)
    return picture(found, form)


def picture(chart: Chart, form: str) -> Response:
    """Return a chart as a picture with its title, ready to be put into a document."""
    pictures = ports().pictures
    if pictures is None:
        abort(404)
    spec = {**chart.spec, "title": {"text": chart.title, "anchor": "start"}}
    response = Response(pictures.draw(spec, form, chosen()), mimetype=FORMS[form])
    response.headers["Content-Disposition"] = f'inline; filename="{chart.key}.{form}"'
    return response
