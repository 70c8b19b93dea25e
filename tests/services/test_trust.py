"""Programs of hooks run only where a trusted text names them: what is included adds none and switches none off."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.conversation.events import Notice
from agent_workbench.services.shared import SharedContext

PROVIDER = """
providers:
  - module: provider-mock
    config: {delay: 0, responses: [done]}
"""
PROGRAM = """
hooks:
  - module: hook-shell
    config: {hooks: {Stop: [{hooks: [{command: "touch ran"}]}]}}
"""
SETTING = """
hooks:
  - module: hook-shell
    config: {priority: 5}
"""
MORE = """
hooks:
  - module: hook-shell
    config: {hooks: {SessionStart: [{hooks: [{command: "touch ran-too"}]}]}}
"""
CASES = {
    "its own program": ("", PROGRAM, {"ran"}),
    "an included program": (PROGRAM, "", set()),
    "its own program beside an included one": (MORE, PROGRAM, {"ran"}),
    "an included program that it changes a setting of": (PROGRAM, SETTING, set()),
    "an included setting of its own program": (SETTING, PROGRAM, {"ran"}),
    "an included program that it has written down itself": (PROGRAM, PROGRAM, {"ran"}),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_program_runs_where_the_config_itself_names_it(bench: SharedContext, name: str):
    included, own, ran = CASES[name]
    (bench.workspace / "shared.yaml").write_text("bundle: {name: shared}\n" + included)
    text = "bundle: {name: mine}\nincludes:\n  - bundle: ./shared.yaml\n" + PROVIDER + own
    config = await bench.configs.create_config("mine", text)
    session = await bench.sessions.create_session(config.config_id)
    answer = await bench.sessions.send_message(session.session_id, "go")
    assert answer["response"] == "done"
    assert {path.name for path in bench.workspace.glob("ran*")} == ran
    agent, _ = await bench.agents.of(config.config_id, None, Path(session.workspace))
    said = [problem for problem in agent.problems if problem.code == "trust"]
    assert len(said) == (0 if included in ("", SETTING) or included == own else 1)
    assert all((one.source, one.line) == ("shared.yaml", 5) for one in said)


async def test_what_is_left_out_is_said_in_the_session_and_only_once(bench: SharedContext):
    (bench.workspace / "shared.yaml").write_text("bundle: {name: shared}\n" + PROGRAM)
    text = "bundle: {name: mine}\nincludes:\n  - bundle: ./shared.yaml\n" + PROVIDER
    config = await bench.configs.create_config("mine", text)
    session = await bench.sessions.create_session(config.config_id)
    said = [
        [event.text async for event in bench.sessions.stream_message(session.session_id, "go") if type(event) is Notice]
        for _ in range(2)
    ]
    assert [len(notices) for notices in said] == [1, 0]
    assert said[0][0].startswith("Held back until you trust shared.yaml: run the program `touch ran`")
