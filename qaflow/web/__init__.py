"""The web door: pages and health, each one call of a service."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.routing import IntegerConverter

from qaflow.web import (
    access,
    assets,
    audit,
    calendar,
    campus,
    chain_acts,
    chains,
    charting,
    charts,
    compare,
    cycles,
    definitions,
    errors,
    escalations,
    feeds,
    frame,
    guide,
    health,
    imports,
    inbox,
    inbox_bulk,
    incidents,
    language,
    leaving,
    metrics,
    office_rounds,
    operations,
    org_subjects,
    organisation,
    overview,
    people,
    points,
    portraits,
    profile,
    proofs,
    requests,
    reviews,
    saved_filters,
    second,
    security,
    selftest,
    signin,
    signin_office,
    start,
    task_files,
    tasks,
    tokens,
    warnings,
    webhooks,
    words,
)

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

OF_TASKS = (task_files,)
"""Modules whose routes hang on the blueprint of the tasks."""
OF_CHAINS = (chain_acts,)
"""Modules whose routes hang on the blueprint of the chains."""
OF_SIGNIN = (campus, second)
"""Modules whose routes hang on the blueprints of the sign-in and the profile."""
OF_ORGANISATION = (calendar, leaving, org_subjects, people, signin_office)
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
