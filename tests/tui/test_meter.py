"""What a session cost, in few words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.widgets.meter import spent

FREE, DEAR, UNKNOWN = Usage(1, cost=Decimal(0)), Usage(1, cost=Decimal("0.012")), Usage(1).of_reply


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (Usage(), "–"),
        (UNKNOWN, "–"),
        (FREE, "$0.00"),
        (DEAR, "$0.012"),
        (DEAR + UNKNOWN, "≥$0.012"),
        (DEAR + UNKNOWN - UNKNOWN, "$0.012"),
        (FREE + UNKNOWN, "–"),
        (DEAR.of_reply, "$0.012"),
    ],
)
def test_a_sum_says_that_it_is_not_all(used: Usage, words: str):
    assert spent(used) == words
