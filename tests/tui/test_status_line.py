"""The line over the prompt: a long reason goes on below, the count stays where it is."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from agent_workbench.conversation.events import Retrying
from agent_workbench.frontends.tui.widgets.status_line import StatusLine


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusLine(clock=lambda: 0.0)


LONG = "the provider said that its servers are overloaded at the moment and that it is best to try again later on"


@pytest.mark.parametrize(("reason", "lines"), [("overloaded", 1), (LONG, 2), (LONG + LONG, 2)])
async def test_the_reason_of_a_retry_takes_two_lines_at_most(reason: str, lines: int):
    host = Host()
    async with host.run_test(size=(80, 20)) as pilot:
        line = host.query_one(StatusLine)
        line.retry(Retrying(2, 9, reason))
        await pilot.pause()
        shown = str(line.render()).splitlines()
        assert line.size.height == len(shown) == lines
        assert shown[0].startswith("↻ again in 9 s, attempt 2")
        assert shown[0].endswith("esc stops")
        assert shown[-1].endswith("…") == (len(reason) > len(LONG))
        line.retry(None)
        await pilot.pause()
        assert not line.display
