"""What leaves as a document: workbooks and pictures."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """A writer of documents that is imported when it is first used: the libraries behind it are heavy."""

    def __init__(self, target: str, *args: Any) -> None:
        """Take its place as ``module:name``, and what it is made with."""
        self._target, self._args = target, args
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        """Return what the writer offers under a name."""
        if self._made is None:
            module, _, kind = self._target.partition(":")
            self._made = getattr(import_module(module), kind)(*self._args)
        return getattr(self._made, name)
