"""What a newcomer runs into: names that are suggested, keys that are missing, the first steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.screens.pick import Name

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench


@pytest.mark.parametrize(
    ("keys", "given"),
    [((), "my-hello"), (("n", "e", "w"), "new"), (("right", "2"), "my-hello2"), (("end", "2"), "my-hello2"),
     (("backspace", "a"), "a")],
    ids=["taken", "typed over", "right keeps it", "end keeps it", "deleted"],
)  # fmt: skip
async def test_a_suggested_name_goes_when_something_is_typed(keys: tuple[str, ...], given: str, tmp_path: Path):
    async with workbench(tmp_path) as bench:
        answers: list[str | None] = []
        bench.app.push_screen(Name("Name of the new config", "my-hello"), answers.append)
        await bench.until(lambda: bench.dialog, "the dialog")
        await bench.press(*keys, "enter")
        await bench.until(lambda: answers, "an answer")
        assert answers == [given]
