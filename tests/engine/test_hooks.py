from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent_workbench.conversation.events import ApprovalRequired, Notice, ToolFinished
from agent_workbench.engine.hooks.dispatch import Hooks
from agent_workbench.engine.ports import HookAnswer, HookEvent, Request
from engine.engine_kit import Echo, calling, of, played, scripted, session

CONTINUE = HookAnswer()


@dataclass
class Listener:
    """A hook that answers what it was told to."""

    answer: Any = CONTINUE
    id: str = "listener"
    events: frozenset[str] = frozenset({"*"})
    guards: bool = False
    priority: int = 0
    heard: list[HookEvent] = field(default_factory=list)

    async def handle(self, event: HookEvent) -> HookAnswer:
        self.heard.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "hang":
            await asyncio.Event().wait()
        if callable(self.answer):
            return self.answer(event.data)
        return self.answer


DENY = HookAnswer("deny", "no")
ASK = HookAnswer("ask_user", text="sure?")
INJECT = HookAnswer("inject_context", text="remember")


def modify(**data: object) -> HookAnswer:
    return HookAnswer("modify", data=data)


async def test_denying_beats_asking_beats_injecting_beats_modifying():
    hooks = [Listener(answer) for answer in (modify(a=1), INJECT, ASK, DENY)]
    outcome = await Hooks(hooks).fire("tool:pre", {"a": 0})
    assert (outcome.denied, outcome.question) == ("no", "sure?")
    assert outcome.injections == (INJECT,)
    assert outcome.data == {"a": 1}


async def test_changes_are_chained_in_the_order_of_priority():
    def doubled(data: Mapping[str, Any]) -> HookAnswer:
        return modify(a=data["a"] * 2)

    def increased(data: Mapping[str, Any]) -> HookAnswer:
        return modify(a=data["a"] + 1)

    hooks = [Listener(doubled, priority=5), Listener(increased, priority=1)]
    assert (await Hooks(hooks).fire("x", {"a": 1})).data == {"a": 4}


async def test_all_injections_are_merged():
    outcome = await Hooks([Listener(INJECT), Listener(HookAnswer("inject_context", text="more"))]).fire("x", {})
    assert [answer.text for answer in outcome.injections] == ["remember", "more"]


async def test_only_those_who_listen_are_asked():
    listener = Listener(events=frozenset({"tool:pre"}))
    hooks = Hooks([listener])
    await hooks.fire("tool:post", {})
    assert listener.heard == []
    assert hooks.hears("tool:pre")
    assert not hooks.hears("tool:post")


FAILURES = {"raises": RuntimeError("oops"), "hangs": "hang", "answers nonsense": "yes", "an unknown action": HookAnswer("maybe")}  # type: ignore[arg-type]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_a_hook_that_fails_is_skipped_with_a_notice_and_one_that_guards_denies(failure):
    skipped = await Hooks([Listener(failure)], timeout_s=0.01).fire("tool:pre", {})
    assert skipped.denied == ""
    assert "was skipped" in skipped.notices[0].text
    guarded = await Hooks([Listener(failure, guards=True)], timeout_s=0.01).fire("tool:pre", {})
    assert guarded.denied
    assert guarded.notices[0].severity == "error"


# --- in a turn --------------------------------------------------------------------------------------------------------


async def test_the_lifecycle_of_a_turn_is_heard_in_order():
    listener = Listener()
    await played(session(scripted(calling(("echo", {})), "done"), Echo(), hooks=(listener,)))
    assert [event.name for event in listener.heard if "content_block" not in event.name] == [
        "execution:start", "prompt:submit", "provider:request", "provider:response", "tool:pre", "tool:post",
        "provider:request", "provider:response", "prompt:complete", "execution:end", "orchestrator:complete",
    ]  # fmt: skip
    assert {event.session_id for event in listener.heard} == {"s1"}


async def test_the_pieces_of_a_reply_are_heard_by_those_who_listen():
    events = frozenset({"content_block:start", "content_block:end", "thinking:final", "provider:retry"})
    listener = Listener(events=events)
    reply = {**calling(("echo", {}), text="let me"), "thinking": "hm hm"}
    await played(session(scripted(reply, "done"), Echo(), hooks=(listener,)))
    heard = [(event.name, event.data.get("type", event.data.get("text"))) for event in listener.heard[:7]]
    assert heard == [
        ("content_block:start", "thinking"), ("thinking:final", "hm hm"), ("content_block:end", "thinking"),
        ("content_block:start", "text"), ("content_block:end", "text"),
        ("content_block:start", "tool_use echo"), ("content_block:end", "tool_use echo"),
    ]  # fmt: skip


async def test_a_hook_can_deny_a_tool_a_prompt_and_a_request():
    tool = Echo()
    denying = Listener(DENY, events=frozenset({"tool:pre"}))
    events = await played(session(scripted(calling(("echo", {})), "done"), tool, hooks=(denying,)))
    assert tool.ran == []
    assert of(events, ToolFinished)[0].result.content == "Denied: no"
    for name in ("prompt:submit", "provider:request"):
        events = await played(session(scripted("x"), hooks=(Listener(DENY, events=frozenset({name})),)))
        assert (events[-1].status, events[-1].error_kind) == ("failed", "hook")


async def test_a_hook_can_make_a_tool_ask():
    asking = Listener(ASK, events=frozenset({"tool:pre"}))
    tool = Echo()
    events = await played(session(scripted(calling(("echo", {})), "done"), tool, hooks=(asking,)))
    assert of(events, ApprovalRequired)[0].question.reason == "sure?"
    assert tool.ran == []


async def test_a_hook_can_change_arguments_which_are_checked_again():
    changing = Listener(modify(tool_name="echo", tool_input={"n": 2}), events=frozenset({"tool:pre"}))
    tool = Echo(schema={"type": "object", "properties": {"n": {"type": "integer"}}})
    await played(session(scripted(calling(("echo", {"n": 1})), "done"), tool, hooks=(changing,)))
    assert tool.ran == [{"n": 2}]
    wrong = Listener(modify(tool_input={"n": "two"}), events=frozenset({"tool:pre"}))
    await played(session(scripted(calling(("echo", {"n": 1})), "done"), tool, hooks=(wrong,)))
    assert tool.ran == [{"n": 2}]


async def test_a_hook_can_change_a_result_before_the_model_sees_it():
    cleaning = Listener(modify(result="cleaned"), events=frozenset({"tool:post"}))
    events = await played(session(scripted(calling(("echo", {})), "done"), Echo(), hooks=(cleaning,)))
    assert of(events, ToolFinished)[0].result.content == "cleaned"


async def test_what_a_hook_injects_is_sent_last_and_not_remembered():
    seen: list[Request] = []
    model = scripted(calling(("echo", {})), "done")

    class Watching:
        id, default_model = "w", "m"

        async def stream(self, request):
            seen.append(request)
            async for item in model.stream(request):
                yield item

    inject = Listener(INJECT, events=frozenset({"prompt:submit"}))
    system = Listener(HookAnswer("inject_context", text="rule", role="system"), events=frozenset({"provider:request"}))
    await played(session(Watching(), Echo(), hooks=(inject, system)))
    assert "remember" in seen[0].messages[-1].text
    assert seen[0].system.endswith("rule")
    assert not any("remember" in message.text for message in seen[1].messages)


async def test_a_failing_hook_is_one_visible_line_and_the_turn_goes_on():
    events = await played(session(scripted("fine"), hooks=(Listener(RuntimeError("oops")),)))
    assert events[-1].status == "completed"
    assert any("listener failed" in notice.text for notice in of(events, Notice))
