"""Between them the five demo colleges use all that the data of DOMAIN.md §6 may hold, each what its source has."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_demo import run

LIVED = "30"  # days: past the opening of the self-tests and the office's changes of limits


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Return the database of a month of all five colleges."""
    home: Path = tmp_path_factory.mktemp("demo")
    found = run(home, "demo", "--days", LIVED, "--no-serve", "--json")
    assert found.exit_code == 0, found.output
    assert len(json.loads(found.stdout)["colleges"]) == 5
    connection = sqlite3.connect(home / "qaflow.db")
    yield connection
    connection.close()


USED = {
    "higher is better": "select 1 from control_point where direction = 'higher'",
    "lower is better": "select 1 from control_point where direction = 'lower'",
    "a band": "select 1 from control_point p join reading r on r.point_id = p.id where direction = 'band'",
    "a band's both warning values": "select 1 from control_point where direction = 'band' and warn_lower is not null "
    "and warn_upper is not null",
    "target, unit, source system, what is measured": "select 1 from control_point where target is not null and "
    "unit <> '' and json_extract(body, '$.source_system.zh') <> '' and json_extract(body, '$.measures.zh') <> ''",
    "lower alarm values": "select 1 from point_limit where alarm_lower is not null",
    "upper alarm values": "select 1 from point_limit where alarm_upper is not null",
    "a derived point with readings": "select 1 from control_point p join reading r on r.point_id = p.id where "
    "p.formula is not null and r.source = 'derived'",
    "a limit changed from a day on, for all": "select 1 from point_limit where subject_id is null and "
    "valid_from > '2025-09-01' and set_by <> 1",
    "a subject's own limit": "select 1 from point_limit where subject_id is not null",
    "every cadence but the rarest": "select 1 where (select count(distinct cadence) from control_point) >= 5",
    "readings of systems": "select 1 from reading where source = 'demo'",
    "warnings of breaches": "select 1 from warning where kind = 'breach'",
    "strata: units": "select 1 from reading r join subject s on s.id = r.subject_id group by r.point_id "
    "having count(distinct s.unit_id) > 2",
    "strata: classes": "select 1 from subject s join unit u on u.id = s.unit_id where s.layer = 'student' and "
    "u.kind = 'class' group by s.college_id having count(distinct u.id) > 1",
    "points of the frame with control points": "select 1 from frame where level = 'point' and "
    "json_array_length(json_extract(body, '$.control_points')) > 0",
    "the stars of the frame": "select 1 where (select count(distinct star) from frame) = 3",
    "self-tests": "select 1 from questionnaire_answer where handed_in_at is not null",
    "self-tests of 4 dimensions": "select 1 from questionnaire where json_array_length(body, '$.dimensions') = 4",
    "incidents": "select 1 from quality_incident",
    "the month grid": "select 1 from plan_task where state <> 'planned'",
    "the three sources of tasks": "select 1 where (select count(distinct origin) from plan_task) = 3",
    "the three kinds of tasks": "select 1 where (select count(distinct task_kind) from plan_task) = 3",
    "costs": "select 1 from plan_task where cost is not null",
}
"""What may be used, with the question that finds it in the demo's database."""


@pytest.mark.parametrize("what", USED)
def test_each_feature_is_used_by_some_college(made: sqlite3.Connection, what: str) -> None:
    assert made.execute(USED[what]).fetchone() is not None
