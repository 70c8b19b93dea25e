"""The settings that every provider over HTTP has; each one's own come on top."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import AliasChoices, Field

from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.engine.retry import Backoff


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
