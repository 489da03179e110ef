"""The program with the defect that P26 looks for: templates that take every text for markup."""

import sys

from flask import Flask

from qaflow.app import BOOTSTRAP, create_app
from qaflow.cli.frame import Bootstrap
from qaflow.cli.main import program
from qaflow.config import Settings


def careless(settings: Settings) -> Flask:
    """Return the app without escaping."""
    app = create_app(settings)
    app.jinja_env.autoescape = False
    return app


if __name__ == "__main__":
    made = Bootstrap(create_app=careless, clock=BOOTSTRAP.clock, schedule=BOOTSTRAP.schedule)
    program.main(args=sys.argv[1:], prog_name="qaflow", obj=made)
