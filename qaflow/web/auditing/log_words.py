"""What the page of event logs says of each kind."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

KINDS: dict[str, tuple[Any, Any]] = {
    "xes": ("XES", _("For process mining (IEEE 1849-2016): a trace for each cycle, an event for each fact.")),
    "ocel": ("OCEL 2.0", _("For object-centred mining, in JSON: cycles, subjects, work items and warnings, with the "
                              "facts that touch them.")),
    "journal": (_("Journal"), _("For keeping, in lines of JSON: every entry with its digest and the one before. With "
                                "names each digest can be reckoned again.")),
}  # fmt: skip
"""Name and use of each kind of log."""
