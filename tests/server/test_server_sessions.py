"""Sessions over HTTP: started, said something to, streamed, followed, asked, stopped, forked, closed when idle."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from server_kit import Served, served, told

from agent_workbench.frontends.server.idle import close_once
from agent_workbench.frontends.server.state import Limits

WRITES = {"tool_calls": [{"name": "write_file", "arguments": {"file_path": "a.txt", "content": "hello\n"}}]}


async def test_a_session_answers_with_what_it_ran_with_and_used(server: Served):
    session = await server.session("I am fine.")
    answer = (await server.http.post(f"/sessions/{session}/messages", json={"message": "how are you?"})).json()
    assert (answer["session_id"], answer["response"], answer["status"]) == (session, "I am fine.", "completed")
    assert answer["metadata"]["revision"] == 1
    assert answer["metadata"]["usage"]["output_tokens"] > 0
    got = (await server.http.get(f"/sessions/{session}?transcript=true")).json()
    assert [message["role"] for message in got["messages"]] == ["user", "assistant"]
    assert got["turns"][0]["status"] == "completed"


async def test_a_config_that_cannot_run_is_refused_with_all_its_problems(server: Served):
    text = (
        "bundle: {name: a}\nproviders:\n  - module: provider-anthropic\n    config: {api_key: '${NOT_SET_ANYWHERE}'}\n"
    )
    config = (await server.http.post("/configs", json={"name": "a", "yaml_content": text})).json()
    answer = await server.http.post("/sessions", json={"config_id": config["config_id"]})
    assert answer.status_code == 422
    assert "NOT_SET_ANYWHERE" in answer.json()["problems"][0]["message"]


async def test_nothing_said_is_refused_also_in_a_session_that_is_not_there(server: Served):
    for way in ("messages", "stream"):
        for said, status in (
            ({"message": " "}, 422),
            ({}, 422),
            ({"message": "a", "more": 1}, 422),
            ({"message": "a"}, 404),
        ):
            assert (await server.http.post(f"/sessions/none/{way}", json=said)).status_code == status, said


async def test_a_stream_begins_connected_and_ends_once(server: Served):
    session = await server.session("one two")
    lines = await server.lines(f"/sessions/{session}/stream", {"message": "count"})
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "connected"
    assert kinds[-2:] == ["response", "done"]
    assert kinds.count("done") + kinds.count("error") == 1
    assert "".join(line["text"] for line in lines if line["type"] == "text_delta") == "one two"
    assert lines[-2]["content"] == "one two"


async def test_a_turn_that_fails_is_told_as_a_failure(server: Served):
    session = await server.session({"fault": "auth"}, {"fault": "auth"})
    lines = await server.lines(f"/sessions/{session}/stream", {"message": "go"})
    assert lines[-1]["type"] == "error"
    assert "the script says so: auth" in lines[-1]["message"]
    answer = await server.http.post(f"/sessions/{session}/messages", json={"message": "again"})
    assert answer.status_code == 502
    assert "the script says so: auth" in answer.json()["detail"]
    assert answer.json()["status"] == "failed"


async def test_a_client_that_goes_away_cancels_its_turn(server: Served):
    session = await server.session(" ".join(["word"] * 500), delay=0.01)
    async with server.http.stream("POST", f"/sessions/{session}/stream", json={"message": "talk"}) as response:
        async with aclosing(told(response)) as lines:
            async for line in lines:
                if line["type"] == "text_delta":
                    break
        async with aclosing(server.bench.sessions.follow(session)) as following:
            await response.aclose()
            ended = [event async for event in _until_finished(following)]
    assert ended[-1].status == "cancelled"
    assert (await server.http.get(f"/sessions/{session}")).json()["state"] == "idle"


async def test_one_turn_at_a_time_others_wait_when_they_say_so(server: Served):
    session = await server.session("first answer " * 20, "second", "third", delay=0.01)
    path = f"/sessions/{session}/messages"
    async with aclosing(server.bench.sessions.follow(session)) as following:
        first = asyncio.create_task(server.http.post(path, json={"message": "a"}))
        await anext(following)  # it has begun
        refused = await server.http.post(path, json={"message": "b"})
        queued = [asyncio.create_task(server.http.post(f"{path}?queue=true", json={"message": word})) for word in "cd"]
        answers = [(await one).json()["response"] for one in (first, *queued)]
    assert refused.status_code == 409
    assert "queue=true" in refused.json()["detail"]
    assert sorted(answers[1:]) == ["second", "third"], "which came first, the two clients do not say"


async def test_more_turns_than_the_server_takes_on_are_refused(tmp_path: Path):
    async with served(tmp_path, limits=Limits(turns=1)) as server:
        one, other = await server.session("word " * 100, name="a", delay=0.01), await server.session("no", name="b")
        async with aclosing(server.bench.sessions.follow(one)) as following:
            running = asyncio.create_task(server.http.post(f"/sessions/{one}/messages", json={"message": "a"}))
            await anext(following)
            refused = await server.http.post(f"/sessions/{other}/messages", json={"message": "b"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert (await running).status_code == 200


async def test_a_question_is_answered_by_its_own_id(server: Served, tmp_path: Path):
    session = await server.session(WRITES, "written", tools=("tool-filesystem",))
    sent = asyncio.create_task(server.http.post(f"/sessions/{session}/messages", json={"message": "write"}))
    question = await _question(server, session)
    assert question["call"]["name"] == "write_file"
    assert "+hello" in question["preview"]
    path = f"/sessions/{session}/approvals"
    assert (
        await server.http.post(f"{path}/{question['call']['call_id']}", json={"decision": "allow"})
    ).status_code == 404
    assert (await server.http.post(f"{path}/{question['id']}", json={"decision": "perhaps"})).status_code == 422
    assert not (tmp_path / "a.txt").exists()
    assert (await server.http.post(f"{path}/{question['id']}", json={"decision": "allow"})).status_code == 200
    assert (await sent).json()["response"] == "written"
    assert (tmp_path / "a.txt").read_text() == "hello\n"
    assert (await server.http.post(f"{path}/{question['id']}", json={"decision": "allow"})).status_code == 404


async def test_allowed_always_becomes_a_rule_of_the_config(server: Served):
    session = await server.session(WRITES, "written", tools=("tool-filesystem",))
    sent = asyncio.create_task(server.http.post(f"/sessions/{session}/messages", json={"message": "write"}))
    question = await _question(server, session)
    answer = await server.http.post(
        f"/sessions/{session}/approvals/{question['id']}", json={"decision": "allow_always"}
    )
    assert answer.status_code == 200, answer.text
    config_id = (await server.http.get(f"/sessions/{session}")).json()["config_id"]
    assert "write_file(a.txt)" in (await server.http.get(f"/configs/{config_id}")).json()["yaml_content"]
    assert (await sent).status_code == 200


async def test_a_question_that_nobody_answers_is_denied_in_time(tmp_path: Path):
    async with served(tmp_path, limits=Limits(approval_s=0.05)) as server:
        session = await server.session(WRITES, "as you wish", tools=("tool-filesystem",))
        lines = await server.lines(f"/sessions/{session}/stream", {"message": "write"})
        results = [line["result"]["content"] for line in lines if line["type"] == "tool_finished"]
        assert results == ["Denied: nobody answered within 0.05 seconds"]
        assert not (tmp_path / "a.txt").exists()


async def test_a_turn_is_stopped_from_elsewhere(server: Served):
    session = await server.session("word " * 500, delay=0.01)
    async with aclosing(server.bench.sessions.follow(session)) as following:
        sent = asyncio.create_task(server.http.post(f"/sessions/{session}/messages", json={"message": "talk"}))
        await anext(following)
        assert (await server.http.post(f"/sessions/{session}/cancel")).json()["cancelled"] is True
    assert (await sent).json()["status"] == "cancelled"
    assert (await server.http.post(f"/sessions/{session}/cancel")).json()["cancelled"] is False


async def test_who_follows_sees_what_was_said_and_what_others_do_and_goes_on_where_it_left(server: Served):
    session = await server.session("first", "second")
    say = f"/sessions/{session}/messages"
    await server.http.post(say, json={"message": "one"})
    async with server.http.stream("GET", f"/sessions/{session}/events") as response:
        ids, seen = [], []
        async for line in response.aiter_lines():
            ids += [line.removeprefix("id: ")] if line.startswith("id: ") else []
            seen += [line] if line.startswith("data: ") else []
            if len(seen) == 3 and "sent" not in locals():
                sent = asyncio.create_task(server.http.post(say, json={"message": "two"}))
            if "turn_finished" in line:
                break
    await sent
    assert ids == ["1", "2", "3", "4"]
    again = {"Last-Event-ID": "3"}
    async with server.http.stream("GET", f"/sessions/{session}/events", headers=again) as response:
        lines = told(response)
        assert (await anext(lines))["type"] == "connected"
        first = await anext(lines)
    assert (first["type"], first["seq"]) == ("message", 4)


async def test_a_session_is_changed_forked_and_deleted(server: Served):
    session = await server.session("first", "second")
    for word in ("one", "two"):
        await server.http.post(f"/sessions/{session}/messages", json={"message": word})
    path = f"/sessions/{session}"
    changed = await server.http.patch(path, json={"title": "mine", "permission_mode": "read-only"})
    assert changed.json()["title"] == "mine"
    assert (await server.http.patch(path, json={"permission_mode": "yolo"})).status_code == 422
    fork = await server.http.post(f"{path}/fork", json={"at_turn": 1})
    assert (fork.status_code, fork.json()["message_count"]) == (201, 2)
    assert (await server.http.post(f"{path}/fork")).json()["message_count"] == 4
    assert (await server.http.post(f"{path}/fork", json={"at_turn": 3})).status_code == 404
    assert (await server.http.delete(path)).status_code == 200
    assert (await server.http.delete(path)).status_code == 404


async def test_an_idle_session_of_a_client_is_closed_and_goes_on_with_the_next_message(server: Served):
    session = await server.session("first", "second")
    await server.http.post(f"/sessions/{session}/messages", json={"message": "one"})
    own = await server.bench.sessions.create_session((await server.bench.sessions.find_session(session)).config_id)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await close_once(server.bench.sessions, 60, now=later) == 1
    assert (await server.http.get(f"/sessions/{session}")).json()["status"] == "completed"
    assert (await server.http.get(f"/sessions/{own.session_id}")).json()["status"] == "active"
    answer = await server.http.post(f"/sessions/{session}/messages", json={"message": "two"})
    assert answer.json()["response"] == "second"
    assert (await server.http.get(f"/sessions/{session}")).json()["status"] == "active"


async def _until_finished(following: Any) -> Any:
    async for event in following:
        yield event
        if type(event).__name__ == "TurnFinished":
            return


async def _question(server: Served, session: str) -> dict[str, Any]:
    """Return the question that comes."""
    async with aclosing(server.bench.sessions.follow(session)) as following:
        waiting = await _waiting(server.http, session)
        while not waiting:
            await anext(following)
            waiting = await _waiting(server.http, session)
    return waiting[0]


async def _waiting(http: httpx2.AsyncClient, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await http.get(f"/sessions/{session}/approvals")).json()["approvals"]
    return found
