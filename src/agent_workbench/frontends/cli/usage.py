"""`awb usage`: what was used, and what it cost as far as that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.accounts import Account
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.storage.records import UsageBy


@click.command("usage")
@click.option(
    "--by", "what", type=click.Choice(["day", "config", "session", "model"]), default="day", show_default=True,
    help="What to add up.",
)  # fmt: skip
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), metavar="DATE",
    help="Only turns that started at this date (UTC) or later, like 2026-11-01.",
)  # fmt: skip
@json_option
@with_workbench
async def command(bench: SharedContext, what: UsageBy, since: datetime | None, as_json: bool) -> None:
    """Print what was used by day, config, session or model, and all together.

    What a provider did not say, or nobody knows the price of, is unknown, and never counted as 0.
    """
    from agent_workbench.conversation.usage import Usage
    from agent_workbench.services.accounts import Account, account_to_json, used_by

    found = await used_by(bench, what, since=since.replace(tzinfo=UTC) if since else None)
    used, turns = sum((one.usage for one in found), Usage()), sum(one.turns for one in found)
    total = Account("all together", used, turns, sum(one.unpriced for one in found))
    if as_json:
        emit_json({"by": what, "rows": [account_to_json(one) for one in found], "total": account_to_json(total)})
    elif not found:
        narrate("Nothing was used.")
    else:
        named = "ID" if what == "session" else ""
        headers = (what.upper(), "TURNS", "INPUT", "CACHED", "OUTPUT", "COST", named)
        emit_table(headers, [_row(one, with_id=bool(named)) for one in (*found, total)])


def _row(account: Account, *, with_id: bool) -> tuple[str, ...]:
    used = account.usage
    counts = (used.input_tokens, used.cache_read_tokens, used.output_tokens)
    said = ("unknown" if count is None else f"{count:,}" for count in counts)
    return (account.name, f"{account.turns:,}", *said, _cost(account), account.key if with_id else "")


def _cost(account: Account) -> str:
    """Say a sum of dollars, and that it is not all where some prices are unknown."""
    cost = account.usage.cost
    if cost is None:
        return "unknown"
    known = f"${cost:.4f}"
    return f"{known} + {account.unpriced:,} of unknown price" if account.unpriced else known
