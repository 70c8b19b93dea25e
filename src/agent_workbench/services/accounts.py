"""What was used, by day, by config and by session: the numbers behind the usage panel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from agent_workbench.conversation.usage import Usage
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session

#: How many days, and how many of the newest sessions, are added up.
DAYS = 30
SESSIONS = 200


@dataclass(frozen=True, slots=True)
class Account:
    """What one thing used."""

    name: str
    usage: Usage
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Accounts:
    """What was used in the last `DAYS` days. `days` has every day, oldest first; the others the most costly first.

    `total` and `configs` cover all time.
    """

    total: Usage
    days: tuple[Account, ...]
    configs: tuple[Account, ...]
    sessions: tuple[Account, ...]


async def accounts(bench: SharedContext, *, today: date | None = None) -> Accounts:
    """Add up what was used. Days are UTC, today last."""
    last = today or datetime.now(UTC).date()
    since = datetime.combine(last - timedelta(days=DAYS - 1), datetime.min.time(), UTC)
    manager = bench.sessions
    by_day = {one.day: Account(str(one.day), one.usage, one.turns) for one in await manager.usage_by_day(since=since)}
    days = tuple(_day(by_day, last - timedelta(days=back)) for back in reversed(range(DAYS)))
    listed, _ = await manager.list_sessions(SESSIONS)
    names = {session.config_id: session.config_name or session.config_id for session in listed}
    configs = await asyncio.gather(*(manager.usage(config_id=id) for id in names))
    used = await asyncio.gather(*(manager.usage(session_id=one.session_id) for one in listed))
    return Accounts(
        await manager.usage(),
        days,
        _dearest(Account(name, usage) for name, usage in zip(names.values(), configs, strict=True)),
        _dearest(_of(session, usage) for session, usage in zip(listed, used, strict=True)),
    )


def _day(found: Mapping[date, Account], day: date) -> Account:
    return found.get(day, Account(str(day), Usage()))


def _of(session: Session, usage: Usage) -> Account:
    return Account(session.title or "new session", usage)


def _dearest(accounts: Iterable[Account]) -> tuple[Account, ...]:
    def size(one: Account) -> tuple[float, int]:
        return float(one.usage.cost or 0), (one.usage.input_tokens or 0) + (one.usage.output_tokens or 0)

    used: Sequence[Account] = [one for one in accounts if one.usage != Usage()]
    return tuple(sorted(used, key=size, reverse=True))
