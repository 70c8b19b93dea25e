"""A turn in which several models answer: each has its own part of what was used."""

from __future__ import annotations

from services_kit import session_of, until

from agent_workbench.conversation.events import Answer, ApprovalRequired, ReplyFinished, TurnFinished
from agent_workbench.services.accounts import accounts, used_by
from agent_workbench.services.shared import SharedContext

TWO_ANSWERS = """\
bundle: {name: two}
providers:
  - module: provider-mock
    config:
      delay: 0
      responses:
        - tool_calls: [{name: write_file, arguments: {file_path: a.txt, content: x}}]
          usage: {input_tokens: 100, output_tokens: 10}
        - text: done
          usage: {input_tokens: 30, output_tokens: 3}
tools:
  - module: tool-filesystem
"""


async def test_a_model_that_was_chosen_between_two_steps_has_its_own_part(bench: SharedContext):
    session_id = await session_of(bench, TWO_ANSWERS)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    asked = await until(following, ApprovalRequired)
    await bench.sessions.change_settings(session_id, model="mock-large")
    bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    second = await until(following, ReplyFinished)
    assert second.message.model == "mock-large"
    await until(following, TurnFinished)
    parts = {one.name: (one.usage.input_tokens, one.turns) for one in await used_by(bench, "model")}
    assert parts == {"mock": (100, 1), "mock-large": (30, 1)}
    assert {one.name for one in (await accounts(bench)).models} == set(parts)
    (whole,) = await used_by(bench, "session")
    assert (whole.usage.input_tokens, whole.turns) == (130, 1)
