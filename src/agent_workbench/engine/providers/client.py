"""What the providers that speak HTTP share: keys, the SDK's client, and a request's answer as decoded events.

The SDKs build, sign and send the request and read refusals. The stream is read here, event by event, because they
disagree about broken ones: a cut is a raw `httpx2` error in one and wrapped in the other, a page of HTML with status
200 is an AssertionError or an empty text.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any

from agent_workbench.engine import pricing
from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.engine.providers.settings import HTTPConfig
from agent_workbench.engine.wire import Exchange, Wire
from agent_workbench.errors import ProviderError

#: A whole reply is repeated in the last event of some formats, system prompt included; beyond this it is no event.
LONGEST_EVENT = 16 * 2**20
#: How much of an answer that is no stream is read to see what it is.
GLIMPSE = 64 * 2**10

#: What is sent as the key to servers that want none: the SDKs insist on one.
NO_KEY = "none"
Send = Callable[[Any], AbstractAsyncContextManager[Any]]


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
    wire: Wire | None = None
    """Where each exchange is kept for whoever looks for a fault."""
    needs_key: bool = True

    def __post_init__(self) -> None:
        self._client: Any = None
        self._making = asyncio.Lock()

    async def events(self, send: Send, model: str = "", session_id: str = "") -> AsyncGenerator[tuple[str, Any], None]:
        """Send a request; yield the answer's request id once as ("", id), then each event as (name, decoded data).

        `send` gets the SDK's `create` of the resource and returns its streaming response. The stream's last event is
        the caller's to check. A `[DONE]` comes as ("done", None). What is sent and what arrives is kept in `wire`.

        Raises:
            ProviderError: For every failure of the provider, the network or the settings.
        """
        client = await self._ready()
        caller = replace(self.caller, model=model)
        own = frozenset(name.lower() for name in self.config.headers)
        exchange = Exchange(session_id, caller.id, model, caller.hidden, own)
        if self.wire is not None:
            self.wire.keep(exchange)
        ended = "closed here before its end"
        try:
            async with aclosing(self._exchanged(client, caller, send, exchange)) as events:
                async for event in events:
                    yield event
            ended = ""
        except ProviderError as error:
            ended = str(error)
            raise
        finally:
            exchange.end(ended)

    async def _exchanged(
        self, client: Any, caller: Caller, send: Send, exchange: Exchange
    ) -> AsyncGenerator[tuple[str, Any], None]:
        import httpx2

        sdk: Any = importlib.import_module(self.sdk)
        try:
            async with send(self._create(client)) as answer:
                response: httpx2.Response = answer.http_response
                exchange.answered(response)
                yield "", exchange.request_id
                await _require_stream(caller, response, exchange)
                source: Any = aiter(httpx2.EventSource(response, LONGEST_EVENT))
                async with aclosing(source) as stream:
                    async for event in stream:
                        exchange.take(event.event, event.data)
                        if event.data.startswith("[DONE]"):
                            yield "done", None
                        elif event.data:
                            yield event.event, _decoded(caller, event.data)
        except sdk.APIStatusError as error:
            exchange.answered(error.response)
            exchange.take("", _text(error))
            raise faults.refused(caller, error.status_code, error.response.headers, _text(error)) from error
        except (sdk.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            if exchange.status is None and (sent := _sent(error)) is not None:
                exchange.request(sent)
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
                own = tuple(self.config.headers.values())
                self.caller = replace(self.caller, secret=key if key != NO_KEY else "", own_values=own)
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
            raise ProviderError(detail, kind="setup", config_path=caller.at("api_key"))
        if not key.isascii() or not key.isprintable() or " " in key or key.startswith("${"):
            detail = f"{caller.id}: {caller.at('api_key')} is not a key that can be sent."
            raise ProviderError(detail, kind="setup", config_path=caller.at("api_key"))
        return key or NO_KEY


@cache
def _load_prices() -> None:
    """Load the table of prices beside the first request: it takes 0.8 s, and is not wanted before the reply's end."""
    threading.Thread(target=pricing.warm, name="prices", daemon=True).start()


def _text(error: Any) -> str:
    return str(error.response.text)


def _sent(error: Exception) -> Any:
    """Return the request that an error is about, None where it does not know."""
    try:
        return getattr(error, "request", None)
    except RuntimeError:  # what httpx2's own errors say when they were raised before there was one
        return None


async def _require_stream(caller: Caller, response: Any, exchange: Exchange) -> None:
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
    exchange.take("", text)
    _, message = faults.read_error(text)
    if kind == "application/json" and message:
        raise faults.reported(caller, _object(text))
    shown = f"“{message}”" if message else f"{kind or 'nothing'}"
    fault = faults.named(caller, "protocol", f"the answer is no event stream but {shown}")
    # An empty answer may be better next time; a page of HTML is somebody else's server and will stay one.
    fault.retryable = not text.strip()
    if text.strip():
        fault.args = (f"{fault} Check {caller.at('base_url')} ({caller.address}).",)
        fault.config_path = caller.at("base_url")
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
