"""The web door: pages and health, each one call of a service."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.routing import IntegerConverter

from qaflow.web import access, assets, errors, guide, imports, language, requests, security, words
from qaflow.web.account import feeds, profile, second, tokens
from qaflow.web.auditing import audit, event_logs, reviews
from qaflow.web.chains import acts as chain_acts
from qaflow.web.chains import pages as chains
from qaflow.web.cycles import pages as cycles
from qaflow.web.cycles import warnings
from qaflow.web.definitions import pages as definitions
from qaflow.web.desk import bulk as inbox_bulk
from qaflow.web.desk import escalations, inbox, saved_filters, start
from qaflow.web.entering import campus, proofs, signin
from qaflow.web.figures import charting, charts, compare, overview, portraits
from qaflow.web.frame import pages as frame
from qaflow.web.office import rounds as office_rounds
from qaflow.web.places import calendar, leaving, people, programs, signin_office
from qaflow.web.places import subjects as org_subjects
from qaflow.web.places import units as organisation
from qaflow.web.points import pages as points
from qaflow.web.running import health, metrics, operations, webhooks
from qaflow.web.tasks import files as task_files
from qaflow.web.tasks import pages as tasks
from qaflow.web.voices import incidents, selftest

BLUEPRINTS = (
    charts.pages,
    audit.pages,
    assets.assets,
    health.probes,
    start.pages,
    signin.pages,
    profile.pages,
    tokens.pages,
    feeds.pages,
    guide.pages,
    inbox.pages,
    cycles.pages,
    organisation.pages,
    inbox_bulk.pages,
    saved_filters.pages,
    office_rounds.pages,
    definitions.pages,
    operations.pages,
    webhooks.pages,
    metrics.probes,
    warnings.pages,
    points.pages,
    escalations.pages,
    frame.pages,
    reviews.pages,
    selftest.pages,
    incidents.pages,
    chains.pages,
    imports.pages,
    overview.pages,
    tasks.pages,
    portraits.pages,
    compare.pages,
)

OF_AUDIT = (event_logs,)
"""Modules whose routes hang on the blueprint of the audit."""
OF_TASKS = (task_files,)
"""Modules whose routes hang on the blueprint of the tasks."""
OF_CHAINS = (chain_acts,)
"""Modules whose routes hang on the blueprint of the chains."""
OF_SIGNIN = (campus, second)
"""Modules whose routes hang on the blueprints of the sign-in and the profile."""
OF_ORGANISATION = (calendar, leaving, org_subjects, people, programs, signin_office)
"""Modules whose routes hang on the blueprint of the organisation."""
HIGHEST = 2**63 - 1


class Number(IntegerConverter):
    """A number of the address; one that no database can hold becomes the highest, which nothing has."""

    def to_python(self, value: str) -> int:
        """Return the number."""
        return min(int(super().to_python(value)), HIGHEST)


csrf = CSRFProtect()
"""Every unsafe route asks for proof that a page of ours sent it; a door with tokens of its own is exempted here."""


def register(app: Flask) -> None:
    """Hang the pages, their safety, language and errors on the app, in the order in which a request meets them."""
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,  # a campus may have no internet
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    app.url_map.converters["int"] = Number
    Bootstrap5(app)
    security.register(app)
    requests.register(app)
    language.register(app)
    access.register(app)
    csrf.init_app(app)
    csrf.exempt(campus.ended)  # a provider's server has no form of ours; what it sends proves itself
    errors.register(app)
    words.register(app)
    charting.register(app)
    proofs.register(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
