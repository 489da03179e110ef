"""`qaflow import`: the organisation, the chains, tasks and readings from files (xlsx, xls, csv), all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qaflow import paths
from qaflow.cli import output
from qaflow.cli.frame import Group, installation, ports
from qaflow.services.files import imports as service
from qaflow.services.running.installation import operator
from qaflow.store.db import db

HELP = {
    "units": """Take departments, teaching units, sections and classes from a file (xlsx, xls, csv).

    Columns: code, kind (functional, teaching, section, class), name_zh; and, where wanted, name_en, parent (a code),
    system (decision_command, quality_generation, resource_building, support_service, supervision_control),
    aliases (parted by ; or |).
    """,
    "people": """Take people and their roles from a file (xlsx, xls, csv).

    Columns: login, name; and, where wanted, language (zh, en), roles: role@scope;role@scope, where a scope is college,
    unit:CODE, layer:KEY or subject:LAYER/CODE. A role alone holds for the college.
    """,
    "subjects": """Take what runs spirals (majors, courses, teachers, ...) from a file (xlsx, xls, csv).

    Columns: layer, code, name, unit (a code); and, where wanted, responsible (a login), starts, ends, anchor (days as
    YYYY-MM-DD), tier, parent (a code of the same layer, or LAYER/CODE).
    """,
    "tasks": """Take tasks of the year, or their month grid, from a file such as `qaflow export` writes.

    Columns: no, title_zh; and, where wanted, plan, title_en, kind (key, routine, ad_hoc), origin (plan, superior,
    school), starts, due (days as YYYY-MM-DD), units (codes or names parted by ; or |, the lead first), owner (a login
    or name), goal (a key), point, cost (yuan), year, and m1 to m12 (planned, going, done, late) for the months.
    """,
    "points": """Take control points and their limits from a file (xlsx, xls, csv).

    Columns: key, layer, name_zh, cadence (real-time, weekly, half-month, monthly, quarterly, semester, yearly),
    direction (higher, lower, band), target; and, where wanted, name_en, unit, warn_lower, warn_upper, alarm_lower,
    alarm_upper, valid_from (a day: limits that differ hold from then on), reason, formula such as ratio(a, b),
    source_system, measures, owner_unit (a code).
    """,
    "readings": """Take readings of control points from a file (xlsx, xls, csv).

    Columns: point (a key), subject (a code of the point's layer), at (2026-03-04, 2026-03-04 08:00, or with a zone),
    value; and, where wanted, source, and reason: another value for a time and source that has one already is a
    correction and needs its reason.
    """,
    "goals": """Take goals of the chain from a file (xlsx, xls, csv).

    Columns: key, text, layer; and, where wanted, text_en, parent (the key of the goal above), indicator, unit,
    direction (higher, lower, band), target, weight, starts, ends, owner_unit (a code), owner (a login or name), subject
    (LAYER/CODE), origin (plan, superior, school), kind (key, routine, ad_hoc), point (the key of a control point),
    attained (the value reached), degree (per cent).
    """,
    "standards": """Take standards of the chain from a file (xlsx, xls, csv).

    Columns: key, text, layer; and, where wanted, text_en, goal (its key), indicator, unit, direction (higher, lower,
    band), value, warn_lower, warn_upper, weight, system, starts, ends, owner_unit, owner, subject, origin, kind, point.
    """,
}
"""What each kind takes; the same is told in docs/imports.md."""


@click.group("import", cls=Group)
def imports() -> None:
    """Take what files hold, all or nothing; the second time nothing changes."""


def _command(kind: str) -> None:
    @imports.command(kind, help=HELP[kind])
    @click.argument("file", metavar="FILE")
    @click.option("--college", help="Key of the college; may be left out where there is only one.")
    @click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
    @click.option("--encoding", help="How a CSV file is encoded, for example gbk; UTF-8 unless told.")
    @click.option("--sheet", help="Which sheet of a workbook is read; its first unless told.")
    @click.option("--allow-empty", is_flag=True, help="Accept a file that has headings only.")
    def command(file: str, as_json: bool, **options: Any) -> None:
        data = paths.read_input(file)
        with installation():
            with output.progress(f"{Path(file).name}: rows read") as watch:
                origin = operator(db.session, ports())
                report = service.run(db.session, origin, kind, data, Path(file).name, watch=watch, **options)
            output.emit(report, as_json, lines=_lines(report))


def _lines(report: dict[str, Any]) -> list[str]:
    would = "would be: " if report["dry_run"] else ""
    told = f"{report['kind']}: {would}{report['new']} new, {report['updated']} updated, {report['unchanged']} unchanged"
    roles = [f"{report['granted']} roles given"] if report["granted"] else []
    return [told, *roles, *report["notices"]]


for _kind in HELP:
    _command(_kind)
