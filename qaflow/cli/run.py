"""`qaflow run`: one process with the web door and the alarm clock of the tick."""

import errno
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click
from flask import Flask
from waitress import create_server

from qaflow import config, logs
from qaflow.cli import output
from qaflow.cli.bodies import Channel
from qaflow.cli.frame import Command, Whole, bootstrap, installation
from qaflow.config import PORT_RANGE, Settings
from qaflow.errors import Refused, Unavailable
from qaflow.paths import make_private

log = logs.get("qaflow.run")


@click.command(cls=Command)
@click.option("--host", help="Address to listen on (QAFLOW_HOST).")
@click.option("--port", type=Whole(*PORT_RANGE), help="Port to listen on (QAFLOW_PORT).")
def run(host: str | None, port: int | None, as_json: bool) -> None:
    """Serve the web door and wake the tick, until it is told to stop."""
    settings = config.require_private(config.require_secret(listening(config.load(), host, port)))
    with single_process(settings), installation(settings) as app:
        require_writable(settings)
        serve(app, settings, as_json)


def require_writable(settings: Settings) -> None:
    """Refuse a database file that this user may not write: told now, not by every tick."""
    file = settings.sqlite_file
    if file is not None and not os.access(file, os.W_OK):
        raise Unavailable("database.read_only", f"{file} cannot be written by this user", path=str(file))


def listening(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Return the settings with the address of the command line."""
    chosen = replace(settings, host=host or settings.host, port=port or settings.port)
    if settings.base_url == f"http://127.0.0.1:{settings.port}":
        return replace(chosen, base_url=f"http://127.0.0.1:{chosen.port}")
    return chosen


def serve(app: Flask, settings: Settings, as_json: bool) -> None:
    """Listen, wake the tick and answer, until SIGTERM or Ctrl-C; then let the running tick finish."""
    logs.configure(settings.home, level="INFO")
    listener = bound(settings.host, settings.port)
    server = create_server(app, sockets=[listener], threads=settings.threads, ident=None)
    server.channel_class = Channel
    scheduler = bootstrap().schedule(app)
    try:
        output.emit({"url": settings.base_url, "pid": os.getpid()}, as_json, lines=[f"qaflow: {settings.base_url}"])
        sys.stdout.flush()
        with told_to_stop() as signals:
            server.run()  # returns when a signal's SystemExit reaches it
        if signal.SIGINT in signals:
            raise KeyboardInterrupt
    finally:
        log.info("run.stopping")
        scheduler.shutdown(wait=True)
        server.close()


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket, or refuse with the reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError as error:
        raise Unavailable("config.host", f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def _taken(host: str, port: int, error: OSError) -> Unavailable:
    if error.errno == errno.EADDRINUSE:
        told = f"port {port} is in use; type: qaflow run --port {port + 1}"
        return Unavailable("config.port_in_use", told, port=port)
    return Unavailable("config.host", f"cannot listen on {host}:{port}: {error.strerror}", host=host, port=port)


@contextmanager
def single_process(settings: Settings) -> Iterator[None]:
    """Hold the database's lock: on SQLite one process serves. The system drops the lock of a dead one."""
    file = settings.sqlite_file
    if file is None:
        yield
        return
    lock = _lock_file(Path(f"{file}.lock"))
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            told = f"another qaflow run serves {file}; stop it, or use PostgreSQL for more than one"
            raise Refused("config.sqlite_single_process", told, path=str(file)) from error
        yield
    finally:
        os.close(lock)


def _lock_file(file: Path) -> int:
    make_private(file.parent)
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable("config.home", f"cannot write {file}: {error.strerror}") from error


@contextmanager
def told_to_stop() -> Iterator[list[int]]:
    """Turn SIGTERM and Ctrl-C into an orderly end, in which requests under way are answered; yield what came."""
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
