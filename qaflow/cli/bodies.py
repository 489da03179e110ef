"""Requests of doubtful length are refused, so that what stands in front and this program part them alike."""

from __future__ import annotations

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError


class Parser(HTTPRequestParser):
    """Takes a body in chunks or of a told length, never of both (RFC 9112, 6.1 and 6.3)."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header; a proxy that goes by the length would take a part of the body for a request."""
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("a body has a length or comes in chunks")


class Channel(HTTPChannel):
    """A connection whose requests are read so."""

    parser_class = Parser
