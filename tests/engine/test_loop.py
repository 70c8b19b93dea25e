from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Notice,
    ReplyFinished,
    ResultsReady,
    TextDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Text, ToolCall, user
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Intent, Limits, ModelConfig, Nobody, ReplyText, ToolContext, ToolOutcome
from engine.engine_kit import Echo, Person, calling, forever, of, played, scripted, session


async def test_a_plain_turn_streams_words_and_ends_once():
    events = await played(session(scripted("Hello to you")), "hi", turn_id="t1")
    assert isinstance(events[0], TurnStarted)
    assert events[0].turn_id == "t1"
    assert "".join(event.text for event in of(events, TextDelta)) == "Hello to you"
    assert [type(event) for event in events if isinstance(event, TurnFinished)] == [TurnFinished]
    assert events[-1].status == "completed"
    assert of(events, ReplyFinished)[0].message.text == "Hello to you"


async def test_a_tool_call_runs_and_its_result_reaches_the_model():
    tool = Echo()
    events = await played(session(scripted(calling(("echo", {"a": 1})), "done"), tool))
    kinds = [type(event).__name__ for event in events if not isinstance(event, TextDelta)]
    assert kinds == [
        "TurnStarted", "StepStarted", "ToolCallDelta", "ReplyFinished", "ToolStarted", "ToolFinished", "ResultsReady",
        "StepStarted", "ReplyFinished", "TurnFinished",
    ]  # fmt: skip
    assert tool.ran == [{"a": 1}]
    assert of(events, ResultsReady)[0].message.tool_results[0].content == "echo {'a': 1}"
    assert events[-1].steps == 2


async def test_a_tool_starts_only_after_its_start_was_taken_note_of():
    tool = Echo()
    turn = run_turn([user("go")], session(scripted(calling(("echo", {})), "done"), tool), Nobody())
    async for event in turn:
        if isinstance(event, ToolStarted):
            await asyncio.sleep(0)
            assert tool.ran == []
            break
    await turn.aclose()
    assert tool.ran == []


