"""The alarm clock of one machine: APScheduler with one job in memory, which wakes the tick and knows nothing else.

What is due stands in the database, so that a missed wake-up is made good by the next; there is never a job per cycle.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from qaflow import logs

JOB = "tick"

log = logs.get("qaflow.scheduler")


def start(tick: Callable[[], object], seconds: int, first: datetime) -> BackgroundScheduler:
    """Call `tick` at the instant `first` and every so many seconds after it; one at a time, late ones once."""
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    scheduler.add_job(
        shielded(tick),
        "interval",
        seconds=seconds,
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
