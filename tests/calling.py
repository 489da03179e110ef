"""A program without a screen on the tiny college: bears a token and sends JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from browsing import Site
from werkzeug.test import TestResponse

from qaflow.services.accounts import passwords
from qaflow.store.db import db

API = "/api/v1"


@dataclass
class Program:
    """One client: its token and what it is answered."""

    site: Site
    token: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request; ``_`` stands for ``-`` in the name of a header."""
        sent = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        data = body if isinstance(body, bytes | str) or body is None else json.dumps(body)
        kind = {"content_type": "application/json"} if body is not None and "Content-Type" not in sent else {}
        return self.site.app.test_client().open(API + path, method=method, data=data, headers=sent, **kind)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Look."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Act."""
        return self.ask("POST", path, body, **headers)

    def fire(self, cycle: int, action: str, **args: Any) -> TestResponse:
        """Act on a cycle as it stands."""
        tag = self.get(f"/cycles/{cycle}").headers["ETag"]
        return self.post(f"/cycles/{cycle}/actions/{action}", args, If_Match=tag)


def program(site: Site, login: str) -> Program:
    """Return a client with a token of somebody's, for everything."""
    return Program(site, passwords.token_for(db.session, site.world.origin(), login))


def code(answer: TestResponse) -> tuple[int, str]:
    """Return the status and the stable code of a refusal."""
    return answer.status_code, answer.get_json(force=True)["code"]
