"""Eight processes hand in readings of the same subjects at one moment: each reading once, one warning each."""

import pytest
from readers import DELIVERIES, VALUES, deliver

from qaflow.app import create_app
from qaflow.config import Settings
from qaflow.services.auditing import audit
from qaflow.store.db import db
from qaflow.testing import World

PROCESSES = 8
SUBJECTS = 12
AT_LENGTH = 500


def fill(settings: Settings, subjects: int) -> None:
    """Build a college whose subjects have a cycle each, save every third, and leave no connection open."""
    with create_app(settings).app_context():
        world = World(db.session)
        world.point()
        codes = [f"S{n}" for n in range(subjects)]
        world.courses(codes, "section", "lead")
        for code in codes[:: len(codes) // 4]:
            world.start(code)
        db.session.remove()
        db.engine.dispose()


def exact(settings: Settings, subjects: int) -> None:
    """Assert that each reading stands once, each subject has one warning, and the journal proves all of it."""
    with create_app(settings).app_context():
        world = World.__new__(World)
        world.session = db.session
        ask = world.query
        own = PROCESSES * DELIVERIES * subjects
        assert ask("select source = 'shared', count(*) from reading group by 1 order by 1") == [
            (False, own), (True, DELIVERIES * subjects)]  # fmt: skip
        assert ask("select count(*), count(distinct subject_id) from warning") == [(subjects, subjects)]
        assert ask("select distinct state, severity from warning") == [("opened", "major")]
        doors = ask("select door, count(*) from journal where kind = 'ReadingsAccepted' group by door")
        assert len(doors) == PROCESSES
        assert sum(count for _, count in doors) == PROCESSES * DELIVERIES  # each delivery held its own readings
        assert audit.verify(db.session)["findings"] == []
        db.session.remove()
        db.engine.dispose()


def test_eight_at_once_store_each_reading_once_and_open_one_warning(store_settings: Settings) -> None:
    fill(store_settings, SUBJECTS)

    assert deliver(store_settings, PROCESSES, SUBJECTS) == [0] * PROCESSES

    exact(store_settings, SUBJECTS)
    assert len(VALUES) == DELIVERIES


@pytest.mark.long
def test_eight_at_once_do_so_for_many_subjects(store_settings: Settings) -> None:
    fill(store_settings, AT_LENGTH)

    assert deliver(store_settings, PROCESSES, AT_LENGTH) == [0] * PROCESSES

    exact(store_settings, AT_LENGTH)
