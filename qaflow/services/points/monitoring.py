"""The watch over readings and tasks: what comes in, what is late, which warnings both open (engine rules, 4)."""

from __future__ import annotations

from qaflow.services.sweeping.late_readings import note_late
from qaflow.services.sweeping.late_tasks import settle_tasks, warn_late_tasks

from .intake import NewReading, accept

__all__ = ["NewReading", "accept", "note_late", "settle_tasks", "warn_late_tasks"]
