"""What the providers that speak HTTP share: settings, keys, and a request's answer as decoded events.

The SDKs build, sign and send the request and read refusals. The stream is read here, event by event, because they
disagree about broken ones: a cut is a raw `httpx2` error in one and wrapped in the other, a page of HTML with status
200 is an AssertionError or an empty text.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Protocol

from pydantic import AliasChoices, Field

from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.conversation.messages import Thinking
from agent_workbench.engine import pricing
from agent_workbench.engine.ports import ReplyDone, ReplyItem, Request
from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.engine.retry import Backoff
from agent_workbench.errors import ProviderError

#: A whole reply is repeated in the last event of some formats, system prompt included; beyond this it is no event.
LONGEST_EVENT = 16 * 2**20
#: How much of an answer that is no stream is read to see what it is.
GLIMPSE = 64 * 2**10

#: What is sent as the key to servers that want none: the SDKs insist on one.
NO_KEY = "none"
#: Seconds to wait for the end of a stream whose reply is whole.
LINGER = 0.25

_THOUGHTS = re.compile(r"thinking|signature|reasoning|encrypted", re.IGNORECASE)

Send = Callable[[Any], AbstractAsyncContextManager[Any]]


class HTTPConfig(ModuleConfig):
    """Settings that every provider over HTTP has."""

    default_model: str = Field("", validation_alias=AliasChoices("default_model", "model"))
    """The model to use, by the provider's own name for it."""
    api_key: str | None = None
    """The key, best written as ${A_VARIABLE}; without it the usual environment variable is read."""
    base_url: str = ""
    """Where the API is; empty is the provider's own address."""
    max_tokens: int | None = Field(
        None, gt=0, validation_alias=AliasChoices("max_tokens", "max_output_tokens", "max_completion_tokens")
    )
    """The most tokens that one reply may have, thinking included."""
    temperature: float | None = Field(None, ge=0, le=2)
    """How freely to choose words, 0 to 2. Many new models refuse it: leave it empty unless you need it."""
    reasoning_effort: str = Field("", validation_alias=AliasChoices("reasoning_effort", "effort"))
    """How hard to think: none, minimal, low, medium, high, xhigh or max, as far as the model knows them."""
    timeout: float = Field(300.0, gt=0)
    """Seconds without a single byte after which a reply counts as stalled."""
    connect_timeout: float = Field(10.0, gt=0)
    """Seconds to wait for a connection."""
    headers: dict[str, str] = Field(
        default_factory=dict, validation_alias=AliasChoices("headers", "default_headers", "extra_headers")
    )
    """More HTTP headers to send with each request."""
    extra_body: dict[str, Any] = Field(
        default_factory=dict, validation_alias=AliasChoices("extra_body", "extra_request_params")
    )
    """More fields of the request, by the API's own names; they win over what the workbench sends."""
    max_retries: int = Field(3, ge=0, le=20)
    """How often a request that failed is sent again, while nothing was shown."""
    min_retry_delay: float = Field(1.0, ge=0)
    """Seconds before the first of them; each further wait is twice as long."""
    max_retry_delay: float = Field(30.0, ge=0)
    """The longest of these waits in seconds, unless the provider asks for more (up to two minutes)."""
    prices: dict[str, dict[str, Decimal]] = Field(default_factory=dict)
    """Prices by model in US dollars per million tokens: input, output, cache_read, cache_write."""
    priority: int = 100
    """Which provider is asked first when a config has several: the lowest."""

    @property
    def backoff(self) -> Backoff:
        """How the engine retries this provider's requests."""
        return Backoff(self.max_retries + 1, self.min_retry_delay, self.max_retry_delay)


