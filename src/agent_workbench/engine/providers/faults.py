"""Name what went wrong between here and a model, in the same words for every wire format.

Rules: the error pages of both APIs (https://platform.claude.com/docs/en/api/errors,
https://platform.openai.com/docs/guides/error-codes) and what compatible servers answer instead.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from agent_workbench.configs.secrets import DOTS
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.providers.address import secrets_of_address, shown_address
from agent_workbench.errors import ProviderError, ProviderFault

#: What providers call a fault, in `error.type`, `error.code` or `error.details.error_code`.
NAMED: Mapping[str, ProviderFault] = {
    "authentication_error": "auth", "permission_error": "auth", "invalid_api_key": "auth",
    "billing_error": "quota", "insufficient_quota": "quota", "billing_hard_limit_reached": "quota",
    "contract_spend_limit_reached": "quota", "enforced_spend_limit_reached": "quota",
    "linked_organization_spend_limit_reached": "quota",
    "rate_limit_error": "rate_limit", "rate_limit_exceeded": "rate_limit", "ramp_limit_exceeded": "rate_limit",
    "model_not_found": "model",
    "context_length_exceeded": "context_exceeded", "request_too_large": "context_exceeded",
    "string_above_max_length": "context_exceeded", "exceed_context_size_error": "context_exceeded",
    "invalid_request_error": "invalid_request", "invalid_prompt": "invalid_request",
    "api_error": "server", "overloaded_error": "server", "server_error": "server", "server_is_overloaded": "server",
    "timeout_error": "server",
}  # fmt: skip
RETRYABLE: frozenset[ProviderFault] = frozenset(
    {"rate_limit", "server", "connection", "timeout", "interrupted", "protocol"}
)

#: The key of a provider's config that a fault is most likely about.
_BLAMED: Mapping[ProviderFault, str] = {
    "auth": "api_key", "quota": "api_key", "model": "default_model", "setup": "base_url",
}  # fmt: skip

_TOO_LONG = re.compile(
    r"prompt is too long|context (?:length|window|size)|maximum context|exceeds? the (?:available )?context"
    r"|too many tokens",
    re.IGNORECASE,
)
_USED_UP = re.compile(
    r"credit balance|insufficient (?:credit|fund|balance|quota)|exceeded your current quota", re.IGNORECASE
)
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_NO_MODEL = re.compile(r"not a valid model|model\b.{0,80}\b(?:not found|does not exist|not exist)", re.IGNORECASE)
_ONLY_MODEL = re.compile(r"model: (\S+)")
_STATUS: Mapping[int, ProviderFault] = {
    400: "invalid_request", 401: "auth", 402: "quota", 403: "auth", 404: "model", 408: "server", 409: "server",
    413: "context_exceeded", 422: "invalid_request", 425: "server", 429: "rate_limit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked whom: what a message names so that a person finds the line to change."""

    id: str
    base_url: str = field(repr=False)
    """Where requests go, with whatever secret stands in it: show `address` instead."""
    model: str = ""
    key_variable: str = ""
    secret: str = field(default="", repr=False)
    """The key that is sent: some servers repeat it in their errors, and nobody shall read it there."""
    own_values: tuple[str, ...] = field(default=(), repr=False)
    """The values of the headers that the config sets, which may be keys, too."""

    def hidden(self, text: str) -> str:
        """Return a text with what is sent in secret as dots; what is shorter than five characters is no secret."""
        secrets = {self.secret, *self.own_values, *secrets_of_address(self.base_url)}
        for value in sorted(secrets, key=len, reverse=True):
            text = text.replace(value, DOTS) if len(value) > 4 else text
        return text

    @property
    def address(self) -> str:
        """The address as it may be shown."""
        return shown_address(self.base_url)

    def at(self, key: str) -> str:
        """Return the place of a key of this provider's config, as a plan's origins spell it."""
        return f"providers[{self.id}].config.{key}"


def refused(caller: Caller, status: int, headers: Mapping[str, str], body: str) -> ProviderError:
    """Name an answer with an error status. A body that is not the API's own JSON (a proxy's page) is no obstacle."""
    names, message = read_error(body)
    kind = _kind(names, message, _STATUS.get(status, "server" if status >= 500 else "invalid_request"), status)
    fault = named(caller, kind, message or f"answered with status {status}", status)
    fault.retry_after = retry_after(headers)
    fault.request_id = headers.get("request-id") or headers.get("x-request-id")
    return fault


def reported(caller: Caller, error: Any, request_id: str = "") -> ProviderError:
    """Name an error object that came inside a stream that had begun with status 200."""
    names, message = _names(error)
    kind = _kind(names, message, "server", None)
    fault = named(caller, kind, message or "reported an error without saying which")
    fault.request_id = request_id or None
    return fault


