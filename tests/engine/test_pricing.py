"""What a reply cost: from the kept table, from one's own prices, or unknown; never zero for want of knowing."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import pricing

SOME = Usage(input_tokens=1_000_000, output_tokens=100_000)
OWN = {"dear-1": {"input": Decimal(2), "output": Decimal(10), "cache_read": Decimal("0.2"), "cache_write": Decimal(4)}}


@pytest.mark.parametrize(
    ("provider", "model"),
    [("provider-anthropic", "claude-opus-5-5"), ("provider-anthropic", "claude-haiku-4-5-20251001"),
     ("provider-openai", "gpt-6.1-sol"), ("provider-openai", "gpt-5.5")],
)  # fmt: skip
def test_the_makers_own_models_have_a_price(provider: str, model: str):
    found = pricing.cost(provider, model, SOME)
    assert found is not None
    assert Decimal("0.1") < found < Decimal(100)


UNKNOWN = {
    "a model nobody listed": ("provider-anthropic", "claude-nothing-9", SOME, ""),
    "a module nobody knows": ("provider-strange", "claude-opus-5-5", SOME, ""),
    "models of one's own": ("provider-ollama", "gpt-oss-20b", SOME, "http://localhost:11434/v1"),
    "an address nobody listed": ("provider-chat-completions", "gpt-5.5", SOME, "http://192.168.1.5/v1"),
    "no counts": ("provider-anthropic", "claude-opus-5-5", Usage(), ""),
    "half the counts": ("provider-anthropic", "claude-opus-5-5", Usage(input_tokens=5), ""),
    "counts that do not add up": ("provider-anthropic", "claude-opus-5-5", Usage(5, 1, 10, 10), ""),
    "no model": ("provider-openai", "", SOME, ""),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_stays_unknown(name: str):
    provider, model, usage, address = UNKNOWN[name]
    assert pricing.cost(provider, model, usage, base_url=address) is None


def test_a_listed_address_tells_who_answers():
    found = pricing.cost("provider-chat-completions", "gpt-5.5", SOME, base_url="https://api.openai.com/v1")
    assert found == pricing.cost("provider-openai", "gpt-5.5", SOME)


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (SOME, "3"),
        (Usage(1_000_000, 0, cache_read_tokens=500_000, cache_write_tokens=250_000), "1.6"),
        (Usage(0, 0), "0"),
    ],
)
def test_one_s_own_prices_win_and_count_the_cache_once(usage: Usage, dollars: str):
    assert pricing.cost("provider-anthropic", "dear-1", usage, OWN) == Decimal(dollars)
    assert pricing.cost("provider-ollama", "dear-1", usage, OWN) == Decimal(dollars)


def test_a_cache_without_a_price_costs_what_input_costs():
    prices = {"m": {"input": Decimal(2), "output": Decimal(10)}}
    assert pricing.cost("x", "m", Usage(1_000_000, 0, cache_read_tokens=1_000_000), prices) == 2


def test_half_a_price_is_no_price():
    assert pricing.cost("provider-anthropic", "m", SOME, {"m": {"input": Decimal(2)}}) is None


def test_what_came_from_the_cache_is_cheaper_than_what_did_not():
    fresh = pricing.cost("provider-anthropic", "claude-opus-5-5", Usage(100_000, 10))
    cached = pricing.cost("provider-anthropic", "claude-opus-5-5", Usage(100_000, 10, cache_read_tokens=90_000))
    assert fresh is not None
    assert cached is not None
    assert cached < fresh


def test_the_table_is_not_loaded_before_it_is_asked():
    check = "import sys, agent_workbench.engine.pricing; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
