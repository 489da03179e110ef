"""Real processes for the tick's tests: `swarm` starts many that tick at one moment, `run` and `tick` use a fast clock.

As a module it starts them; as a script it is what they run: the program's own command line, with the clock, the size
of a batch or a planted defect set before.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qaflow.config import Settings

SOON = 60  # seconds in which processes must start or end


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment of an installation's processes; their mail goes into files."""
    found = {"QAFLOW_HOME": str(settings.home), "QAFLOW_DATABASE_URL": settings.database_url,
             "QAFLOW_SECRET_KEY": settings.secret_key, "QAFLOW_MAIL_URL": f"file:{settings.home}/mail"}  # fmt: skip
    return {**os.environ, **found, **more}


def spawn(settings: Settings, *args: str, **more: str) -> subprocess.Popen[str]:
    """Start this script in a role."""
    command = [sys.executable, str(Path(__file__)), *args]
    return subprocess.Popen(command, env=environment(settings, **more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, encoding="utf-8")  # fmt: skip


class Swarm:
    """Many processes that tick at the same moment, in batches of a size."""

    def __init__(self, settings: Settings, count: int, batch: int, at: datetime) -> None:
        """Start them; they wait at a common barrier."""
        self._head = spawn(settings, "swarm", str(count), str(batch), at.isoformat())
        assert self._head.stdin is not None and self._head.stdout is not None
        self.pids: list[int] = json.loads(self._head.stdout.readline())

    def __enter__(self) -> "Swarm":
        return self

    def __exit__(self, *_: object) -> None:
        if self._head.poll() is None:
            for pid in self.pids:
                os.kill(pid, signal.SIGKILL)
            self._head.kill()
        self._head.communicate()

    def go(self) -> None:
        """Open the barrier."""
        assert self._head.stdin is not None
        self._head.stdin.write("go\n")
        self._head.stdin.flush()

    def kill(self, which: int) -> None:
        """Kill one, as a power cut of its machine would."""
        os.kill(self.pids[which], signal.SIGKILL)

    def results(self) -> list[int]:
        """Return the exit codes in order (-9 for a killed one) when all have ended."""
        out, err = self._head.communicate(timeout=SOON * 2)
        assert self._head.returncode == 0, err
        codes: list[int] = json.loads(out)
        return codes


def tell(text: str) -> None:
    """Print a line: a seed, a figure, what the other side waits for."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def until(holds: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


class FastClock:
    """A clock that runs so many times as fast as the machine's, from an instant on; the same in all processes."""

    def __init__(self, base: datetime, began: float, speed: float) -> None:
        """Take the simulated instant, the machine's time at that moment, and the speed."""
        self.base, self.began, self.speed = base, began, speed

    def now(self) -> datetime:
        """Return the simulated present."""
        return self.base + timedelta(seconds=(time.time() - self.began) * self.speed)


# What the processes run


def program(args: Sequence[str], clock: FastClock | None = None) -> int:
    """Run the program's command line and return its exit code."""
    from qaflow.app import BOOTSTRAP, create_app
    from qaflow.cli.frame import Bootstrap
    from qaflow.cli.main import program as commands

    made = BOOTSTRAP
    if clock is not None:
        made = Bootstrap(create_app=lambda settings: create_app(settings, clock=clock), clock=clock,
                         schedule=BOOTSTRAP.schedule)  # fmt: skip
    try:
        commands.main(args=list(args), prog_name="qaflow", obj=made)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def swarm(count: int, batch: int, at: str) -> int:
    """Fork so many processes that wait for the word and then tick; print their numbers, at the end their exit codes."""
    import qaflow.app  # noqa: F401 - loaded before the fork, so that all begin at one moment
    from qaflow.services.sweeping import tick

    tick.BATCH = batch
    gate, opener = os.pipe()
    pids = [_forked(gate, opener, at, n) for n in range(count)]
    os.close(gate)
    tell(json.dumps(pids))
    sys.stdin.readline()
    os.close(opener)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    tell(json.dumps(codes))
    return 0


def _forked(gate: int, opener: int, at: str, number: int) -> int:
    from qaflow.services.sweeping import tick

    pid = os.fork()
    if pid:
        return pid
    os.close(opener)
    os.read(gate, 1)  # returns when the last writer has closed the pipe
    run = tick.run
    tick.run = lambda *args, **more: run(*args, **more | {"door": f"tick.{number}"})  # who it was stands in its row
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os._exit(program(["tick", "--json", "--at", at]))


def fast(args: Sequence[str]) -> int:
    """Run a command by a fast clock: BASE BEGAN SPEED LEASED COMMAND…"""
    base, began, speed, leased, *command = args
    from qaflow.adapters import clock
    from qaflow.services.sweeping import tick

    faulthandler.register(signal.SIGUSR1, all_threads=True)
    real = clock.steady
    clock.steady = lambda: real() * float(speed)  # type: ignore[assignment]
    if leased == "no":  # the planted defect: every process believes that it is its turn
        tick.elect = lambda *_: True  # type: ignore[assignment]
    return program(command, FastClock(datetime.fromisoformat(base), float(began), float(speed)))


def main(role: str, *args: str) -> Any:
    """Play a role."""
    if role == "swarm":
        return swarm(int(args[0]), int(args[1]), args[2])
    return fast(args)


def stamp(seconds: float) -> datetime:
    """Return the instant of a machine's time."""
    return datetime.fromtimestamp(seconds, UTC)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
