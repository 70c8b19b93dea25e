"""How full a session's context is: what its last request held, and how much one may hold."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from agent_workbench.engine import pricing
from agent_workbench.engine.ports import Provider
from agent_workbench.engine.session_config import SessionConfig
from agent_workbench.errors import WorkbenchError
from agent_workbench.services.shared import SharedContext


@dataclass(frozen=True, slots=True)
class Filling:
    """Tokens of the last request, and of the window; None is unknown."""

    tokens: int | None = None
    window: int | None = None


async def filling(bench: SharedContext, session_id: str) -> Filling:
    """Return how full a session's context is. A session that never ran, or cannot run now, says what is known.

    The window is the model's, or the context manager's where that is smaller or the model's is not known.
    """
    turns = await bench.sessions.turns(session_id)
    if not turns:
        return Filling()
    tokens = await asyncio.to_thread(_last_request, bench, session_id, turns[-1].turn_id)
    try:
        config = await bench.sessions.effective(session_id)
    except WorkbenchError:  # the config has errors by now: its own screen says which
        return Filling(tokens)
    return Filling(tokens, await asyncio.to_thread(window, config))


def _last_request(bench: SharedContext, session_id: str, turn_id: str) -> int | None:
    events = bench.store.sessions.events(session_id, turn_id=turn_id)
    used = [event.data.get("usage") for event in events if event.kind == "reply"]
    tokens = used[-1].get("input_tokens") if used and isinstance(used[-1], dict) else None
    return tokens if isinstance(tokens, int) else None


def window(config: SessionConfig) -> int | None:
    """Return how many tokens a request of a session may hold."""
    chosen = [one for one in config.providers if config.model.provider in ("", one.id)]
    known = pricing.context_window(_module(chosen[0]), config.model_name) if chosen else None
    kept = getattr(getattr(config.history_policy, "config", None), "max_tokens", None)
    sizes = [size for size in (known, kept) if isinstance(size, int)]
    return min(sizes) if sizes else None


def _module(provider: Provider) -> str:
    """Return a provider's module id; an entry with an `id` of its own may hide it."""
    return str(getattr(provider, "module", "") or provider.id)
