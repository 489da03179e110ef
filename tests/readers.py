"""Real processes that hand in readings at one moment: `swarm` forks them behind a gate, each delivers the same rows."""

import json
import os
import subprocess
import sys
import traceback
from datetime import timedelta
from pathlib import Path

from processes import SOON, environment, tell

from qaflow.config import Settings

DELIVERIES = 3
VALUES = (40.0, 46.0, 39.0)  # beyond, within, beyond: one warning, whoever comes first


def deliver(settings: Settings, count: int, subjects: int) -> list[int]:
    """Let so many processes deliver readings of so many subjects at one moment; return their exit codes."""
    command = [sys.executable, str(Path(__file__)), str(count), str(subjects)]
    done = subprocess.run(command, env=environment(settings), capture_output=True, encoding="utf-8",
                          timeout=SOON * 5, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes: list[int] = json.loads(done.stdout.splitlines()[-1])
    return codes


def one(settings: Settings, number: int, subjects: int) -> int:
    """Hand in the same deliveries as all others, and one reading of my own source for each subject."""
    from qaflow.app import create_app
    from qaflow.services.points import monitoring
    from qaflow.services.work import Origin
    from qaflow.store.db import db
    from qaflow.testing import MONDAY

    app = create_app(settings)
    with app.app_context():
        for n in range(DELIVERIES):
            at = MONDAY + timedelta(hours=n)
            origin = Origin(now=at, recorded=at, door=f"reader.{number}")
            rows = [monitoring.NewReading("hours", "course", f"S{s}", at, VALUES[n], source)
                    for s in range(subjects) for source in ("shared", f"own.{number}")]  # fmt: skip
            monitoring.accept(db.session, origin, 1, rows)
    return 0


def _end(settings: Settings, number: int, subjects: int) -> None:
    """Do the work and end without the parent's clean-up, whatever happens."""
    code = 1
    try:
        code = one(settings, number, subjects)
    except Exception:  # noqa: BLE001 - told below, and the process ends
        traceback.print_exc()
    finally:
        os._exit(code)


def main(count: int, subjects: int) -> int:
    """Fork the processes; they begin when the last of them is there."""
    import qaflow.app
    import qaflow.testing  # noqa: F401 - both are loaded before the fork, so that all begin at one moment
    from qaflow.config import load

    settings = load()
    gate, opener = os.pipe()
    pids = []
    for number in range(count):
        pid = os.fork()
        if not pid:
            os.close(opener)
            os.read(gate, 1)
            _end(settings, number, subjects)
        pids.append(pid)
    os.close(gate)
    os.close(opener)
    tell(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
