"""What was used, by day, config, session or model: the numbers behind the usage panel and `awb usage`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from agent_workbench.conversation.codec import usage_to_json
from agent_workbench.conversation.usage import Usage
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import UsageBy, UsedBy

#: How many days the panel adds up.
DAYS = 30


@dataclass(frozen=True, slots=True)
class Account:
    """What one thing used. `key` is its id, where it has one besides its name.

    Of the `turns`, `unpriced` are those with a reply whose price nobody knows: `usage.cost` is without those replies.
    """

    name: str
    usage: Usage
    turns: int = 0
    unpriced: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What was used in the last `DAYS` days. `days` has every day, oldest first; the others the most costly first.

    `total`, `configs`, `models` and `sessions` cover all time.
    """

    total: Usage
    days: tuple[Account, ...]
    configs: tuple[Account, ...]
    sessions: tuple[Account, ...]
    models: tuple[Account, ...] = ()


async def accounts(bench: SharedContext, *, today: date | None = None) -> Accounts:
    """Add up what was used. Days are UTC, today last."""
    last = today or datetime.now(UTC).date()
    since = datetime.combine(last - timedelta(days=DAYS - 1), datetime.min.time(), UTC)
    by_day = {one.name: one for one in await used_by(bench, "day", since=since)}
    days = tuple(_day(by_day, last - timedelta(days=back)) for back in reversed(range(DAYS)))
    configs = await used_by(bench, "config")
    total = sum((one.usage for one in configs), Usage())
    return Accounts(total, days, configs, await used_by(bench, "session"), await used_by(bench, "model"))


async def used_by(bench: SharedContext, what: UsageBy, *, since: datetime | None = None) -> tuple[Account, ...]:
    """Add up what was used by one thing, in turns that started at `since` or later.

    Days (UTC) come oldest first, the others the most costly first. What agents used counts for the session that they
    worked for, and for the model that called them. A turn in which several models answered counts for each of them.
    """
    found = await asyncio.to_thread(bench.store.sessions.usage_by, what, since=since)
    listed = (_account(one, what) for one in found)
    return tuple(listed) if what == "day" else _dearest(listed)


def account_to_json(account: Account) -> dict[str, Any]:
    """Return an account as a JSON object; what is unknown is absent from its `usage`."""
    return {
        "name": account.name,
        "id": account.key,
        "turns": account.turns,
        "unpriced_turns": account.unpriced,
        "usage": usage_to_json(account.usage),
    }


def _account(used: UsedBy, what: UsageBy) -> Account:
    name = used.name or {"session": "new session", "model": "no model"}.get(what, used.key)
    return Account(name, used.usage, used.turns, used.unpriced, used.key)


def _day(found: Mapping[str, Account], day: date) -> Account:
    return found.get(str(day), Account(str(day), Usage()))


def _dearest(accounts: Iterable[Account]) -> tuple[Account, ...]:
    def size(one: Account) -> tuple[float, int]:
        return float(one.usage.cost or 0), (one.usage.input_tokens or 0) + (one.usage.output_tokens or 0)

    used: Sequence[Account] = [one for one in accounts if one.usage != Usage() or one.unpriced]
    return tuple(sorted(used, key=size, reverse=True))
