"""Send a request until it is answered: wait and try again, or ask the next provider, while nothing was shown.

The SDKs' own retries are off, because they wait in silence (a `retry-after: 90` makes them sleep twice as long).
Here every wait is an event that a person sees and can cancel, and nothing that was shown is ever asked for again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent_workbench.conversation.events import Retrying
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import Provider, ReplyItem, Request
from agent_workbench.errors import ProviderError, UsageError

#: Faults that another provider may not share: what is wrong with the request or the config is never handed on.
HANDED_ON = frozenset({"server", "connection", "timeout", "interrupted", "protocol", "rate_limit", "quota"})


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long to wait, in seconds. `attempts` counts requests to one provider, the first included."""

    attempts: int = 4
    first_s: float = 1.0
    longest_s: float = 30.0
    patience_s: float = 120.0
    """The longest `retry-after` that is honoured; beyond it the turn stops and says when to come back."""

    def delay(self, attempt: int, asked: float | None, chance: float) -> float:
        """Return the wait after a failed attempt (from 1); `chance` in [0, 1) takes up to half of it away.

        What the provider asked for is a lower bound: being early would only earn the next refusal.
        """
        grown = min(self.longest_s, self.first_s * 2.0 ** (attempt - 1))
        return max(asked or 0.0, grown * (1 - chance / 2))


async def stream_with_retries(
    providers: Sequence[Provider],
    request: Request,
    *,
    backoff: Backoff | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    chance: Callable[[], float] = random.random,
    now: Callable[[], datetime] = datetime.now,
) -> AsyncGenerator[ReplyItem | Retrying, None]:
    """Stream a reply from the first provider that gives one, best first; each wait comes as `Retrying` before it.

    Once an item was yielded, a fault is final: what was shown must not be shown twice. The model that the request
    names belongs to the first provider; the others use their own default. Cancelling cancels a wait at once. Without a
    `backoff`, each provider's own attribute of that name holds, where it has one.

    Raises:
        ProviderError: The first provider's, when none answered, or the fault of a reply that had begun.
        UsageError: If there is no provider.
    """
    if not providers:
        raise UsageError("there is no provider to ask: add one to the config's `providers`")
    first_fault: ProviderError | None = None
    for index, provider in enumerate(providers):
        policy: Backoff = backoff or getattr(provider, "backoff", None) or Backoff()
        for attempt in range(1, policy.attempts + 1):
            shown = False
            try:
                async with aclosing(_items(provider, request)) as items:
                    async for item in items:
                        shown = True
                        yield item
                return
            except ProviderError as error:
                if shown:
                    raise
                fault = _too_long(error, policy.patience_s, now())
            if not fault.retryable or attempt == policy.attempts:
                break
            wait = policy.delay(attempt, fault.retry_after, chance())
            yield _again(attempt, wait, fault)
            await sleep(wait)
        first_fault = first_fault or _asked(fault, attempt)
        if fault.kind not in HANDED_ON or index + 1 == len(providers):
            first_fault.usage = fault.usage  # what the others had used was counted with each `Retrying`
            raise first_fault
        following = providers[index + 1]
        yield _again(attempt, 0.0, fault, f"; asking {following.id} instead")
        request = replace(request, model=replace(request.model, provider=following.id, model=""))


def _again(attempt: int, wait: float, fault: ProviderError, more: str = "") -> Retrying:
    return Retrying(attempt, wait, str(fault).rstrip(".") + more, fault.usage or Usage(), fault.request_id or "")


async def _items(provider: Provider, request: Request) -> AsyncGenerator[ReplyItem, None]:
    """Make any iterator of a provider one that can be closed."""
    stream = provider.stream(request)
    try:
        async for item in stream:
            yield item
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def _asked(fault: ProviderError, times: int) -> ProviderError:
    """Say how often a provider was asked in vain, and what is left to do."""
    if times == 1:
        return fault
    left = "see that it runs and can be reached from here" if fault.kind == "connection" else "try again later"
    return _saying(fault, f"{str(fault).rstrip('.')}. Asked {times} times: {left}, or choose another model.")


def _too_long(error: ProviderError, patience_s: float, now: datetime) -> ProviderError:
    """Make a fault final when its provider wants to be left alone for longer than a person would wait."""
    wait = error.retry_after
    if wait is None or wait <= patience_s:
        return error
    when = now + timedelta(seconds=min(wait, 10 * 365 * 86_400))
    same_day = when.date() == now.date()
    day = "." if same_day else f" on {when:%Y-%m-%d}."
    return _saying(error, f"{error} It asks to wait until {when:%H:%M}{day}")


def _saying(error: ProviderError, words: str) -> ProviderError:
    """Return a fault in other words, and as one that is not retried."""
    final = ProviderError(
        words,
        kind=error.kind,
        retry_after=error.retry_after,
        status=error.status,
        request_id=error.request_id,
        usage=error.usage,
        config_path=error.config_path,
    )
    final.__cause__ = error
    return final
