"""The settings of each provider: what each changes in the request, and that they make usable forms."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.engine.ports import ModelConfig, MountContext, Provider, Request
from agent_workbench.engine.providers import anthropic, chat_completions, openai
from agent_workbench.engine.retry import Backoff
from fakes.providers import KINDS, TOOLS
from fakes.wire import Reply, WireServer, says

MODULES = (
    anthropic.MODULE, openai.MODULE, chat_completions.MODULE, chat_completions.OLLAMA, chat_completions.VLLM,
)  # fmt: skip
ASK = Request("Be brief.", (user("hi"),), TOOLS, session_id="s1")
LOOP = (
    user("hi"), Message("assistant", (Thinking("Hm.", "", "provider-chat-completions"), ToolCall("c1", "bash"))),
    Message("tool", (ToolResult("c1", "no such file", is_error=True, images=(Image("image/png", "AAAA", "a.png"),)),)),
)  # fmt: skip


def claude(model: str, request: Request = ASK, **config: Any) -> dict[str, Any]:
    return anthropic.fields(request, model, anthropic.Config.model_validate(config))


def gpt(model: str = "gpt-6.1-sol", request: Request = ASK, **config: Any) -> dict[str, Any]:
    return openai.fields(request, model, openai.Config.model_validate(config))


def chat(request: Request = ASK, **config: Any) -> dict[str, Any]:
    return chat_completions.fields(
        request, chat_completions.Config.model_validate({"base_url": "http://x/v1", **config})
    )


ADAPTIVE = {"type": "adaptive", "display": "summarized"}
THINKING: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None]] = {
    "new models decide themselves": ("claude-sonnet-5-5", {}, ADAPTIVE),
    "so does the first of them": ("claude-opus-4-6", {}, ADAPTIVE),
    "older ones do not think unasked": ("claude-haiku-4-5-20251001", {}, None),
    "nor do much older ones": ("claude-3-7-sonnet-latest", {}, None),
    "older ones think with a budget": (
        "claude-haiku-4-5", {"extended_thinking": True},
        {"type": "enabled", "budget_tokens": 16000, "display": "summarized"},
    ),
    "a budget of one's own": (
        "claude-haiku-4-5", {"thinking_budget_tokens": 2000},
        {"type": "enabled", "budget_tokens": 2000, "display": "summarized"},
    ),
    "little effort is a small budget": (
        "claude-haiku-4-5", {"reasoning_effort": "low"},
        {"type": "enabled", "budget_tokens": 4096, "display": "summarized"},
    ),
    "a budget leaves room for the answer": (
        "claude-haiku-4-5", {"extended_thinking": True, "max_tokens": 3000},
        {"type": "enabled", "budget_tokens": 2999, "display": "summarized"},
    ),
    "no room, no budget": ("claude-haiku-4-5", {"extended_thinking": True, "max_tokens": 1000}, None),
    "off is not known to a model that always thinks": ("claude-opus-5-5", {"extended_thinking": False}, ADAPTIVE),
    "off is off": ("claude-sonnet-5-5", {"extended_thinking": False}, {"type": "disabled"}),
    "no effort is off": ("claude-sonnet-5-5", {"effort": "none"}, {"type": "disabled"}),
    "hidden thoughts": ("claude-sonnet-5-5", {"thinking_display": "omitted"}, {**ADAPTIVE, "display": "omitted"}),
    "a proxy's name for an old model": ("us.anthropic.claude-sonnet-4-20250514-v1:0", {}, None),
    "a budget on a new model": (
        "claude-opus-4-6", {"thinking_type": "enabled", "thinking_budget_tokens": 5000},
        {"type": "enabled", "budget_tokens": 5000, "display": "summarized"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", THINKING)
def test_how_claude_thinks_follows_from_the_model_and_the_settings(name: str):
    model, config, expected = THINKING[name]
    assert claude(model, **config).get("thinking") == expected


def test_effort_is_sent_to_models_that_know_it_and_the_session_s_wins():
    assert claude("claude-opus-5-5", reasoning_effort="high")["output_config"] == {"effort": "high"}
    assert "output_config" not in claude("claude-haiku-4-5", reasoning_effort="high")
    request = Request("", (user("hi"),), model=ModelConfig(effort="max"))
    assert claude("claude-opus-5-5", request, effort="low")["output_config"] == {"effort": "max"}
    assert gpt(request=request, reasoning="low")["reasoning"] == {"summary": "auto", "effort": "max"}
    assert chat(request, reasoning_effort="low")["reasoning_effort"] == "max"


def test_claude_s_cache_marks_the_end_of_what_stays_the_same():
    body = claude("claude-opus-5-5", Request("sys", (user("one"), Message("assistant", (Text("a"),)), user("two"))))
    assert [block.get("cache_control") for block in body["system"]] == [{"type": "ephemeral"}]
    ends = [turn["content"][-1].get("cache_control") for turn in body["messages"]]
    assert ends == [{"type": "ephemeral"}, None, {"type": "ephemeral"}]
    assert "cache_control" not in str(claude("claude-opus-5-5", enable_prompt_caching=False))
    assert "'ttl': '1h'" in str(claude("claude-opus-5-5", cache_ttl="1h"))


def test_claude_gets_no_temperature_while_it_thinks():
    assert "temperature" not in claude("claude-opus-5-5", temperature=0.5)
    assert claude("claude-sonnet-5-5", temperature=0.5, extended_thinking=False)["temperature"] == 0.5


def test_past_tools_stay_declared_when_none_may_be_called():
    body = claude("claude-opus-5-5", Request("", LOOP))
    assert [tool["name"] for tool in body["tools"]] == ["bash"]
    assert body["tool_choice"] == {"type": "none"}


def test_openai_keeps_nothing_and_gives_its_reasoning_back_encrypted():
    body = gpt()
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    assert len(body["prompt_cache_key"]) <= 64


def test_models_that_do_not_reason_are_not_asked_how_hard():
    assert "reasoning" not in gpt("gpt-4.1")
    assert "include" not in gpt("gpt-4.1")
    assert "reasoning" in gpt("o4-mini")


def test_reasoning_may_be_a_word_or_fields():
    assert gpt(reasoning="low")["reasoning"] == {"summary": "auto", "effort": "low"}
    both = gpt(reasoning={"mode": "pro", "effort": "high"}, reasoning_effort="max")
    assert both["reasoning"] == {"summary": "auto", "mode": "pro", "effort": "max"}


def test_retries_follow_the_config():
    config = openai.Config.model_validate({"max_retries": 0, "min_retry_delay": 2, "max_retry_delay": 9})
    assert openai.OpenAIProvider(config).backoff == Backoff(attempts=1, first_s=2, longest_s=9)


def test_openai_settings_reach_the_request():
    body = gpt(reasoning_summary="none", text_verbosity="low", truncation="auto", max_output_tokens=99)
    assert (body["text"], body["truncation"], body["max_output_tokens"]) == ({"verbosity": "low"}, "auto", 99)
    assert body["reasoning"] == {}


QUIRKS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "the limit by its usual name": ({"max_tokens": 5}, "max_tokens", 5),
    "the limit by its newer name": (
        {"max_tokens": 5, "max_tokens_field": "max_completion_tokens"}, "max_completion_tokens", 5
    ),
    "no limit unless one is set": ({}, "max_tokens", None),
    "token counts": ({}, "stream_options", {"include_usage": True}),
    "no token counts": ({"stream_usage": False}, "stream_options", None),
    "no tools": ({"supports_tools": False}, "tools", None),
    "one call at a time": ({"parallel_tool_calls": False}, "parallel_tool_calls", False),
    "calls as the server likes": ({}, "parallel_tool_calls", None),
}  # fmt: skip


@pytest.mark.parametrize("name", QUIRKS)
def test_a_server_s_quirk_is_a_setting(name: str):
    config, field, expected = QUIRKS[name]
    assert chat(**config).get(field) == expected


def test_the_system_prompt_s_role_is_a_setting():
    assert chat(system_role="developer")["messages"][0] == {"role": "developer", "content": "Be brief."}


def test_pictures_from_tools_follow_as_a_person_s_message_or_as_words():
    seen, told = chat(Request("", LOOP)), chat(Request("", LOOP), supports_images=False)
    assert [message["role"] for message in seen["messages"]] == ["user", "assistant", "tool", "user"]
    assert seen["messages"][2]["content"] == "Error: no such file"
    assert seen["messages"][3]["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert "cannot see: a.png" in told["messages"][3]["content"]


def test_thoughts_are_sent_back_to_servers_that_want_them():
    assert "reasoning_content" not in chat(Request("", LOOP))["messages"][1]
    assert chat(Request("", LOOP), reasoning_field="reasoning_content")["messages"][1]["reasoning_content"] == "Hm."


async def said(*chunks: str) -> Message:
    """Return what a chat server's raw chunks amount to."""
    body = "".join(f"data: {chunk}\n\n" for chunk in chunks).encode()
    async with WireServer(Reply(body=body, headers={"content-type": "text/event-stream; charset=utf-8"})) as server:
        provider: Provider = KINDS[2].make(server.url)
        done = [item async for item in provider.stream(ASK)][-1]
        await provider.close()
    message: Message = done.message
    return message


