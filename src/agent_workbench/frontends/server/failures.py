"""Failures as HTTP answers: `{"detail": …}`, and below `/v1` the shape that OpenAI's clients expect."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent_workbench.configs.problems import Problem
from agent_workbench.errors import (
    Ambiguous,
    ConfigError,
    Conflict,
    InvalidBundle,
    LimitReached,
    NotFound,
    PermissionRuleError,
    ProviderError,
    StorageBusy,
    StorageError,
    UsageError,
    WorkbenchError,
)
from agent_workbench.frontends.server.running import TooBusy

#: HTTP statuses, the first that fits. Source: the HTTP contract.
STATUSES: Sequence[tuple[type[WorkbenchError], int]] = (
    (TooBusy, 429), (NotFound, 404), (Conflict, 409), (Ambiguous, 409), (UsageError, 422), (InvalidBundle, 422),
    (ConfigError, 400), (PermissionRuleError, 400), (LimitReached, 400), (ProviderError, 502), (StorageBusy, 503),
    (StorageError, 500), (WorkbenchError, 500),
)  # fmt: skip
#: What OpenAI calls the kinds of failure.
TYPES = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 409: "conflict_error",
    429: "rate_limit_error",
}  # fmt: skip
#: Seconds after which a client may try again what was too busy.
RETRY_AFTER = {429: "1", 503: "1"}


def status_of(error: WorkbenchError) -> int:
    """Return the HTTP status of a failure."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def answer(
    request: Request,
    status: int,
    words: str,
    *,
    code: str | None = None,
    param: str | None = None,
    problems: Sequence[Problem] = (),
) -> JSONResponse:
    """Make the answer to a request that failed."""
    headers = {"Retry-After": RETRY_AFTER[status]} if status in RETRY_AFTER else None
    if request.url.path.startswith("/v1/"):
        return JSONResponse(openai_error(words, status, code=code, param=param), status, headers)
    more = {"problems": [one.to_json() for one in problems]} if problems else {}
    return JSONResponse({"detail": words, **more}, status, headers)


def openai_error(words: str, status: int, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return a failure in OpenAI's shape."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": words, "type": kind, "param": param, "code": code}}


def install(app: FastAPI) -> None:
    """Let an application answer so."""
    app.add_exception_handler(WorkbenchError, _expected)
    app.add_exception_handler(RequestValidationError, _shape)
    app.add_exception_handler(HTTPException, _http)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WorkbenchError)
    problems = error.problems if isinstance(error, ConfigError) else ()
    return answer(request, status_of(error), f"{error.title}: {error}", code=_code(error), problems=problems)


async def _shape(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [".".join(str(part) for part in one["loc"] if part != "body") or "body" for one in error.errors()]
    said = [str(one["msg"]).removeprefix("Value error, ") for one in error.errors()]
    words = "; ".join(f"{place}: {one}" for place, one in zip(places, said, strict=True))
    status = 400 if request.url.path.startswith("/v1/") else 422
    return answer(request, status, words, code="invalid_value", param=places[0] if places else None)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = error.detail if error.detail else HTTPStatus(error.status_code).phrase
    response = answer(request, error.status_code, said)
    response.headers.update(error.headers or {})
    return response


def _code(error: WorkbenchError) -> str:
    """Return the failure's own name, `session_busy`, which a client can compare."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
