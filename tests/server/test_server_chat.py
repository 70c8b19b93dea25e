"""Agents in OpenAI's protocol, through OpenAI's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from server_kit import TOKEN, Served

LISTS = {"text": "Let me look.", "tool_calls": [{"name": "glob", "arguments": {"pattern": "*.py"}}]}


@pytest.fixture
async def client(server: Served) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=TOKEN) as one:
        yield one


def user(*words: str) -> list[dict[str, Any]]:
    """Return a conversation: the user's and the agent's words in turn."""
    return [{"role": ("user", "assistant")[n % 2], "content": word} for n, word in enumerate(words)]


async def chat(client: openai.AsyncOpenAI, messages: list[dict[str, Any]], **more: Any) -> tuple[str, str]:
    """Return the answer and the session."""
    raw = await client.chat.completions.with_raw_response.create(model="scripted", messages=messages, **more)
    return raw.parse().choices[0].message.content or "", raw.headers["x-session-id"]


async def test_an_agent_answers_under_its_name_and_its_id(server: Served, client: openai.AsyncOpenAI):
    config_id = await server.config("I am fine.")
    assert "scripted" in [model.id async for model in client.models.list()]
    for name in ("scripted", config_id):
        done = await client.chat.completions.create(model=name, messages=user("how are you?"))
        assert done.choices[0].message.content == "I am fine."
        assert (done.choices[0].finish_reason, done.model) == ("stop", name)
        assert done.usage is not None
        assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


async def test_a_stream_has_the_same_words_tools_without_content_and_the_usage(
    server: Served, client: openai.AsyncOpenAI
):
    await server.config(LISTS, "None there.", tools=("tool-search",))
    stream = await client.chat.completions.create(
        model="scripted", messages=user("look"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert words == "Let me look.\n\nNone there."
    assert [chunk.tool["status"] for chunk in chunks if "tool" in (chunk.model_extra or {})] == ["started", "finished"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_conversation_sent_whole_goes_on_in_its_session(server: Served, client: openai.AsyncOpenAI):
    await server.config(LISTS, "None there.", "second", tools=("tool-search",))
    first, session = await chat(client, user("look"))
    again, same = await chat(client, user("look", first, "and now?"))
    assert (again, same) == ("second", session)
    stored = (await server.http.get(f"/sessions/{session}?transcript=true")).json()["messages"]
    assert [one["role"] for one in stored] == ["user", "assistant", "tool", "assistant", "user", "assistant"]


async def test_a_conversation_that_was_changed_starts_anew_and_holds_what_was_sent(
    server: Served, client: openai.AsyncOpenAI
):
    await server.config("first", "second", "third")
    first, session = await chat(client, user("a"))
    _, other = await chat(client, user("a", f"{first}, but edited", "b"))
    assert other != session
    stored = (await server.http.get(f"/sessions/{other}?transcript=true")).json()["messages"]
    assert [one["parts"][0]["text"] for one in stored][:3] == ["a", "first, but edited", "b"]


async def test_users_do_not_meet(server: Served, client: openai.AsyncOpenAI):
    await server.config("first", "second")
    first, session = await chat(client, user("a"), extra_body={"user_id": "ada"})
    _, other = await chat(client, user("a", first, "b"), extra_body={"user_id": "bob"})
    assert other != session
    _, same = await chat(client, user("a", first, "b"), extra_body={"user_id": "ada"})
    assert same == session


async def test_a_session_that_is_named_goes_on_whatever_else_is_sent(server: Served, client: openai.AsyncOpenAI):
    await server.config("first", "second")
    _, session = await chat(client, user("a"))
    answer, same = await chat(client, user("b"), extra_body={"session_id": session})
    assert (answer, same) == ("second", session)
    with pytest.raises(openai.NotFoundError, match="has no session"):
        await chat(client, user("c"), extra_body={"session_id": "none"})


async def test_what_the_client_itself_instructs_is_said_once(server: Served, client: openai.AsyncOpenAI):
    await server.config("first", "second")
    system = [{"role": "system", "content": "Be short."}]
    first, session = await chat(client, system + user("a"))
    _, same = await chat(client, system + user("a", first, "b"))
    assert same == session
    stored = (await server.http.get(f"/sessions/{session}?transcript=true")).text
    assert stored.count("Be short.") == 1


async def test_a_turn_that_fails_is_an_error_and_is_not_sent_again_by_itself(
    server: Served, client: openai.AsyncOpenAI
):
    await server.config({"fault": "auth"})
    with pytest.raises(openai.InternalServerError, match="the script says so: auth"):
        await chat(client, user("a"))
    sessions = (await server.http.get("/sessions")).json()["sessions"]
    assert len(sessions) == 1, "the client was told not to retry"
    stream = await client.chat.completions.create(model="scripted", messages=user("a"), stream=True)
    with pytest.raises(openai.APIError, match="the script says so: auth"):
        [chunk async for chunk in stream]


REFUSED: dict[str, tuple[dict[str, Any], type[openai.APIStatusError], str]] = {
    "no such agent": ({"model": "none"}, openai.NotFoundError, "none"),
    "tools of its own": (
        {"tools": [{"type": "function", "function": {"name": "a"}}]}, openai.BadRequestError, "tools of its config",
    ),
    "no messages": ({"messages": []}, openai.BadRequestError, "messages"),
    "the agent's word last": ({"messages": user("a", "b")}, openai.BadRequestError, "last message"),
    "several answers": ({"n": 3}, openai.BadRequestError, "n:"),
    "a picture from elsewhere": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}]}]},
        openai.BadRequestError, "nothing is fetched",
    ),
    "a wrong token": ({"extra_headers": {"Authorization": "Bearer no"}}, openai.AuthenticationError, "token"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_is_refused_in_the_shape_that_the_client_knows(
    server: Served, client: openai.AsyncOpenAI, change: dict[str, Any], kind: type[openai.APIStatusError], words: str
):
    await server.config("fine")
    asked: dict[str, Any] = {"model": "scripted", "messages": user("a"), **change}
    with pytest.raises(kind, match=words) as caught:
        await client.chat.completions.create(**asked)
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}


async def test_an_agent_is_made_from_a_template_changed_and_deleted(server: Served):
    asked = {
        "name": "helper",
        "provider": "provider-anthropic",
        "model": "claude-haiku-5-5",
        "instructions": "Be terse.",
    }
    made = (await server.http.post("/v1/agents", json={**asked, "tools": ["tool-todo"]})).json()
    assert (made["provider"], made["model"], made["tools"]) == ("provider-anthropic", "claude-haiku-5-5", ["tool-todo"])
    assert made["template_id"] == "hello"
    text = (await server.http.get(f"/configs/{made['id']}")).json()["yaml_content"]
    assert "# Who answers." in text, "the template's comments are kept"
    assert text.endswith("---\n\nBe terse.\n")
    assert (await server.http.post("/configs/validate", json={"yaml_content": text})).json()["problems"] == []
    changed = (await server.http.put("/v1/agents/helper", json={"model": "claude-opus-5-5"})).json()
    assert (changed["model"], changed["instructions"], changed["tools"]) == (
        "claude-opus-5-5",
        "Be terse.",
        ["tool-todo"],
    )
    assert (await server.http.delete("/v1/agents/helper")).json()["deleted"] is True
    assert (await server.http.get(f"/v1/agents/{made['id']}")).status_code == 404


async def test_making_an_agent_makes_nothing_ready(server: Served, monkeypatch: pytest.MonkeyPatch):
    async def never(*_: Any, **__: Any) -> None:
        raise AssertionError("an agent was made ready")

    monkeypatch.setattr(server.bench.agents, "get", never)
    assert (await server.http.post("/v1/agents", json={"name": "helper"})).status_code == 201


async def test_a_template_can_be_read(server: Served):
    names = [one["id"] for one in (await server.http.get("/v1/templates")).json()["data"]]
    assert "hello" in names
    assert (await server.http.get("/v1/templates/hello")).json()["yaml_content"].startswith("# ")
    assert (await server.http.get("/v1/templates/hallo")).json()["error"]["message"].endswith("did you mean hello?")
