"""Failures as HTTP answers: `{"detail": …}`, and below `/v1` the shape that OpenAI's clients expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
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
#: Told to OpenAI's clients, which send again by themselves what failed: a question would stand twice in its session,
#: and a name that two agents have stays one.
NOT_AGAIN = {"x-should-retry": "false"}
#: What is said where nobody foresaw what happened.
CRASHED = "something broke in the server; its log says what"
#: What the pages say of the kinds of failure.
MEANINGS = {
    400: "Content that cannot be used, or a `Host` that is not ours.", 401: "No token, or a wrong one.",
    403: "A web page of an origin that is not named.", 404: "No such thing.",
    409: "Somebody was faster, or it is in use.", 413: "The body is too large.",
    422: "A field is missing, unknown or of the wrong kind, or a config cannot run.",
    429: "As many turns run as may.", 502: "The model provider failed.",
}  # fmt: skip
#: Seconds after which a client may try again what was too busy.
RETRY_AFTER = {429: "1", 503: "1"}


#: How many of a request's faults are named.
NAMED = 5


class Failure(BaseModel):
    """What is said of a request that failed."""

    detail: str
    problems: list[dict[str, Any]] = []


class OpenAIError(BaseModel):
    """What OpenAI's clients read of a failure."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIFailure(BaseModel):
    """What is said below `/v1` of a request that failed."""

    error: OpenAIError


def status_of(error: WorkbenchError) -> int:
    """Return the HTTP status of a failure."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def words_of(error: WorkbenchError) -> str:
    """Return what is said of a failure."""
    return f"{error.title}: {error}"


def refusals(*statuses: int, model: type[BaseModel] = Failure) -> dict[int | str, dict[str, Any]]:
    """Return the failures of a route as its page describes them."""
    return {status: {"description": MEANINGS[status], "model": model} for status in statuses}


def openai_refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the same for a route below `/v1`."""
    return refusals(*statuses, model=OpenAIFailure)


def is_openai(request: Request) -> bool:
    """Whether a request is one of OpenAI's clients'."""
    return f"{request.url.path}/".startswith("/v1/")


def answer(
    request: Request,
    status: int,
    words: str,
    *,
    code: str | None = None,
    param: str | None = None,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make the answer to a request that failed. Below `/v1` what is 422 elsewhere is 400, as with OpenAI."""
    more = {"Retry-After": RETRY_AFTER[status]} if status in RETRY_AFTER else {}
    words = words.encode("utf-8", "replace").decode()  # half a surrogate pair in a request's JSON comes back in words
    if is_openai(request):
        status = 400 if status == 422 else status
        shape = openai_error(words, status, code=code, param=param)
    else:
        shape = {"detail": words, **({"problems": [one.to_json() for one in problems]} if problems else {})}
    return JSONResponse(shape, status, {**more, **(headers or {})})


def openai_error(words: str, status: int, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return a failure in OpenAI's shape."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": words, "type": kind, "param": param, "code": code}}


def install(app: FastAPI) -> None:
    """Let an application answer so."""
    app.add_exception_handler(WorkbenchError, _expected)
    app.add_exception_handler(RequestValidationError, _shape)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _crashed)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WorkbenchError)
    problems = error.problems if isinstance(error, ConfigError) else ()
    headers = NOT_AGAIN if isinstance(error, Ambiguous) else None
    return answer(
        request, status_of(error), words_of(error), code=_code(error), problems=problems, headers=headers
    )  # fmt: skip


async def _shape(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [".".join(str(part) for part in one["loc"] if part != "body") or "body" for one in error.errors()]
    said = [str(one["msg"]).removeprefix("Value error, ") for one in error.errors()]
    found = list(dict.fromkeys(f"{place}: {one}" for place, one in zip(places, said, strict=True)))
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    words = "; ".join(found[:NAMED]) + more
    return answer(request, 422, words, code="invalid_value", param=places[0] if places else None)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = error.detail if error.detail else HTTPStatus(error.status_code).phrase
    return answer(request, error.status_code, said, headers=error.headers)


async def _crashed(request: Request, error: Exception) -> JSONResponse:
    return answer(request, 500, CRASHED)


def _code(error: WorkbenchError) -> str:
    """Return the failure's own name, `session_busy`, which a client can compare."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
