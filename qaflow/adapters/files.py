"""Evidence on disk: each file under its own SHA-256, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from qaflow.errors import Unavailable


class FolderFiles:
    """A folder of files named after their content; the same content is kept once."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, made when the first file is kept."""
        self.folder = folder

    def keep(self, data: bytes) -> str:
        """Keep the bytes and return their SHA-256; they are on disk when this returns."""
        digest = hashlib.sha256(data).hexdigest()
        place = self._place(digest)
        if not place.exists():
            try:
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._write(place, data)
            except OSError as error:
                raise Unavailable("evidence.folder", f"cannot write into {self.folder}: {error.strerror}") from error
        return digest

    def read(self, digest: str) -> bytes | None:
        """Return the bytes under a digest, whatever they are now, or None."""
        try:
            return self._place(digest).read_bytes()
        except OSError:
            return None

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    @staticmethod
    def _write(place: Path, data: bytes) -> None:
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