def call(arguments: str, *, index: str = "", id: str = "", name: str = "") -> str:
    function = f'{{"name": "{name}", "arguments": {arguments}}}' if name else f'{{"arguments": {arguments}}}'
    head = (f'"index": {index}, ' if index else "") + (f'"id": "{id}", ' if id else "")
    return f'{{"choices": [{{"delta": {{"tool_calls": [{{{head}"function": {function}}}]}}}}]}}'


END = '{"choices": [{"delta": {}, "finish_reason": "stop"}]}'


async def test_a_stream_may_end_after_its_finish_reason_without_a_marker():
    message = await said('{"choices": [{"delta": {"content": "hi"}}]}', END)
    assert (message.text, message.stop_reason) == ("hi", "end")


async def test_a_stream_may_end_with_its_marker_alone():
    assert (await said('{"choices": [{"delta": {"content": "hi"}}]}', "[DONE]")).text == "hi"


async def test_calls_that_are_all_numbered_nought_are_told_apart_by_id():
    message = await said(
        call('"{}"', index="0", id="a", name="bash"), call('"{}"', index="0", id="b", name="read_file"), END
    )
    assert [(c.call_id, c.name) for c in message.tool_calls] == [("a", "bash"), ("b", "read_file")]
    assert message.stop_reason == "tool_calls"


