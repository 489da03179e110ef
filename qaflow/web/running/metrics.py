"""Figures for Prometheus: each answer is a registry of its own, filled from one call of the service."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from qaflow import __version__
from qaflow.errors import Forbidden
from qaflow.services.running import metrics
from qaflow.services.running.metrics import Figures
from qaflow.store.db import db
from qaflow.web.access import public
from qaflow.web.requests import ports, took

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""What a proxy on this machine adds: whoever comes through it is not of this machine."""

probes = Blueprint("metrics", __name__)


@probes.get("/metrics")
@public
def show() -> Response:
    """Give the figures to the monitoring of this machine, or to whoever holds the token."""
    if not _may():
        raise Forbidden("metrics.closed", "ask from this machine, or with QAFLOW_METRICS_TOKEN as a bearer token")
    registry = CollectorRegistry()
    fill(registry, metrics.figures(db.session, ports()))
    registry.register(took())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def fill(registry: CollectorRegistry, of: Figures) -> None:
    """Put the figures into a registry; what is not known yet is left out."""
    single = {
        "qaflow_last_tick_age_seconds": ("Seconds since the last sweep began", of.tick_age),
        "qaflow_last_tick_duration_seconds": ("How long the last sweep took", of.tick_seconds),
        "qaflow_due_backlog": ("What a sweep would find due now", of.backlog),
        "qaflow_open_incidents": ("Work that failed alone and is not solved", of.incidents),
        "qaflow_work_items_open": ("Open work items", of.items_open),
        "qaflow_work_items_overdue": ("Open work items whose day has passed", of.items_overdue),
        "qaflow_database_bytes": ("Size of the database", of.database_bytes),
        "qaflow_tick_lease_seconds": ("Seconds that the waker's lease still lasts", of.lease_seconds),
    }
    for name, (told, value) in single.items():
        if value is not None:
            Gauge(name, told, registry=registry).set(value)
    for name, told, label, values in (("qaflow_outbox", "Notices not sent", "state", of.outbox),
                                      ("qaflow_cycles", "Unfinished cycles", "status", of.cycles)):  # fmt: skip
        gauge = Gauge(name, told, [label], registry=registry)
        for key, value in values.items():
            gauge.labels(key).set(value)
    Gauge("qaflow_info", "The program", ["version"], registry=registry).labels(__version__).set(1)


def _may() -> bool:
    wanted, sent = ports().settings.metrics_token, request.authorization
    if wanted and sent is not None and sent.type == "bearer":
        return hmac.compare_digest(wanted.encode(), (sent.token or "").encode())
    return not any(name in request.headers for name in FORWARDED) and _loopback(request.remote_addr or "")


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
