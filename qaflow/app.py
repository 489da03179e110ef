"""The one bootstrap: settings, database, ports and doors put together."""

import os
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_migrate import Migrate

from qaflow import config, documents, logs, scheduler, web
from qaflow.adapters import files, mail
from qaflow.adapters.chat import Bots
from qaflow.adapters.clock import SystemClock, Watch
from qaflow.cli.frame import Bootstrap, Scheduler
from qaflow.config import Settings
from qaflow.errors import QaflowError
from qaflow.paths import data_dir
from qaflow.services.ports import Clock, Ports
from qaflow.store import db

MAX_REQUEST = 16 * 1024 * 1024
MAX_PARTS = 10_000  # fields of one form: a list of a thousand rows

log = logs.get("qaflow.run")


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """Return the app bound to its database; settings come from the environment unless given."""
    settings = settings or config.load()
    app = Flask("qaflow", template_folder=str(data_dir("templates")), static_folder="web/static")
    secure = settings.base_url.startswith("https:")
    app.config.update(
        SECRET_KEY=settings.secret_key or None,
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        MAX_FORM_MEMORY_SIZE=MAX_REQUEST,  # what is too long is told at its field, not by a bare 413
        MAX_FORM_PARTS=MAX_PARTS,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.extensions["qaflow"] = Ports(
        settings=settings,
        clock=clock or SystemClock(),
        files=files.FolderFiles(settings.home / "evidence"),
        mailer=mail.mailer(settings.mail_url),
        poster=documents.Later("qaflow.adapters.webhooks:Sender", settings.webhook_allow),
        chats=Bots(),
        tables=documents.Later("qaflow.documents.tables:CsvTables"),
        workbooks=documents.Later("qaflow.documents.workbooks:XlsxWorkbooks"),
        pictures=documents.Later("qaflow.documents.pictures:VegaPictures"),
        beside=Beside(app),
        **_campus(settings),
    )
    db.configure(app, settings.database_url)
    Migrate(app, db.db, directory=str(data_dir("migrations")))  # `flask db migrate`, for developers
    web.register(app)
    _open_api(app)
    return app


def _campus(settings: Settings) -> dict[str, Any]:
    """Return the providers of the sign-in; where none is named, nothing of them is loaded."""
    if not settings.providers:
        return {}
    from qaflow.adapters import campus

    return {"redirecting": campus.redirecting(settings.providers), "weighing": campus.weighing(settings.providers)}


def _open_api(app: Flask) -> None:
    """Hang the API on the app; its requests carry a token, and need no proof that a page of ours sent them."""
    from qaflow import api  # here, so that whoever only asks for help need not load it

    api.register(app)
    for resource in api.RESOURCES:
        web.csrf.exempt(resource)


class Beside:
    """Work beside the requests, each in a thread and a context of its own; it ends with the process."""

    def __init__(self, app: Flask) -> None:
        """Work for the app."""
        self._app = app

    def __call__(self, work: Callable[[Any], None]) -> None:
        """Begin the work with a session of its own."""
        threading.Thread(target=self._work, args=(work,), daemon=True).start()

    def _work(self, work: Callable[[Any], None]) -> None:
        with self._app.app_context():
            try:
                work(db.db.session)
            except Exception as error:
                log.error("run.work_broken_off", exc_info=error)


class Alarm:
    """The alarm clock of this process: it wakes the tick whenever the process holds the lease."""

    def __init__(self, app: Flask) -> None:
        """Wake the tick of the app now and at its interval from now on."""
        from qaflow.services.sweeping.waking import Waker  # here, so that quick commands need not load the tick

        ports: Ports = app.extensions["qaflow"]
        holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._app, self._waker = app, Waker(ports, Watch(ports.clock), holder)
        machine = SystemClock()  # also where the tick goes by another clock
        self._scheduler = scheduler.start(self.wake, ports.settings.tick_seconds, machine.now(), machine.now)

    def wake(self) -> None:
        """Do one sweep in a context of its own, if it is this process's turn."""
        with self._app.app_context():
            self._waker.wake(db.db.session)

    def shutdown(self, wait: bool = True) -> None:
        """Stop; with `wait`, after the tick that runs. Another process may take over at once."""
        self._scheduler.shutdown(wait=wait)
        try:
            with self._app.app_context():
                self._waker.rest(db.db.session)
        except QaflowError as error:
            log.warning("run.lease_not_freed", error=str(error))  # it ends by itself


def schedule(app: Flask) -> Scheduler:
    """Wake the tick of the app now and at its interval from now on."""
    return Alarm(app)


BOOTSTRAP = Bootstrap(create_app=create_app, clock=SystemClock(), schedule=schedule)
