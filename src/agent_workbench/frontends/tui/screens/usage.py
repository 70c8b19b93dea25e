"""What was used: a plot of the last days, and what each config and session took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.sheet import Layout
from agent_workbench.frontends.tui.widgets.lines import Line, ends, fit
from agent_workbench.frontends.tui.widgets.meter import cost, tokens
from agent_workbench.frontends.tui.widgets.plot import bars
from agent_workbench.services.accounts import Account, Accounts

#: How many of each are listed.
LISTED = 12


def usage_layout(accounts: Accounts, *, words: bool = False) -> Layout:
    """Return the layout of the usage panel; with `words` the days are told, not drawn."""
    return lambda width: list(_lines(accounts, width, words))


def _lines(accounts: Accounts, width: int, words: bool) -> Iterator[Line]:
    listed_all = [*accounts.configs[:LISTED], *accounts.sessions[:LISTED]]
    total = _parts(accounts.total, sum(one.unpriced for one in accounts.configs))
    every = [total, *(_parts(one.usage, one.unpriced) for one in listed_all)]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]

    def used(parts: Sequence[str]) -> str:
        return " · ".join(part.rjust(size) for part, size in zip(parts, widths, strict=True))

    yield ends([("all together", "heading")], [(used(total), "")], width)
    yield []
    yield from _told(accounts.days) if words else _plot(accounts.days, width)
    for title, listed in (("config", accounts.configs), ("model", accounts.models), ("session", accounts.sessions)):
        yield []
        yield [(f"by {title}", "heading")]
        for one in listed[:LISTED]:
            yield ends([(clean_line(one.name, 60), "")], [(used(_parts(one.usage, one.unpriced)), "muted")], width)
        if len(listed) > LISTED:
            yield [(f"… and {len(listed) - LISTED} more", "muted")]
        if not listed:
            yield [("nothing yet", "muted")]


def _plot(days: Sequence[Account], width: int) -> Iterator[Line]:
    """Plot what the days cost, or their tokens where nothing has a price."""
    costs = [float(one.usage.cost or 0) for one in days]
    priced = any(costs)
    values = costs if priced else [float(_tokens(one.usage)) for one in days]
    highest = max(values, default=0.0)
    top = cost(Decimal(str(highest))) if priced else tokens(int(highest))
    yield ends([(f"{'dollars' if priced else 'tokens'} by day (UTC)", "heading")], [(f"at most {top}", "muted")], width)
    drawn = bars(values, width)
    if not drawn:
        yield [("nothing was used in these days", "muted")]
        return
    yield from drawn
    across = len(drawn[0][0][0])
    yield fit(ends([(days[0].name, "muted")], [(days[-1].name, "muted")], across), width)
    turns = sum(one.turns for one in days)
    yield [(f"{counted(turns, 'turn')} in {len(days)} days", "muted")]


def _told(days: Sequence[Account]) -> Iterator[Line]:
    """Tell what each day took on which something was used, the newest first."""
    used = [one for one in reversed(days) if one.turns]
    yield [("by day (UTC)", "heading")]
    for one in used:
        yield [(f"{one.name}: {counted(one.turns, 'turn')}, {_used(one.usage, one.unpriced)}", "")]
    if not used:
        yield [("nothing was used in these days", "muted")]


def _tokens(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _used(usage: Usage, unpriced: int) -> str:
    return " · ".join(_parts(usage, unpriced))


def _parts(usage: Usage, unpriced: int) -> Sequence[str]:
    """Return what went in, what came out, and what that cost."""
    more = "" if not unpriced else "unknown" if usage.cost is None else f"{cost(usage.cost)} + unknown"
    return f"{tokens(usage.input_tokens)} in", f"{tokens(usage.output_tokens)} out", more or cost(usage.cost)
