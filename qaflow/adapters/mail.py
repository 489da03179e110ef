"""Mailers: the console and a folder of files for an installation without a mail server, and SMTP."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from qaflow.adapters.smtp import SmtpMailer
from qaflow.errors import Unavailable
from qaflow.services.ports import Mailer, Notice


class ConsoleMailer:
    """Writes each message to standard error."""

    def send(self, notice: Notice) -> None:
        """Print who would get what."""
        sys.stderr.write(f"to {notice.to}: {notice.subject} [{notice.key}]\n")


class FileMailer:
    """Writes each message into a file of its own, named after its key: the same message again is the same file."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, made when the first message is written."""
        self.folder = folder

    def send(self, notice: Notice) -> None:
        """Write the message as a mail file."""
        name = hashlib.sha256(notice.key.encode()).hexdigest()[:24]
        text = f"Message-ID: <{notice.key}@qaflow>\nTo: {notice.to}\nSubject: {notice.subject}\n\n{notice.body}\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{name}.eml").write_text(text, encoding="utf-8")
        except OSError as error:
            raise Unavailable("mail.folder", f"cannot write into {self.folder}: {error.strerror}") from error


def mailer(url: str) -> Mailer:
    """Return the mailer of a QAFLOW_MAIL_URL, which the settings checked: ``console:``, ``file:/folder``, ``smtp://…``."""
    kind, _, rest = url.partition(":")
    if kind in ("smtp", "smtps"):
        return SmtpMailer(url)
    return FileMailer(Path(rest.removeprefix("//"))) if kind == "file" else ConsoleMailer()
