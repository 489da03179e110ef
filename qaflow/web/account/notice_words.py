"""Topics of notices, ways of telling and kinds of channels, in words."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

TOPICS: dict[str, Any] = {
    "decision": _("Something waits for my decision"),
    "returned": _("My work was rejected or sent back"),
    "reopened": _("A stage was reopened"),
    "warning": _("A warning of mine"),
    "correction": _("A correction waits for my confirmation"),
    "sheet": _("A diagnosis sheet is to be filled in"),
    "transferred": _("Work was passed on to me"),
    "escalated": _("Overdue work came up to me"),
    "reminder": _("Somebody reminds me"),
    "copy": _("A copy for me"),
    "mention": _("Somebody named me"),
    "incident": _("A quality incident"),
    "task": _("A task of the year was given to me"),
}
HOWS: dict[str, Any] = {"urgent": _("at once"), "digest": _("in the digest"), "off": _("not at all")}
BOTS: dict[str, Any] = {"wecom": _("WeCom"), "dingtalk": _("DingTalk"), "feishu": _("Feishu")}
CHANNELS: dict[str, Any] = {"mail": _("Mail"), **BOTS}
