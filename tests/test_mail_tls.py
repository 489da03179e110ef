"""Mail over TLS against a real server: by STARTTLS and from the start, with a login, never to one unproven."""

from __future__ import annotations

import ssl
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from certifying import certificate
from mailing import PASSWORD, smtp
from test_outside_p18 import NOTICE

from qaflow.adapters.mail import mailer
from qaflow.adapters.smtp import SmtpMailer
from qaflow.errors import Unavailable
from qaflow.services.ports import Notice

WHO = f"qaflow:{quote(PASSWORD, safe='')}@"
WAYS: dict[str, Any] = {"smtp": {}, "smtps": {"implicit": True, "auth_require_tls": False}}
"""How each is served; the server's library knows of no TLS but STARTTLS, and would offer no login without."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the server's certificate and its key."""
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def context(files: tuple[Path, Path]) -> ssl.SSLContext:
    """Return what the server proves itself by."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(*files)
    return made


@pytest.fixture
def trusted(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust the certificate, as an operator does with that of a campus."""
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))


def tried(url: str, notice: Notice = NOTICE) -> Unavailable:
    """Try to send, and return why it could not be."""
    by = SmtpMailer(url)
    with closing(by), pytest.raises(Unavailable) as told:
        by.send(notice)
    return told.value


@pytest.mark.parametrize("scheme", WAYS)
def test_a_mail_and_the_password_go_over_tls(trusted: None, context: ssl.SSLContext, scheme: str) -> None:
    with smtp(context, **WAYS[scheme]) as sink:
        by = mailer(sink.address("localhost", scheme, WHO))
        with closing(by):  # type: ignore[type-var]
            by.send(NOTICE)
            by.send(NOTICE)

    assert sink.given == [("qaflow", PASSWORD)]  # one connection for both
    assert sink.secure == [True, True] and len(set(sink.ids)) == 1


@pytest.mark.parametrize("scheme", WAYS)
def test_a_certificate_that_this_machine_does_not_trust_gets_neither_mail_nor_password(
    context: ssl.SSLContext, scheme: str
) -> None:
    with smtp(context, **WAYS[scheme]) as sink:
        error = tried(sink.address("localhost", scheme, WHO))

    assert error.code == "mail.unreachable" and "CERTIFICATE_VERIFY_FAILED" in error.detail
    assert PASSWORD not in error.detail and sink.given == [] and sink.mails == []


@pytest.mark.parametrize("scheme", WAYS)
def test_a_trusted_certificate_of_another_name_is_none(trusted: None, context: ssl.SSLContext, scheme: str) -> None:
    with smtp(context, **WAYS[scheme]) as sink:
        error = tried(sink.address("127.0.0.1", scheme, WHO))

    assert error.code == "mail.unreachable" and sink.given == [] and sink.mails == []


def test_where_tls_is_taken_out_of_the_offer_the_password_stays_here() -> None:
    """Whoever stands between can strike STARTTLS from what the server offers."""
    with smtp(host="127.0.0.2", auth_require_tls=False) as sink:
        error = tried(sink.address("127.0.0.2", who=WHO))

    assert error.code == "mail.unreachable" and "in the clear" in error.detail
    assert sink.given == [] and sink.mails == []


def test_a_server_without_tls_is_not_spoken_with_where_tls_is_asked_for() -> None:
    with smtp() as sink:
        error = tried(sink.address("localhost", "smtps"))

    assert error.code == "mail.unreachable" and sink.mails == []


def test_a_wrong_password_is_the_channels_fault_and_is_not_told(trusted: None, context: ssl.SSLContext) -> None:
    with smtp(context) as sink:
        error = tried(sink.address("localhost", who="qaflow:hush-hush@"))

    assert error.code == "mail.unreachable" and "535" in error.detail
    assert "hush-hush" not in error.detail and sink.mails == []


@pytest.mark.parametrize("to", ["张三", "zhang@学院.cn"])
def test_an_address_that_the_server_cannot_write_concerns_its_mail_alone(to: str) -> None:
    """Else one such address would let the whole channel rest, and nobody would be told anything."""
    with smtp() as sink:
        error = tried(sink.url, Notice(**{**vars(NOTICE), "to": to}))
        with closing(SmtpMailer(sink.url)) as by:
            by.send(NOTICE)

    assert error.code == "mail.refused"
    assert [str(mail["To"]) for mail in sink.mails] == ["lead@college.test"]


def test_an_address_of_another_script_is_written_to_a_server_that_can() -> None:
    with smtp(enable_SMTPUTF8=True) as sink, closing(SmtpMailer(sink.url)) as by:
        by.send(Notice(**{**vars(NOTICE), "to": "张三"}))

    assert len(sink.mails) == 1 and "张三@college.test" in str(sink.mails[0]["To"])


@pytest.mark.parametrize(
    ("language", "told", "title"), [("zh", "zh-CN", "质量诊改平台"), ("en", "en", "Quality spirals")]
)
def test_a_mail_says_in_which_language_it_is(language: str, told: str, title: str) -> None:
    words = {"zh": "您有 3 项工作已逾期", "en": "3 of your work items are overdue"}[language]
    notice = Notice(**{**vars(NOTICE), "language": language, "body": f"{words}\n", "html": f"<p>{words}</p>"})
    with smtp() as sink, closing(SmtpMailer(sink.url)) as by:
        by.send(notice)

    mail: Any = sink.mails[0]
    assert mail["Content-Language"] == told and mail["From"].addresses[0].display_name == title
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [words in part.get_content() for part in mail.iter_parts()] == [True, True]