async def test_calls_without_number_or_id_get_ids_and_arguments_may_be_objects():
    message = await said(call('{"command": "ls"}', name="bash"), END)
    (only,) = message.tool_calls
    assert only.arguments == {"command": "ls"}
    assert only.call_id


async def test_thoughts_and_words_come_in_the_shapes_of_several_servers():
    message = await said(
        '{"choices": [{"delta": {"reasoning": "Hm."}}]}',
        '{"choices": [{"delta": {"content": [{"type": "text", "text": "hi"}]}}], "usage": null}',
        '{"choices": null}',
        END,
    )
    assert message.parts == (Thinking("Hm.", "", "provider-chat-completions"), Text("hi"))


async def test_a_refusal_is_shown_and_named():
    message = await said('{"choices": [{"delta": {"refusal": "I will not."}, "finish_reason": "stop"}]}')
    assert (message.text, message.stop_reason) == ("I will not.", "refusal")


async def test_without_a_model_the_first_that_the_server_lists_is_used_and_kept():
    async with WireServer(says("one"), says("two"), models=("qwen-9", "other")) as server:
        provider = chat_completions.create(
            chat_completions.OllamaConfig.model_validate({"base_url": f"{server.url}/v1"}),
            MountContext({}, Path(), "local"), module="provider-ollama",
        )  # fmt: skip
        for _ in range(2):
            assert [item async for item in provider.stream(ASK)]
        await provider.close()
    assert [r.json["model"] for r in server.requests if r.method == "POST"] == ["qwen-9", "qwen-9"]
    assert [r.method for r in server.requests] == ["GET", "POST", "POST"]
    assert provider.default_model == "qwen-9"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.id)
def test_every_setting_has_a_help_text_and_every_module_makes_a_provider(module: Module):
    properties = module.config.model_json_schema()["properties"]
    assert [name for name, schema in properties.items() if not schema.get("description")] == []
    assert {"default_model", "api_key", "base_url", "max_tokens", "priority"} <= set(properties)
    assert module.create is not None
    config = module.config.model_validate({"base_url": "http://x/v1", "model": "m", "priority": 3})
    provider = module.create(config, MountContext({}, Path(), "mine"))
    assert isinstance(provider, Provider)
    assert (provider.id, provider.default_model) == ("mine", "m")


@pytest.mark.parametrize(
    ("module", "config", "key"),
    [(anthropic.MODULE, {"thinking_budget_tokens": 5}, "thinking_budget_tokens"),
     (openai.MODULE, {"max_tokens": 0}, "max_tokens"), (chat_completions.MODULE, {}, "base_url"),
     (chat_completions.MODULE, {"base_url": "http://x", "timeout": 0}, "timeout")],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_by_name(module: Module, config: dict[str, Any], key: str):
    with pytest.raises(ValidationError, match=key):
        module.config.model_validate(config)


def test_unknown_settings_are_kept_for_the_report():
    assert anthropic.Config.model_validate({"raw": True}).model_extra == {"raw": True}


def test_no_sdk_is_imported_before_the_first_request():
    names = ["anthropic", "openai", "httpx2", "genai_prices"]
    imports = "import sys; from agent_workbench.engine.providers import anthropic, chat_completions, openai"
    check = f"{imports}; print([name for name in {names} if name in sys.modules])"
    made = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert made.stdout.strip() == "[]"
