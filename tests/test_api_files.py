"""The API: files as bodies and as replies, on a resource of the test's own."""

from collections.abc import Iterator

import pytest
from browsing import site as made
from calling import Program, code, program

from qaflow import web
from qaflow.api.calling import Call
from qaflow.api.files import FileAnswer
from qaflow.api.resource import Operation, Resource
from qaflow.api.schemas import Strict, whole
from qaflow.config import Settings
from qaflow.store.db import db

MOST = 100


class Size(Strict):
    """How much was read."""

    size = whole(required=True)


@pytest.fixture
def lead(settings: Settings) -> Iterator[Program]:
    """Return a client of a program that reads and hands out files."""
    site, resource = made(settings), Resource("api_trial", __name__, url_prefix="/trial")

    @resource.post("", reads=("text/csv", "application/pdf"), most=MOST, gives=Size)
    def keep(call: Call) -> dict[str, int]:
        """Keep a file."""
        return {"size": len(call.data)}

    @resource.get("", hands=("text/csv",))
    def fetch(call: Call) -> FileAnswer:
        """Hand out a file."""
        return FileAnswer(name='课程"a.csv', media="text/csv", data=b"a,b\r\n\xff\x00", tag="t")

    site.app.extensions["qaflow.api"].register_blueprint(resource, url_prefix="/api/v1/trial")
    web.csrf.exempt(resource)  # as the app does with each resource
    yield program(site, "lead")
    db.session.remove()
    db.engine.dispose()


def test_a_file_is_read_as_it_is_up_to_its_bound(lead: Program) -> None:
    full = lead.post("/trial", b"\xff" * MOST, Content_Type="application/pdf")

    assert (full.status_code, full.get_json()) == (200, {"size": MOST}), full.text
    assert code(lead.post("/trial", b"x" * (MOST + 1), Content_Type="text/csv")) == (413, "body.too_large")


def test_other_types_and_packed_files_are_refused_by_name(lead: Program) -> None:
    other = lead.post("/trial", b"{}", Content_Type="application/json")

    assert code(other) == (415, "media.unsupported")
    assert other.headers["Accept"] == "text/csv, application/pdf"
    packed = lead.post("/trial", b"x", Content_Type="text/csv", Content_Encoding="gzip")
    assert code(packed) == (415, "media.unsupported")


def test_a_key_belongs_to_one_file_of_one_type(lead: Program) -> None:
    assert lead.post("/trial", b"x", Content_Type="text/csv", Idempotency_Key="k").status_code == 200

    again = lead.post("/trial", b"x", Content_Type="application/pdf", Idempotency_Key="k")

    assert code(again) == (422, "idempotency.mismatch")


def test_a_file_is_handed_out_byte_for_byte_to_be_kept_not_shown(lead: Program) -> None:
    found = lead.get("/trial", Accept="text/csv")

    assert (found.status_code, found.data, found.mimetype) == (200, b"a,b\r\n\xff\x00", "text/csv")
    assert found.headers["Content-Disposition"].startswith('attachment; filename="___a.csv"; filename*=UTF-8')
    assert found.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert found.headers["ETag"] == '"t"'
    assert code(lead.get("/trial", Accept="application/json")) == (406, "media.not_acceptable")


def test_the_description_names_the_types_and_the_bound(lead: Program) -> None:
    told = lead.get("/openapi.json").get_json()["paths"]["/api/v1/trial"]

    assert set(told["post"]["requestBody"]["content"]) == {"text/csv", "application/pdf"}
    assert told["post"]["requestBody"]["content"]["text/csv"]["schema"]["maxLength"] == MOST
    assert {"413", "415"} <= set(told["post"]["responses"])
    assert set(told["get"]["responses"]["200"]["content"]) == {"text/csv"}


def test_a_changing_operation_hands_out_no_file() -> None:
    with pytest.raises(ValueError, match="one that looks"):
        Operation(method="POST", scope="work", hands=("text/csv",))
