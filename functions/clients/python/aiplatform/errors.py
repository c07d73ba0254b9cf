"""What can go wrong."""

from __future__ import annotations

import json
from typing import Any


class ApiError(Exception):
    """The platform refused a request. ``code`` is stable and the same in every language; the texts are for people."""

    def __init__(self, status: int, problem: dict[str, Any], body: str = "") -> None:
        self.status = status
        """The HTTP status."""
        self.code: str | None = problem.get("code")
        """The stable code, such as ``not_found``; None when something else than the platform answered."""
        self.title: str | None = problem.get("title")
        """A short text in the caller's language."""
        self.detail: str | None = problem.get("detail")
        """What was wrong with this request."""
        self.errors: dict[str, list[str]] = problem.get("errors") or {}
        """Messages by field, where single fields are wrong."""
        super().__init__(f"{status} {self.code or 'error'}: {self.detail or self.title or body[:500]}")

    @classmethod
    def read(cls, status: int, content_type: str, body: bytes) -> ApiError:
        """The error that an answer tells of."""
        text = body.decode("utf-8", "replace")
        if content_type.split(";")[0].strip() == "application/problem+json":
            try:
                return cls(status, json.loads(text), text)
            except ValueError:
                pass  # A proxy cut the document short: the status and the text still say what happened.
        return cls(status, {}, text)


class TransferError(Exception):
    """Bytes did not arrive as they were sent, or the storage refused them."""
