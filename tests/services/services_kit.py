"""What the tests of sessions share: configs that run offline, and ways to wait for an event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import yaml

from agent_workbench.conversation.events import Event
from agent_workbench.services.shared import SharedContext

E = TypeVar("E", bound=Event)


def config_text(*responses: Any, delay: float = 0, tools: tuple[str, ...] = ("tool-filesystem",), **mock: Any) -> str:
    """Return a config whose model answers from a script."""
    provider = {"module": "provider-mock", "config": {"delay": delay, "responses": list(responses), **mock}}
    data = {"bundle": {"name": "c"}, "providers": [provider], "tools": [{"module": tool} for tool in tools]}
    return str(yaml.safe_dump(data, sort_keys=False))


def calls(*named: tuple[str, dict[str, Any]], text: str = "") -> dict[str, Any]:
    """Script a reply that calls tools."""
    return {"text": text, "tool_calls": [{"name": name, "arguments": arguments} for name, arguments in named]}


async def session_of(bench: SharedContext, text: str, **more: Any) -> str:
    """Store a config and start a session of it."""
    config = await bench.configs.create_config("c", text)
    return (await bench.sessions.create_session(config.config_id, **more)).session_id


async def until(events: AsyncIterator[Event], kind: type[E]) -> E:
    """Return the next event of a kind; where none comes within 20 s, say what came instead."""
    others: list[Event] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            async for event in events:
                if isinstance(event, kind):
                    return event
                others.append(event)
    raise AssertionError(f"no {kind.__name__} came, but {others}")


async def texts(bench: SharedContext, session_id: str) -> list[tuple[str, str]]:
    """Return who said what."""
    found = await bench.sessions.messages(session_id)
    return [
        (one.message.role, one.message.text or "|".join(result.content for result in one.message.tool_results))
        for one in found
    ]


def left_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks of this loop besides the test's own."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
