"""What a reply cost, from a kept table of prices that ships with a library, without asking anybody.

The table is `genai-prices`; importing it and its first look-up take 0.8 s together, so that happens at the first
request. A config's own `prices` come before it. What is not known stays `None`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from agent_workbench.conversation.usage import Usage

#: US dollars per million tokens: `input`, `output`, `cache_read`, `cache_write`.
Prices = Mapping[str, Decimal]

#: How the table names the makers behind our modules; others are found by their address.
_MAKERS = {"provider-anthropic": "anthropic", "provider-openai": "openai"}
#: Modules whose models run on the person's own machines, where nobody counts.
_OWN = frozenset({"provider-ollama", "provider-vllm", "provider-mock"})
_MILLION = Decimal(1_000_000)


def cost(
    provider: str, model: str, usage: Usage, overrides: Mapping[str, Prices] | None = None, base_url: str = ""
) -> Decimal | None:
    """Return what a reply cost in US dollars, or None where its price or its tokens are not known.

    `provider` is a module id. `overrides` maps a model to its prices and wins; `base_url` tells which maker answers
    behind a module that can talk to any. Counts are as in `Usage`: input includes what came from and went to a cache.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    own = (overrides or {}).get(model)
    if own is not None:
        return _own_cost(own, usage)
    return None if provider in _OWN else _listed_cost(provider, model, usage, base_url)


def priced(
    usage: Usage, provider: str, model: str, overrides: Mapping[str, Prices] | None = None, base_url: str = ""
) -> Usage:
    """Return the usage with its cost, where that is known."""
    return replace(usage, cost=cost(provider, model, usage, overrides, base_url))


def context_window(provider: str, model: str) -> int | None:
    """Return how many tokens a model's context holds, None where that is not known. `provider` is a module id.

    Nothing is known before the first request has loaded the table: a meter must not make anybody wait for it.
    """
    maker = _MAKERS.get(provider)
    if maker is None or "genai_prices" not in sys.modules:
        return None
    import genai_prices

    try:
        found = genai_prices.calc_price(genai_prices.Usage(input_tokens=1, output_tokens=1), model, provider_id=maker)
    except (LookupError, ValueError):  # no such model
        return None
    return found.model.context_window


def warm() -> None:
    """Load the table, so that the first price does not make anybody wait."""
    cost("provider-anthropic", "claude-haiku-4-5", Usage(1, 1))


def _own_cost(prices: Prices, usage: Usage) -> Decimal | None:
    if "input" not in prices or "output" not in prices:
        return None
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    fresh = max(0, (usage.input_tokens or 0) - read - written)
    total = (
        fresh * prices["input"]
        + read * prices.get("cache_read", prices["input"])
        + written * prices.get("cache_write", prices["input"])
        + (usage.output_tokens or 0) * prices["output"]
    )
    return total / _MILLION


def _listed_cost(provider: str, model: str, usage: Usage, base_url: str) -> Decimal | None:
    import genai_prices

    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    maker = _MAKERS.get(provider)
    try:
        if maker:
            found = genai_prices.calc_price(counted, model, provider_id=maker)
        elif base_url:
            found = genai_prices.calc_price(counted, model, provider_api_url=base_url)
        else:
            return None
    except (LookupError, ValueError):  # no such model, or counts that do not add up
        return None
    return Decimal(found.total_price)
