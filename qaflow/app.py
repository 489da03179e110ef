"""The one bootstrap: settings, database, ports and doors put together."""

from flask import Flask
from flask_migrate import Migrate

from qaflow import config, scheduler, web
from qaflow.adapters import mail
from qaflow.adapters.clock import SystemClock
from qaflow.cli.frame import Bootstrap, Scheduler
from qaflow.config import Settings
from qaflow.paths import data_dir
from qaflow.services.ports import Clock, Ports
from qaflow.store import db

MAX_REQUEST = 16 * 1024 * 1024


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """Return the app bound to its database; settings come from the environment unless given."""
    settings = settings or config.load()
    app = Flask("qaflow", template_folder=str(data_dir("templates")), static_folder="web/static")
    secure = settings.base_url.startswith("https:")
    app.config.update(
        SECRET_KEY=settings.secret_key or None,
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.extensions["qaflow"] = Ports(
        settings=settings, clock=clock or SystemClock(), mailer=mail.mailer(settings.mail_url)
    )
    db.configure(app, settings.database_url)
    Migrate(app, db.db, directory=str(data_dir("migrations")))  # `flask db migrate`, for developers
    web.register(app)
    return app


def schedule(app: Flask) -> Scheduler:
    """Wake the tick of the app now and at its interval from now on."""
    ports: Ports = app.extensions["qaflow"]
    woken: Scheduler = scheduler.start(lambda: sweep(app), ports.settings.tick_seconds, ports.clock.now())
    return woken


def sweep(app: Flask) -> None:
    """Do one sweep in a context of its own."""
    from qaflow.services import tick

    with app.app_context():
        tick.run(db.db.session, app.extensions["qaflow"], door="scheduler")


BOOTSTRAP = Bootstrap(create_app=create_app, clock=SystemClock(), schedule=schedule)
