"""The alarm clock of one machine: APScheduler with one job in memory, which wakes the tick and knows nothing else.

What is due stands in the database, so that a missed wake-up is made good by the next; there is never a job per cycle.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from qaflow import logs

JOB = "tick"

log = logs.get("qaflow.scheduler")


class Every(BaseTrigger):
    """Fires so long after it last did; however far the clock leapt, it counts no missed turns."""

    def __init__(self, pause: timedelta) -> None:
        """Take the time between two turns."""
        self.pause = pause

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return when it fires next."""
        return now if previous_fire_time is None else now + self.pause


class Alarm(BackgroundScheduler):
    """Looks at the clock at least once a turn, and wakes the tick where the clock went back behind the last one."""

    pause = timedelta(seconds=1)
    clock: Callable[[], datetime] | None = None

    def _process_jobs(self) -> float:
        job, now = self.get_job(JOB), self.clock() if self.clock else None
        if job is not None and now is not None and job.next_run_time and job.next_run_time > now + 2 * self.pause:
            job.modify(next_run_time=now)
        seconds: float | None = super()._process_jobs()
        return min(self.pause.total_seconds(), seconds if seconds is not None else self.pause.total_seconds())


def start(tick: Callable[[], object], seconds: int, first: datetime,
          clock: Callable[[], datetime] | None = None) -> BackgroundScheduler:  # fmt: skip
    """Call `tick` at the instant `first` and every so many seconds after it; one at a time, late ones once.

    With a clock, going back by years does not silence it.
    """
    scheduler = Alarm(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    scheduler.pause, scheduler.clock = timedelta(seconds=seconds), clock
    scheduler.add_job(
        shielded(tick),
        Every(scheduler.pause),
        id=JOB,
        next_run_time=first,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    scheduler.start()
    return scheduler


def shielded(tick: Callable[[], object]) -> Callable[[], None]:
    """Return the tick with its failures logged: the next wake-up tries again."""

    def woken() -> None:
        try:
            tick()
        except Exception as error:  # whatever failed, the alarm clock must go on
            log.error("tick.failed", exc_info=error, error=str(error))

    return woken
