"""Mail over SMTP: text and HTML in one message, the Message-ID ours, so that a message sent again is the same one.

The connection is kept between messages of one delivery.  With a name and password it goes over TLS or not at all,
save to this machine itself.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

from qaflow.config import LOOPBACK
from qaflow.errors import Invalid, Unavailable
from qaflow.services.ports import Notice

PORTS = {"smtp": 25, "smtps": 465}
SECONDS = 10.0  # for each step of the conversation


class SmtpMailer:
    """Sends over ``smtp://user:password@host:port?from=address&domain=college.edu.cn`` (``smtps``: TLS from the start).

    ``domain`` completes logins to addresses, where the college's mail knows people by their logins.
    """

    def __init__(self, url: str) -> None:
        """Take the address; nothing is connected before the first message."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.secure, self.host = parts.scheme == "smtps", parts.hostname or ""
        self.port = parts.port or PORTS[parts.scheme]
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender, self.domain = asked["from"], asked.get("domain", "")
        self._held: smtplib.SMTP | None = None
        self._lock = Lock()

    def send(self, notice: Notice) -> None:
        """Send a message.

        Raises `Invalid` (``mail.no_address``) where nobody knows the person's address, `Unavailable` with
        ``mail.unreachable`` for a server that cannot be spoken with, ``mail.refused`` for one that does not take it.
        """
        message = self._written(notice)
        if not self._lock.acquire(timeout=SECONDS):
            raise Unavailable("mail.unreachable", f"the mail server {self.host} is still busy with a message before")
        try:
            self._sent(message)
        except (OSError, smtplib.SMTPException) as error:
            told = self._told(error)
            self._drop()
            raise told from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Part from the server, where a connection is kept."""
        if self._lock.acquire(timeout=SECONDS):
            try:
                held, self._held = self._held, None
                if held is not None:
                    with suppress(OSError, smtplib.SMTPException):
                        held.quit()
                    held.close()
            finally:
                self._lock.release()

    def _told(self, error: Exception) -> Unavailable:
        """Say what a failure concerns: the server, or this message alone."""
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return Unavailable("mail.unreachable", f"{self.host} does not take the password: {error.smtp_code}")
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, text = next(iter(error.recipients.values()))
            return Unavailable("mail.refused", f"{self.host} answered {code} {_text(text)}")
        if isinstance(error, smtplib.SMTPNotSupportedError) and self._held is not None:
            return Unavailable("mail.refused", f"{self.host} cannot write to this address")
        if isinstance(error, smtplib.SMTPResponseException) and not isinstance(error, smtplib.SMTPConnectError):
            return Unavailable("mail.refused", f"{self.host} answered {error.smtp_code} {_text(error.smtp_error)}")
        return Unavailable("mail.unreachable", f"{self.host}:{self.port}: {type(error).__name__}: {error}")

    def _written(self, notice: Notice) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        home = self.sender.rpartition("@")[2]
        title = "质量诊改平台" if notice.language == "zh" else "Quality spirals"
        message["From"] = Address(title, addr_spec=self.sender)
        message["To"] = self._address(notice)
        message["Subject"] = notice.subject
        message["Message-ID"] = f"<{notice.key}@{home}>"
        if notice.at is not None:
            message["Date"] = format_datetime(notice.at)
        message["List-Id"] = f"qaflow <notices.{home}>"
        message["Auto-Submitted"] = "auto-generated"
        if notice.why:
            message["List-Help"] = f"<{notice.why}>"
        message.set_content(notice.body)
        if notice.html:
            message.add_alternative(notice.html, subtype="html")
        # Last: to set the content takes away every header whose name begins with Content
        message["Content-Language"] = {"zh": "zh-CN"}.get(notice.language, notice.language)
        return message

    def _address(self, notice: Notice) -> str:
        if "@" in notice.to:
            return notice.to
        if not self.domain or not notice.given:
            raise Invalid("mail.no_address", f"{notice.to} has no mail address: enter one on the profile or their page")
        return f"{notice.to}@{self.domain}"

    def _sent(self, message: EmailMessage) -> None:
        """Send over the connection kept, or over a new one where the server has closed it meanwhile."""
        if self._held is not None:
            try:
                self._held.noop()
            except (OSError, smtplib.SMTPException):
                self._drop()
        if self._held is None:
            self._held = self._connected()
        self._held.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        made = (smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context) if self.secure
                else smtplib.SMTP(self.host, self.port, timeout=SECONDS))  # fmt: skip
        try:
            made.ehlo_or_helo_if_needed()
            if not self.secure and made.has_extn("starttls"):
                made.starttls(context=context)
                made.ehlo()
            elif not self.secure and self.user and self.host not in LOOPBACK:
                raise Unavailable("mail.unreachable", f"{self.host} offers no TLS: the password would go in the clear")
            if self.user:
                made.login(self.user, self.password)
        except BaseException:
            made.close()
            raise
        return made

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with suppress(OSError, smtplib.SMTPException):
                held.close()


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
