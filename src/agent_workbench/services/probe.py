"""Ask a config's providers whether they answer, and what models they have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from agent_workbench.conversation.messages import user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import ModelConfig, Provider, ReplyDone, Request
from agent_workbench.errors import NotFound, ProviderError
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Config

PROMPT = "Answer with the single word: ready"
SECONDS = 60.0
"""How long one provider may take; a local model that has to be loaded first needs most of it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one provider answered. `error` is empty where it did; `seconds` is until its last word."""

    provider: str
    model: str
    answer: str = ""
    seconds: float = 0.0
    usage: Usage = Usage()
    error: str = ""
    error_kind: str = ""


async def providers_of(bench: SharedContext, config: Config, provider_id: str = "") -> Sequence[Provider]:
    """Return a config's providers, best first, or the one of an id.

    Raises:
        NotFound: If the config has none of that id.
        InvalidBundle: If the config cannot run (a key is missing, for example).
    """
    agent = await bench.agents.get(config, config.yaml_content, bench.workspace)
    found = [provider for provider in agent.providers if provider_id in ("", provider.id)]
    if not found:
        known = ", ".join(provider.id for provider in agent.providers)
        raise NotFound(f"{config.name} has no provider {provider_id!r}; it has {known}")
    return found


async def probe(provider: Provider, model: str = "") -> Probe:
    """Send the smallest prompt and report. A provider's failure is in the report, never raised."""
    name = model or provider.default_model
    began = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            done = await _reply(provider, model)
    except ProviderError as error:
        return Probe(provider.id, name, seconds=_since(began), error=str(error), error_kind=error.kind)
    except TimeoutError:
        return Probe(
            provider.id, name, seconds=_since(began), error=f"no answer in {SECONDS:.0f} s", error_kind="timeout"
        )
    return Probe(provider.id, done.message.model or name, done.message.text.strip(), _since(began), done.usage)


async def _reply(provider: Provider, model: str) -> ReplyDone:
    request = Request("", (user(PROMPT),), model=ModelConfig(model=model, max_tokens=256))
    async with aclosing(provider.stream(request)) as items:  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, ReplyDone):
                return item
    raise ProviderError("the reply ended without being finished", kind="interrupted")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