def named(caller: Caller, kind: ProviderFault, detail: str, status: int | None = None) -> ProviderError:
    """Make the fault: what happened, then what to change where something can be changed."""
    key = _BLAMED.get(kind, "")
    at = caller.at(key) if key else ""
    where = {
        "auth": f"Check {at}" + (f" or {caller.key_variable}" * bool(caller.key_variable)),
        "quota": f"The account behind {at} is used up",
        "model": f"Check {at}" + (f" ({caller.model})" * bool(caller.model)),
        "setup": f"Check {at} ({caller.address})",
    }.get(kind, "")
    text = clean_line(caller.hidden(detail)[:2000], 500).rstrip(".")
    if kind == "model" and (only := _ONLY_MODEL.fullmatch(text)):
        text = f"there is no model {only[1]} for this key"  # all that the Messages API says is `model: NAME`
    sentence = f"{caller.id}: {text}." + (f" {where}." * bool(where))
    return ProviderError(sentence, kind=kind, retryable=kind in RETRYABLE, status=status, config_path=at)


def unreachable(caller: Caller, error: BaseException) -> ProviderError:
    """Name a failure of the connection, before or inside an answer. `error` is httpx2's, or an SDK's around it."""
    import httpx2

    chain = list(_chain(error))
    # A handshake that only takes too long leaves an SSLWantReadError behind, and is a timeout.
    tls = [one for one in chain if isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLWantReadError)]
    if tls:
        why = getattr(tls[0], "verify_message", "")  # only a certificate that was refused has one
        return named(caller, "setup", f"no trusted TLS connection: {why or tls[0]}")
    for one in chain:
        match one:
            case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
                return named(caller, "timeout", f"no connection to {caller.address} in time")
            case httpx2.TimeoutException():
                return named(caller, "timeout", f"nothing came for longer than {caller.at('timeout')} allows")
            case httpx2.ConnectError():
                return named(caller, "connection", f"no connection to {caller.address} ({one})")
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL() | httpx2.LocalProtocolError():
                return named(caller, "setup", f"the request cannot be sent: {one}")
            case httpx2.SSEError():
                return named(caller, "protocol", f"the stream cannot be read: {one}")
            case httpx2.TransportError():
                return named(caller, "interrupted", "the connection was lost" + (f" ({one})" if str(one) else ""))
            case httpx2.HTTPError():
                return named(caller, "protocol", f"the answer cannot be read: {one}")
    return named(caller, "connection", f"the request failed: {error}")


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return how long to wait in seconds, or None where nothing (sensible) is said.

    Reads `retry-after-ms`, then `retry-after` in seconds, milliseconds (`250ms`) or as an HTTP date; a date in
    the past is 0. Source: RFC 9110 section 10.2.3.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "").strip().lower()
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("", 1.0)):
        if text.endswith(suffix) and (count := _number(text.removesuffix(suffix))) is not None:
            return count * factor
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def read_error(body: str) -> tuple[list[str], str]:
    """Return the names and the message of an error body; of a page that is not JSON, its title."""
    try:
        data = json.loads(body)
    except ValueError:
        title = re.search(r"<title[^>]*>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
        return [], title.group(1).strip() if title else ""
    if isinstance(data, list) and data:  # some servers wrap the object in a list
        data = data[0]
    return _names(data.get("error", data) if isinstance(data, dict) else data)


def _names(error: Any) -> tuple[list[str], str]:
    if not isinstance(error, dict):
        return [], error if isinstance(error, str) else ""
    details = error.get("details")
    inner = details.get("error_code") if isinstance(details, dict) else None
    names = [name for name in (inner, error.get("code"), error.get("type")) if isinstance(name, str)]
    message = error.get("message") or error.get("detail")
    return names, message if isinstance(message, str) else ""


def _kind(names: list[str], message: str, usual: ProviderFault, status: int | None) -> ProviderFault:
    """Judge by the names first, most exact first; a general name does not outweigh an exact status."""
    known = [NAMED[name] for name in names if name in NAMED]
    exact = [found for found in known if found not in ("invalid_request", "server")]
    kind = (exact or ([] if status else known) or [usual])[0]
    if kind in ("invalid_request", "server") and _TOO_LONG.search(message):
        return "context_exceeded"
    if kind in ("invalid_request", "rate_limit") and _USED_UP.search(message):
        return "quota"
    if kind == "invalid_request" and _NO_MODEL.search(message):
        return "model"
    if status == 404 and not exact and not _MODEL.search(message):
        return "setup"  # no such page: the address is wrong, not the model
    return kind


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,15}(\.\d{0,9})?\s*", text, re.ASCII) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