@dataclass
class Endpoint:
    """One API at one address: makes the SDK's client at the first request, and turns its answers into events.

    `sdk` is the SDK's module name, `client` the class in it and `resource` where that has the call to make; nothing
    is imported before the first request.
    """

    sdk: str
    client: str
    resource: str
    config: HTTPConfig
    caller: Caller
    needs_key: bool = True

    def __post_init__(self) -> None:
        self._client: Any = None
        self._making = asyncio.Lock()

    async def events(self, send: Send, model: str = "") -> AsyncGenerator[tuple[str, Any], None]:
        """Send a request; yield the answer's request id once as ("", id), then each event as (name, decoded data).

        `send` gets the SDK's `create` of the resource and returns its streaming response. The stream's last event is
        the caller's to check. A `[DONE]` comes as ("done", None).

        Raises:
            ProviderError: For every failure of the provider, the network or the settings.
        """
        client = await self._ready()
        caller = replace(self.caller, model=model)
        import httpx2

        sdk: Any = importlib.import_module(self.sdk)
        try:
            async with send(self._create(client)) as answer:
                response: httpx2.Response = answer.http_response
                yield "", response.headers.get("request-id") or response.headers.get("x-request-id") or ""
                await _require_stream(caller, response)
                source: Any = aiter(httpx2.EventSource(response, LONGEST_EVENT))
                async with aclosing(source) as stream:
                    async for event in stream:
                        if event.data.startswith("[DONE]"):
                            yield "done", None
                        elif event.data:
                            yield event.event, _decoded(caller, event.data)
        except sdk.APIStatusError as error:
            raise faults.refused(caller, error.status_code, error.response.headers, _text(error)) from error
        except (sdk.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise faults.unreachable(caller, error) from error

    async def models(self) -> list[str]:
        """Return the ids that `/v1/models` lists, in its order.

        Raises:
            ProviderError: As for a request.
        """
        client = await self._ready()
        import httpx2

        sdk: Any = importlib.import_module(self.sdk)
        try:
            return [str(row.id) async for row in client.models.list()]
        except sdk.APIStatusError as error:
            raise faults.refused(self.caller, error.status_code, error.response.headers, _text(error)) from error
        except (sdk.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise faults.unreachable(self.caller, error) from error
        except (AttributeError, TypeError, ValueError) as error:  # an answer of another shape, taken apart by the SDK
            raise faults.named(self.caller, "protocol", f"the list of models cannot be read: {error}") from error

    async def close(self) -> None:
        """Give back connections. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ready(self) -> Any:
        async with self._making:
            if self._client is None:
                key = self._key(self.caller)
                self.caller = replace(self.caller, secret=key if key != NO_KEY else "")
                # In a thread: importing an SDK takes up to a second, in which a screen would stand still.
                self._client = await asyncio.to_thread(self._make, key)
            return self._client

    def _make(self, key: str) -> Any:
        import httpx2

        _load_prices()
        sdk: Any = importlib.import_module(self.sdk)
        timeout = httpx2.Timeout(self.config.timeout, connect=self.config.connect_timeout)
        try:
            client = getattr(sdk, self.client)(
                api_key=key, base_url=self.caller.base_url, timeout=timeout, max_retries=0
            )
        except httpx2.InvalidURL as error:
            raise faults.unreachable(self.caller, error) from error
        # Both SDKs add headers from the environment (`*_CUSTOM_HEADERS`, organization, project), which must not reach
        # whatever address a config names.
        client._custom_headers = dict(self.config.headers)
        for ambient in ("organization", "project", "admin_api_key"):
            if hasattr(client, ambient):
                setattr(client, ambient, None)
        self._create(client)  # imports what the SDK puts off until it is used
        return client

    def _create(self, client: Any) -> Any:
        return attrgetter(f"{self.resource}.with_streaming_response.create")(client)

    def _key(self, caller: Caller) -> str:
        """Return the key of the config, else of the environment.

        Raises:
            ProviderError: If there is none and one is needed, or it cannot be a header.
        """
        given = self.config.api_key or (os.environ.get(caller.key_variable, "") if caller.key_variable else "")
        key = given.strip()
        if not key and self.needs_key:
            detail = f"{caller.id}: there is no API key. Set {caller.key_variable} or {caller.at('api_key')}."
            raise ProviderError(detail, kind="setup")
        if not key.isascii() or not key.isprintable() or " " in key or key.startswith("${"):
            raise ProviderError(f"{caller.id}: {caller.at('api_key')} is not a key that can be sent.", kind="setup")
        return key or NO_KEY


class Reading(Protocol):
    """How one wire format is read: events in, items out. One object reads one reply."""

    whole: bool
    """The reply may end here: its stop event was seen."""
    over: bool
    """Nothing more will come."""

    def take(self, name: str, data: Any) -> Iterator[ReplyItem]:
        """Read one event."""
        ...

    def done(self, request_id: str) -> ReplyDone:
        """Return the whole reply."""
        ...


async def read(endpoint: Endpoint, send: Send, reading: Reading, model: str) -> AsyncGenerator[ReplyItem, None]:
    """Send a request and stream its reply, `ReplyDone` last.

    Raises:
        ProviderError: For every failure; `interrupted` where the stream ended without its stop event.
    """
    request_id, count, caller = "", 0, endpoint.caller
    async with aclosing(endpoint.events(send, model)) as events:
        try:
            async for name, data in events:
                if not name:
                    request_id, caller = data, replace(endpoint.caller, model=model)
                    continue
                count += 1
                for item in _taken(caller, reading, name, data):
                    yield item
                if reading.over:
                    break
        except ProviderError as error:
            error.request_id = error.request_id or request_id or None
            if not reading.whole:
                raise
        if not reading.whole:
            detail = "the stream ended before the reply was whole" if count else "the answer is empty"
            fault = faults.named(caller, "interrupted" if count else "protocol", detail)
            fault.request_id = request_id or None
            raise fault
        # Reading to the very end lets the connection serve the next request; a server that lingers is left.
        with suppress(TimeoutError, ProviderError):
            async with asyncio.timeout(LINGER):
                async for _ in events:
                    pass
    yield reading.done(request_id)


def _taken(caller: Caller, reading: Reading, name: str, data: Any) -> list[ReplyItem]:
    if isinstance(data, dict) and (data.get("type") == "error" or isinstance(data.get("error"), dict | str)):
        raise faults.reported(caller, data.get("error") or data)
    try:
        return list(reading.take(name, data))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        detail = f"an event of the stream has another shape than agreed ({name}: {type(error).__name__} {error})"
        raise faults.named(caller, "protocol", detail) from error


def refuses_thoughts(error: ProviderError, request: Request, origin: str) -> bool:
    """Say whether a request was refused for thoughts that it gave back, so that it may pass without them.

    Newer models bind thoughts to the exact history before them: after compaction or a fork they do not fit any more.
    """
    if error.kind != "invalid_request" or not _THOUGHTS.search(str(error)):
        return False
    parts = (part for message in request.messages for part in message.parts)
    return any(isinstance(part, Thinking) and part.origin == origin for part in parts)


@cache
def _load_prices() -> None:
    """Load the table of prices beside the first request: it takes 0.8 s, and is not wanted before the reply's end."""
    threading.Thread(target=pricing.warm, name="prices", daemon=True).start()


def _text(error: Any) -> str:
    return str(error.response.text)


async def _require_stream(caller: Caller, response: Any) -> None:
    """Refuse an answer with status 200 that is no event stream: an error as JSON, a login page, nothing at all."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > GLIMPSE:
            break
    text = body.decode(errors="replace")
    _, message = faults.read_error(text)
    if kind == "application/json" and message:
        raise faults.reported(caller, _object(text))
    shown = f"“{message}”" if message else f"{kind or 'nothing'}"
    fault = faults.named(caller, "protocol", f"the answer is no event stream but {shown}")
    # An empty answer may be better next time; a page of HTML is somebody else's server and will stay one.
    fault.retryable = not text.strip()
    if text.strip():
        fault.args = (f"{fault} Check {caller.at('base_url')} ({caller.base_url}).",)
    raise fault


def _object(text: str) -> Any:
    data = json.loads(text)
    return data.get("error", data) if isinstance(data, Mapping) else data


def _decoded(caller: Caller, text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise faults.named(caller, "protocol", f"an event of the stream is not JSON: {text[:80]}") from error
    if not isinstance(data, dict):
        raise faults.named(caller, "protocol", f"an event of the stream is no object: {text[:80]}")
    return data
