"""Forms of the notices: how a person is told, and the bot of a group."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from qaflow.config import ADDRESS_LENGTH as ADDRESS
from qaflow.engine.quiet import HOURS, USUAL_HOUR
from qaflow.services.notices.channels import ADDRESS_LENGTH, NewBot
from qaflow.services.notices.choices import Told
from qaflow.services.words import NAME_LENGTH
from qaflow.store.telling import Choice
from qaflow.web.forms import Form, required
from qaflow.web.wording import FAULTS

from .notice_words import BOTS


class Notices(Form):
    """Mail or none, its address, the digest's hour."""

    mail = SelectField(
        _("Tell me by"), choices=[SelectChoice("yes", _("mail")), SelectChoice("no", _("the inbox alone"))]
    )
    address = StringField(_("Mail address"), [Optional(), Length(max=ADDRESS, message=FAULTS["text.too_long"])])
    hour = SelectField(_("Digest at"), choices=[SelectChoice(str(h), f"{h}:00") for h in HOURS])

    @classmethod
    def of(cls, told: Told | None) -> Notices:
        """Return the form as it stands."""
        choice = told.choice if told else Choice(True, None, USUAL_HOUR)
        return cls(formdata=None, mail="yes" if choice.mail else "no", address=choice.address or "",
                   hour=str(choice.hour))  # fmt: skip

    def choice(self) -> Choice:
        """Return what was chosen."""
        return Choice(self.mail.data == "yes", (self.address.data or "").strip() or None, int(self.hour.data))


class Bot(Form):
    """The bot of a group, and of what it speaks."""

    kind = SelectField(_("Kind"), choices=[SelectChoice(key, name) for key, name in BOTS.items()])
    name = StringField(_("Name of the group"), required(NAME_LENGTH))
    address = PasswordField(_("Address of the bot"), [InputRequired(FAULTS["text.blank"]),
                            Length(max=ADDRESS_LENGTH, message=FAULTS["text.too_long"])])  # fmt: skip
    secret = PasswordField(_("Signing secret (may be left out)"), [Optional(), Length(max=NAME_LENGTH)])
    unit = SelectField(_("Speaks of"), [Optional()], choices=[])
    language = SelectField(_("Language"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")])

    def bot(self) -> NewBot:
        """Return the bot that was entered."""
        unit = int(self.unit.data) if self.unit.data else None
        return NewBot(kind=self.kind.data, name=self.name.data or "", address=(self.address.data or "").strip(),
                      secret=(self.secret.data or "").strip(), unit=unit, language=self.language.data)  # fmt: skip
