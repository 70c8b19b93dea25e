"""The error bodies that both of OpenAI's formats share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fakes.script import ErrorName

ERRORS: Mapping[ErrorName, tuple[str, str | None, str]] = {
    "auth": ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-fake."),
    "forbidden": ("invalid_request_error", "unsupported_country_region_territory", "Country not supported"),
    "quota": ("insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "rate_limit": ("tokens", "rate_limit_exceeded", "Rate limit reached for fake-1 on tokens per min."),
    "model": ("invalid_request_error", "model_not_found", "The model `gpt-nothing` does not exist."),
    "invalid": ("invalid_request_error", None, "invalid request"),
    "context": (
        "invalid_request_error", "context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
    ),
    "too_large": ("invalid_request_error", "string_above_max_length", "Request too large"),
    "server": ("server_error", "server_error", "The server had an error while processing your request."),
    "overloaded": ("server_error", "server_is_overloaded", "The engine is currently overloaded."),
}  # fmt: skip


def inner(name: ErrorName, message: str = "") -> dict[str, Any]:
    """Return the error object alone."""
    kind, code, usual = ERRORS[name]
    return {"message": message or usual, "type": kind, "param": None, "code": code}


def error(name: ErrorName, message: str = "") -> bytes:
    """Return an error body."""
    return json.dumps({"error": inner(name, message)}).encode()