async def test_tools_run_at_once_and_results_come_in_call_order():
    first_may_end = asyncio.Event()

    async def slow(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        await first_may_end.wait()
        return ToolOutcome("slow")

    async def quick(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        first_may_end.set()
        return ToolOutcome("quick")

    model = scripted(calling(("slow", {}), ("quick", {})), "done")
    events = await played(session(model, Echo("slow", slow), Echo("quick", quick)))
    assert [result.content for result in of(events, ResultsReady)[0].message.tool_results] == ["slow", "quick"]
    assert [event.call.name for event in of(events, ToolFinished)] == ["quick", "slow"]


async def test_without_parallel_tools_one_ends_before_the_next_starts():
    model = scripted(calling(("echo", {"n": 1}), ("echo", {"n": 2})), "done")
    events = await played(session(model, Echo(), parallel_tools=False))
    order = [type(event).__name__ for event in events if isinstance(event, ToolStarted | ToolFinished)]
    assert order == ["ToolStarted", "ToolFinished", "ToolStarted", "ToolFinished"]


async def test_live_output_streams_through_and_is_capped():
    async def noisy(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        context.emit("one\n")
        await asyncio.to_thread(context.emit, "two\n")
        for _ in range(50):
            context.emit("x" * 10_000)
        return ToolOutcome("y" * 1_000_000)

    events = await played(session(scripted(calling(("echo", {})), "done"), Echo(body=noisy)))
    shown = "".join(event.text for event in of(events, ToolOutput))
    assert "one\n" in shown
    assert "two\n" in shown
    assert len(shown) < 210_000
    result = of(events, ToolFinished)[0].result
    assert len(result.content) < 51_000
    assert "characters left out" in result.content


REFUSED = {
    "unknown tool": ("nope", {}, "There is no tool 'nope'"),
    "not an object": ("echo", "{broken", "not a JSON object"),
    "wrong type": ("strict", {"n": "one"}, "is not of type 'integer'"),
    "missing": ("strict", {}, "'n' is a required property"),
}
STRICT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(("name", "arguments", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_call_that_does_not_fit_is_answered_and_never_run(name, arguments, why):
    echo, strict = Echo(), Echo("strict", schema=STRICT)
    events = await played(session(scripted(calling((name, arguments)), "done"), echo, strict))
    result = of(events, ToolFinished)[0].result
    assert result.is_error
    assert why in result.content
    assert echo.ran == strict.ran == []
    assert events[-1].status == "completed"


async def test_calls_of_a_reply_that_was_cut_off_never_run():
    tool = Echo()
    cut = {**calling(("echo", {})), "stop_reason": "max_tokens"}
    events = await played(session(scripted(cut, "done"), tool))
    assert tool.ran == []
    assert "cut off" in of(events, ToolFinished)[0].result.content
    assert any("cut off" in notice.text for notice in of(events, Notice))


async def test_of_two_calls_with_one_id_the_second_is_refused():
    tool = Echo()
    twice = {"tool_calls": [{"name": "echo", "id": "same"}, {"name": "echo", "id": "same"}]}
    events = await played(session(scripted(twice, "done"), tool))
    assert len(tool.ran) == 1
    assert [result.is_error for result in of(events, ResultsReady)[0].message.tool_results] == [False, True]


async def test_a_tool_that_raises_or_answers_nonsense_is_an_error_result():
    async def broken(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        raise RuntimeError("no \ud800 way")

    async def odd(arguments: Mapping[str, Any], context: ToolContext) -> Any:
        return "just a string"

    model = scripted(calling(("broken", {}), ("odd", {})), "done")
    events = await played(session(model, Echo("broken", broken), Echo("odd", odd)))
    results = of(events, ResultsReady)[0].message.tool_results
    assert [result.is_error for result in results] == [True, True]
    results[0].content.encode()
    assert "RuntimeError" in results[0].content


async def test_a_tool_that_cancels_itself_is_an_error_result_and_not_the_end_of_the_turn():
    async def gone(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        raise asyncio.CancelledError

    model = scripted(calling(("gone", {}), ("echo", {})), "done")
    events = await played(session(model, Echo("gone", gone), Echo()))
    assert [result.is_error for result in of(events, ResultsReady)[0].message.tool_results] == [True, False]
    assert events[-1].status == "completed"


async def test_questions_are_asked_one_after_another_and_a_refusal_says_why():
    person = Person(Answer("deny", "not today"), Answer("allow"))
    first, second = Echo("first", intent=Intent("execute", "ls")), Echo("second", intent=Intent("execute", "pwd"))
    events = await played(session(scripted(calling(("first", {}), ("second", {})), "ok"), first, second), "go", person)
    order = [type(event).__name__ for event in events if isinstance(event, ApprovalRequired | ApprovalAnswered)]
    assert order == ["ApprovalRequired", "ApprovalAnswered"] * 2
    assert first.ran == []
    assert len(second.ran) == 1
    assert of(events, ResultsReady)[0].message.tool_results[0].content == "Denied: not today"


async def test_nobody_to_ask_denies():
    tool = Echo(intent=Intent("execute", "ls"))
    await played(session(scripted(calling(("echo", {})), "ok"), tool))
    assert tool.ran == []


async def test_an_answer_that_was_not_offered_denies():
    tool = Echo(intent=Intent("execute", "ls"))
    await played(session(scripted(calling(("echo", {})), "ok"), tool), "go", Person(Answer("allow_always")))
    assert tool.ran == []


async def test_what_was_allowed_for_the_session_is_not_asked_again_in_the_turn():
    tool, person = Echo(intent=Intent("network", "example.org")), Person(Answer("allow_session"))
    model = scripted(calling(("echo", {"n": 1})), calling(("echo", {"n": 2})), "ok")
    events = await played(session(model, tool), "go", person)
    assert len(tool.ran) == 2
    assert of(events, ApprovalRequired)[0].question.rules == ("echo(example.org)",)


async def test_the_same_call_three_times_in_a_row_asks():
    tool, person = Echo(), Person(Answer("deny", "you are going round in circles"))
    same = calling(("echo", {"n": 1}))
    events = await played(session(scripted(same, same, same, "ok"), tool), "go", person)
    assert len(tool.ran) == 2
    assert "3 times" in person.questions[0].reason
    assert events[-1].status == "completed"


LIMITS = {
    "steps": (Limits(max_steps=2), "2 steps"),
    "tokens": (Limits(max_tokens=1), "tokens"),
    "seconds": (Limits(max_seconds=0.0), "seconds"),
    "cost": (Limits(max_cost=0.0), "cost"),
}


@pytest.mark.parametrize(("limits", "why"), LIMITS.values(), ids=LIMITS.keys())
async def test_limits_are_checked_before_a_request_and_end_the_turn_softly(limits, why):
    loop_forever = [calling(("echo", {"n": n})) for n in range(10)]
    events = await played(session(scripted(*loop_forever), Echo(), limits=limits))
    assert events[-1].status == "limited"
    assert why in events[-1].error


async def test_a_child_s_usage_counts():
    from agent_workbench.conversation.usage import Usage

    async def child(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        return ToolOutcome("done", details={"usage": Usage(1000, 1000)})

    model = scripted(*[calling(("echo", {"n": n})) for n in range(5)])
    events = await played(session(model, Echo(body=child), limits=Limits(max_tokens=2000)))
    assert events[-1].steps == 1
    assert events[-1].usage.input_tokens >= 1000
    assert of(events, ToolFinished)[0].result.details == {}


async def test_a_provider_s_failure_keeps_what_was_said_and_ends_the_turn():
    model = scripted({"text": "half a", "fault": "interrupted"})
    events = await played(session(model))
    kept = of(events, ReplyFinished)[0].message
    assert kept.parts == (Text("half a"),)
    assert kept.stop_reason == "interrupted"
    assert (events[-1].status, events[-1].error_kind) == ("failed", "interrupted")


async def test_a_provider_that_breaks_is_a_failed_turn_and_no_traceback():
    class Broken:
        id, default_model = "broken", "m"

        async def stream(self, request):
            raise KeyError("oops")
            yield

    events = await played(session(Broken()))
    assert events[-1].status == "failed"
    assert "KeyError" in events[-1].error


async def test_without_a_provider_the_turn_says_what_to_do():
    events = await played(session([]))
    assert events[-1].error_kind == "setup"
    assert "providers" in events[-1].error


async def test_a_message_steered_in_is_answered_in_the_same_turn():
    waiting = [[user("and the second?")], []]

    async def steer() -> list[Message]:
        return waiting.pop(0)

    events = await played(session(scripted("first", "second")), "hi", steer=steer)
    assert [event.message.text for event in of(events, UserSaid)] == ["and the second?"]
    assert [event.message.text for event in of(events, ReplyFinished)] == ["first", "second"]


async def test_a_changed_config_is_used_from_the_next_step():
    later = Echo("later")
    configs = [session(scripted(calling(("later", {})), calling(("later", {"n": 1})), "ok"))]
    configs.append(session(configs[0].providers, later))

    async def refresh():
        return configs[0] if len(configs) == 1 else configs.pop(0)

    await played(configs[0], refresh=refresh)
    assert later.ran == [{"n": 1}]


async def test_a_config_that_can_no_longer_be_had_ends_the_turn_with_the_reason():
    from agent_workbench.errors import NotFound

    async def refresh():
        raise NotFound("the config was deleted")

    events = await played(session(scripted("x")), refresh=refresh)
    assert (events[-1].status, events[-1].error) == ("failed", "the config was deleted")


async def test_a_tool_that_hangs_is_stopped_and_the_others_results_stand():
    model = scripted(calling(("hangs", {}), ("echo", {})), "done")
    events = await played(session(model, Echo("hangs", forever), Echo(), tool_seconds=0.05))
    hung, fine = of(events, ResultsReady)[0].message.tool_results
    assert "took more than 0.05 seconds" in hung.content
    assert not fine.is_error


async def test_a_tool_that_refuses_to_stop_does_not_hold_up_the_person(monkeypatch):
    monkeypatch.setattr("agent_workbench.engine.running.STOP_SECONDS", 0.05)
    released, began = asyncio.Event(), asyncio.Event()

    async def stubborn(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        began.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return ToolOutcome("at last")

    task = asyncio.create_task(played(session(scripted(calling(("echo", {}))), Echo(body=stubborn))))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    released.set()


async def test_a_pause_and_a_refusal_end_the_turn_and_are_said():
    events = await played(session(scripted({"text": "wait", "stop_reason": "pause"}, "now")))
    assert [event.message.text for event in of(events, ReplyFinished)] == ["wait"]
    assert [notice.text for notice in of(events, Notice)] == ["the model paused; tell it to continue"]
    refused = await played(session(scripted({"text": "", "stop_reason": "refusal"})))
    assert any("refused" in notice.text for notice in of(refused, Notice))
    assert refused[-1].status == "completed"


async def test_an_empty_reply_is_said():
    assert any("nothing" in n.text for n in of(await played(session(scripted({"text": ""}))), Notice))


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_stopping_a_turn_stops_its_tools_and_leaves_no_task(how):
    stopped = asyncio.Event()

    async def hangs(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        try:
            return await forever(arguments, context)
        finally:
            stopped.set()

    config = session(scripted(calling(("hangs", {}), ("echo", {}))), Echo("hangs", hangs), Echo())
    running = asyncio.Event()
    turn = run_turn([user("go")], config, Nobody())

    async def consume() -> None:
        async for event in turn:
            if isinstance(event, ToolFinished):
                running.set()
                if how == "close":
                    return

    task = asyncio.create_task(consume())
    await running.wait()
    if how == "cancel":
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await turn.aclose()
    assert stopped.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_at_a_question_leaves_nothing_behind():
    asked = asyncio.Event()

    class Slow:
        async def ask(self, question):
            asked.set()
            await asyncio.Event().wait()

    config = session(scripted(calling(("echo", {}))), Echo(intent=Intent("execute", "ls")))
    task = asyncio.create_task(played(config, "go", Slow()))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_history_that_comes_in_is_not_changed():
    history = [user("go")]
    await played(session(scripted(calling(("echo", {})), "done"), Echo()), history)
    assert history == [user("go")]


async def test_a_history_left_open_by_a_crash_is_sent_repaired():
    open_history = [user("go"), Message("assistant", (ToolCall("c9", "echo"),)), user("still there?")]
    seen = []

    class Watching:
        id, default_model = "w", "m"

        async def stream(self, request):
            seen.append(request.messages)
            async for item in scripted("yes", loop=True).stream(request):
                yield item

    await played(session(Watching()), open_history)
    assert [message.role for message in seen[0]] == ["user", "assistant", "tool", "user"]
    assert seen[0][2].tool_results[0].is_error


async def test_a_chosen_provider_is_asked_alone_and_an_unknown_one_is_named():
    one, two = scripted("one"), scripted("two")
    one.id, two.id = "one", "two"
    chosen = replace(session([one, two]), model=ModelConfig(provider="two", model="big"))
    assert (chosen.candidates(), chosen.model_name) == ((two,), "big")
    assert of(await played(chosen), ReplyFinished)[0].message.text == "two"
    unknown = replace(chosen, model=ModelConfig(provider="three"))
    events = await played(unknown)
    assert "it has one, two" in events[-1].error
    assert unknown.model_name == ""


async def test_a_tool_that_cannot_say_what_it_would_do_is_not_run():
    class Silent(Echo):
        def intent(self, arguments, context):
            raise KeyError("path")

    tool = Silent()
    events = await played(session(scripted(calling(("echo", {})), "done"), tool))
    assert "cannot say what it would do" in of(events, ToolFinished)[0].result.content
    assert tool.ran == []


async def test_a_tool_whose_schema_is_broken_is_not_run():
    tool = Echo(schema={"type": "object", "properties": {"n": {"type": "no such type"}}})
    events = await played(session(scripted(calling(("echo", {"n": 1})), "done"), tool))
    assert "schema cannot be checked" in of(events, ToolFinished)[0].result.content
    assert tool.ran == []


async def test_a_schema_that_points_to_an_address_is_never_fetched(monkeypatch):
    def fetched(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("urllib.request.urlopen", fetched)
    tool = Echo(schema={"$ref": "http://127.0.0.1:9/schema.json"})
    events = await played(session(scripted(calling(("echo", {})), "done"), tool))
    result = of(events, ToolFinished)[0].result
    assert "schema cannot be checked" in result.content
    assert "network was asked" not in result.content


async def test_two_requests_of_a_turn_keep_their_distance():
    model = scripted(calling(("echo", {})), "done")
    started = time.monotonic()
    await played(session(model, Echo(), min_delay_s=0.05))
    assert time.monotonic() - started >= 0.05


async def test_a_stream_that_ends_without_its_end_is_a_fault():
    class Cut:
        id, default_model = "cut", "m"

        async def stream(self, request):
            yield ReplyText("half")

    events = await played(session(Cut()))
    assert (events[-1].status, events[-1].error_kind) == ("failed", "interrupted")
    assert of(events, ReplyFinished)[0].message.text == "half"


async def test_a_result_that_is_no_text_or_holds_nul_is_made_fit():
    async def odd(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        return ToolOutcome({"a": "\0\ud800"})  # type: ignore[arg-type]

    events = await played(session(scripted(calling(("echo", {})), "done"), Echo(body=odd)))
    content = of(events, ToolFinished)[0].result.content
    content.encode()
    assert "\0" not in content
