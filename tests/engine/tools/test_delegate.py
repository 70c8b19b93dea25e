"""What a model sees of delegating, and what it is answered; running children is a matter of services."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.configs.plan import AgentSpec
from agent_workbench.conversation.events import ApprovalAnswered, ApprovalRequired, Question, ToolFinished
from agent_workbench.conversation.messages import Message, Text, ToolCall, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.arguments import argument_fault
from agent_workbench.engine.ports import Limits, MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.spawning import Errand, Returned
from agent_workbench.engine.tools.delegate import MODULE, TASK, Delegate
from agent_workbench.errors import NotFound
from engine.engine_kit import Answer, Echo, Person, calling, of, played, scripted, session

AGENTS = {"helper": AgentSpec("helper", "Helps\nwith files.")}


class Spawner:
    def __init__(self, returned: Returned | Exception | None = None) -> None:
        self.errands: list[Errand] = []
        self.returned = returned

    async def run(self, errand: Errand, context: ToolContext) -> Returned:
        self.errands.append(errand)
        if self.returned is None:
            await asyncio.Event().wait()
        if isinstance(self.returned, Exception):
            raise self.returned
        assert self.returned is not None
        return self.returned


def tool(spawner: Spawner | None, module: Any = MODULE, **config: Any) -> Delegate:
    context = MountContext({}, Path("/"), resources={"agents": AGENTS, **({"spawner": spawner} if spawner else {})})
    (made,) = module.create(module.config.model_validate(config), context)
    assert isinstance(made, Delegate)
    return made


async def run(made: Delegate, *history: Message, **arguments: Any) -> ToolOutcome:
    arguments = {"agent": "helper", "instruction": "look", **arguments}
    assert argument_fault(made, arguments) == ""
    context = ToolContext("s", Path("/"), "c", (*history, Message("assistant", (ToolCall("c", "delegate"),))))
    made.intent(arguments, context)
    return await made.run(arguments, context)


async def test_the_agents_are_described_and_the_answer_can_be_gone_on_with():
    spawner = Spawner(Returned("s2", "Three files.", "completed", usage=Usage(5, 6)))
    made = tool(spawner)
    assert "- helper: Helps with files." in made.spec.description
    outcome = await run(made, session_id="s1")
    assert outcome.content == "Three files.\n[session_id: s2]"
    assert outcome.details["child_usage"] == {"input_tokens": 5, "output_tokens": 6}
    assert spawner.errands == [Errand("helper", "look", "s1", ("tool-delegate",), max_depth=3)]


ENDS = {
    "a limit": (Returned("s2", "so far", "limited", "50 steps"),
                "helper did not finish (limited): 50 steps. Its last words: so far\n[session_id: s2]"),
    "nothing said": (Returned("s2", "", "cancelled"),
                     "helper did not finish (cancelled): it does not say why.\n[session_id: s2]"),
    "not there": (NotFound("there is no agent"), "helper: there is no agent"),
}  # fmt: skip


@pytest.mark.parametrize(("returned", "words"), ENDS.values(), ids=ENDS.keys())
async def test_a_child_that_does_not_finish_is_an_error_that_says_why(returned, words):
    outcome = await run(tool(Spawner(returned)))
    assert (outcome.content, outcome.is_error) == (words, True)


async def test_a_child_that_takes_too_long_is_stopped():
    outcome = await run(tool(Spawner(), settings={"timeout": 0.01}))
    assert outcome.content == "helper was stopped: it took more than 0.01 seconds"


async def test_where_nobody_keeps_sessions_it_says_so():
    assert (await run(tool(None))).is_error


HISTORY = (
    user("first"), Message("assistant", (Text("one"),)),
    user("second"), Message("assistant", (Text("two"), ToolCall("x", "echo"))),
)  # fmt: skip
TOLD = {
    "nothing by default": ({}, ""),
    "the last exchange": ({"context_depth": "recent", "context_turns": 1}, "user: second\n\nassistant: two"),
    "all": ({"context_depth": "all"}, "user: first\n\nassistant: one\n\nuser: second\n\nassistant: two"),
    "more than there is": ({"context_depth": "recent", "context_turns": 9},
                           "user: first\n\nassistant: one\n\nuser: second\n\nassistant: two"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "told"), TOLD.values(), ids=TOLD.keys())
async def test_how_much_of_the_conversation_a_child_is_told(arguments, told):
    spawner = Spawner(Returned("s2", "ok", "completed"))
    await run(tool(spawner), *HISTORY, **arguments)
    expected = f"<conversation>\n{told}\n</conversation>\n\nlook" if told else "look"
    assert spawner.errands[0].instruction == expected


def test_features_that_are_off_are_not_offered():
    properties = tool(None, features={"self_delegation": False, "session_resume": {"enabled": False}}).spec.input_schema
    assert properties["properties"]["agent"]["enum"] == ["helper"]
    assert "session_id" not in properties["properties"]


def test_a_task_is_the_same_with_less():
    made = tool(None, TASK)
    assert made.spec.name == "task"
    assert set(made.spec.input_schema["properties"]) == {"agent", "instruction", "session_id"}
    assert made.config.settings.exclude_tools == ["tool-task"]


async def test_a_running_tool_asks_the_person_counts_what_it_spends_and_sees_what_is_left():
    left: list[Limits] = []

    async def body(arguments: Any, context: ToolContext) -> ToolOutcome:
        left.append(context.left())
        context.spend(Usage(100, 10))
        left.append(context.left())
        answer = await context.ask(Question(ToolCall("c1/x", "child"), "helper: may I?"))
        return ToolOutcome(answer.decision)

    model = scripted(calling(("echo", {})), "done")
    config = session(model, Echo(body=body), limits=Limits(max_steps=5, max_tokens=1_000_000))
    person = Person(Answer("allow"))
    events = await played(config, frontend=person)
    assert [question.reason for question in person.questions] == ["helper: may I?"]
    assert of(events, ApprovalRequired)
    assert of(events, ApprovalAnswered)[0].call_id == "c1/x"
    assert (left[0].max_steps, left[1].max_steps) == (4, 3)
    assert left[0].max_tokens - left[1].max_tokens == 110
    (finished,) = of(events, ToolFinished)
    assert (finished.result.content, finished.usage) == ("allow", Usage(100, 10))
    assert events[-1].usage.input_tokens > 100
