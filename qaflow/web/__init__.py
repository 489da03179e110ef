"""The web door: pages and health, each one call of a service."""

from flask import Flask
from flask_bootstrap import Bootstrap5

from qaflow.web import errors, health, language, security, start


def register(app: Flask) -> None:
    """Hang the pages, their language, their errors and their safety on the app."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True  # a campus may have no internet
    Bootstrap5(app)
    security.register(app)
    language.register(app)
    errors.register(app)
    app.register_blueprint(start.pages)
    app.register_blueprint(health.probes)
