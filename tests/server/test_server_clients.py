"""Clients that leave, stall, drip, push in and come back: nothing of theirs is left running, and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server_kit import TOKEN, Served, served, told

from agent_workbench.frontends.server.state import Limits
from fakes.wire import WireServer, says

LOOKS = {"text": "Let me look.", "tool_calls": [{"name": "glob", "arguments": {"pattern": "*.py"}}]}


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that has little patience."""
    async with served(tmp_path, limits=Limits(patience_s=0.2)) as one:
        yield one


async def leave_after(server: Served, data: bytes, answered: int = 0) -> None:
    """Send some bytes, take some, and be gone."""
    reader, writer = await server.opened()
    writer.write(data)
    await writer.drain()
    while answered > 0 and (got := await reader.read(answered)):
        answered -= len(got)
    writer.transport.abort()


async def test_a_client_may_leave_at_any_byte_of_its_request(server: Served):
    session = await server.session(*["word " * 3] * 50, delay=0.01)
    request = server.request("POST", f"/sessions/{session}/stream", {"message": "talk"})
    for sent in range(0, len(request) + 1, 3):
        await leave_after(server, request[:sent])
    await leave_after(server, request)
    after = await server.http.post(f"/sessions/{session}/messages?queue=true", json={"message": "a"})
    assert after.status_code == 200, "who left stopped its turn, begun or not"
    assert await server.is_idle(session)


@pytest.mark.parametrize("way", ["stream", "chat"])
async def test_a_client_that_leaves_at_any_byte_of_its_answer_leaves_nothing_behind(server: Served, way: str):
    config = await server.config(*["word " * 40] * 100, delay=0.001)
    made = await server.http.post("/sessions", json={"config_id": config})
    session = made.json()["session_id"]
    chat = {"model": config, "session_id": session, "stream": True, "messages": [{"role": "user", "content": "a"}]}
    path = f"/sessions/{session}/stream" if way == "stream" else "/v1/chat/completions"
    request = server.request("POST", path, {"message": "talk"} if way == "stream" else chat)
    await leave_after(server, request, 400)
    assert await server.is_idle(session)
    tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for taken in range(1, 2400, 80):
        await leave_after(server, request, taken)
        assert await server.is_idle(session), taken
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks:
            await server.http.get("/health")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= files + 8, "connections of threads to the database, and no sockets"
    assert 'awb_turns_total{status="cancelled"}' in (await server.http.get("/metrics")).text


async def test_a_client_that_takes_nothing_is_cut_off_and_its_turn_is_over(hasty: Served):
    async with WireServer(replace(says("x" * 6_000_000), delta=50_000)) as model:
        text = (
            "bundle: {name: long}\nproviders:\n  - module: provider-chat-completions\n"
            f"    config: {{base_url: '{model.url}/v1', default_model: fake-1}}\n"
        )
        config = await hasty.bench.configs.create_config("long", text)
        session = (await hasty.bench.sessions.create_session(config.config_id)).session_id
        host, _, port = hasty.url.removeprefix("http://").partition(":")
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect((host, int(port)))
            stalled.sendall(hasty.request("POST", f"/sessions/{session}/stream", {"message": "go"}))
            async with asyncio.timeout(20):
                await model.arrived.wait()
            assert await hasty.is_idle(session)
        assert (await hasty.bench.sessions.turns(session))[-1].state == "cancelled"


DRIPS = {
    "nothing": b"",
    "half a first line": b"GET /health HT",
    "half of its headers": b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A",
    "half of its body": b"POST /configs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
}


@pytest.mark.parametrize("begun", DRIPS.values(), ids=DRIPS)
async def test_a_request_that_never_ends_is_cut_off(hasty: Served, begun: bytes):
    reader, writer = await hasty.opened()
    writer.write(begun)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_requests_that_come_all_at_once_are_answered_in_turn(server: Served):
    session = await server.session("one two")
    reader, writer = await server.opened()
    stream = server.request("POST", f"/sessions/{session}/stream", {"message": "go"})
    writer.write(stream + server.request("GET", "/health") * 5)
    answers = b""
    while answers.count(b'"database"') < 5:
        answers += await reader.read(65536)
    assert answers.count(b"200 OK") == 6
    assert answers.index(b'"type":"done"') < answers.index(b'"database"')
    writer.close()


async def test_of_many_streams_of_one_session_one_runs_and_the_others_are_told(server: Served):
    session = await server.session("word " * 20, "again", delay=0.01)

    async def one() -> int:
        return (await server.http.post(f"/sessions/{session}/stream", json={"message": "go"})).status_code

    statuses = await asyncio.gather(*(one() for _ in range(30)))
    assert sorted(statuses) == [200, *[409] * 29], "a status, and no stream that says it"
    assert await server.is_idle(session)


async def test_chats_that_all_go_on_with_one_conversation_do_not_meet_in_it(server: Served):
    config = await server.config("first", "second")

    async def chat(*words: str) -> tuple[str, str]:
        said = [{"role": ("user", "assistant")[n % 2], "content": word} for n, word in enumerate(words)]
        answer = await server.http.post("/v1/chat/completions", json={"model": config, "messages": said})
        return answer.json()["choices"][0]["message"]["content"], answer.headers["x-session-id"]

    first, session = await chat("a")
    found = [went for _, went in await asyncio.gather(*(chat("a", first, f"b{n}") for n in range(10)))]
    assert found.count(session) == 1
    assert len(set(found)) == 10, "the others have sessions of their own that begin with the same words"
    for other in found:
        stored = (await server.http.get(f"/sessions/{other}?transcript=true")).json()["messages"]
        assert [one["parts"][0]["text"] for one in stored][:2] == ["a", "first"]
        assert len(stored) == 4


async def test_what_clients_add_to_one_config_at_once_is_all_there(server: Served):
    path = f"/configs/{await server.config('fine')}"
    tools = ["tool-bash", "tool-todo", "tool-search", "tool-filesystem", "tool-memory", "tool-board"]
    answers = await asyncio.gather(*(server.http.post(f"{path}/tools?tool_module={tool}") for tool in tools))
    assert {one.status_code for one in answers} == {200}
    text = (await server.http.get(path)).json()["yaml_content"]
    assert all(text.count(f"module: {tool}\n") == 1 for tool in tools)


async def test_of_clients_that_change_the_same_revision_one_wins(server: Served):
    path = f"/configs/{await server.config('fine')}"
    text = (await server.http.get(path)).json()["yaml_content"]

    async def put(number: int) -> int:
        body = {"yaml_content": f"{text}# {number}\n"}
        return (await server.http.put(path, json=body, headers={"If-Match": '"1"'})).status_code

    assert sorted(await asyncio.gather(*(put(n) for n in range(10)))) == [200, *[409] * 9]


ENDS = {
    "its session is deleted": ("DELETE", "/sessions/{session}", "error"),
    "its config is deleted": ("DELETE", "/configs/{config}?force=true", "error"),
    "its agent is deleted": ("DELETE", "/v1/agents/{config}", "error"),
    "its agent is changed": ("PUT", "/v1/agents/{config}", "done"),
}


@pytest.mark.parametrize(("method", "path", "last"), ENDS.values(), ids=ENDS)
async def test_a_stream_has_its_end_also_when(server: Served, method: str, path: str, last: str):
    config = await server.config("word " * 30, delay=0.01)
    session = (await server.http.post("/sessions", json={"config_id": config})).json()["session_id"]
    seen: list[str] = []
    async with server.http.stream("POST", f"/sessions/{session}/stream", json={"message": "go"}) as response:
        async for event in told(response):
            seen.append(event["type"])
            if seen.count("text_delta") == 1 and seen[-1] == "text_delta":
                body = {"instructions": "Be short."} if method == "PUT" else None
                there = path.format(session=session, config=config)
                assert (await server.http.request(method, there, json=body)).status_code == 200
    assert seen[-1] == last
    assert seen.count("done") + seen.count("error") == 1


def places_and_last(received: bytes) -> tuple[list[int], str]:
    """Return the numbers of the events that came whole, and the last of them, as a browser keeps it."""
    whole = received.rpartition(b"\n\n")[0].decode()
    ids = [line.removeprefix("id: ") for line in whole.splitlines() if line.startswith("id: ")]
    return [int(one) for one in ids], ids[-1] if ids else ""


async def part_of_events(url: str, session: str, last: str, most: int, until: int) -> bytes:
    """Follow a session for so many bytes, or until the message of a number came; return what came of the body."""
    headers = {"Authorization": f"Bearer {TOKEN}", **({"Last-Event-ID": last} if last else {})}
    received = b""
    async with (
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as http,
        http.stream("GET", f"/sessions/{session}/events") as response,
    ):
        async for piece in response.aiter_raw():
            received += piece
            if len(received) >= most or f"\nid: {until}\n\n".encode() in received:
                break
    return received[:most]


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(0, 2500), min_size=1, max_size=6))
def test_who_is_cut_off_anywhere_and_comes_back_gets_each_message_once(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
):
    async def run() -> None:
        async with served(tmp_path_factory.mktemp("cut")) as server:
            session = await server.session(LOOKS, "None.", "Two.", LOOKS, "Bye.", tools=("tool-search",), delay=0.001)

            async def talk() -> None:
                for word in ("one", "two", "three"):
                    await server.http.post(f"/sessions/{session}/messages", json={"message": word})

            talking = asyncio.create_task(talk())
            got: list[int] = []
            last = ""
            for most in (*cuts, 10**9):
                if last == "10":
                    break
                received = await part_of_events(server.url, session, last, most, until=10)
                more, newest = places_and_last(received)
                got, last = got + more, newest or last
            await talking
            stored = [one.seq for one in await server.bench.sessions.messages(session)]
            assert got == stored == list(range(1, 11))

    asyncio.run(run())


async def test_a_client_that_is_not_up_to_date_gets_what_it_missed_from_the_next_server(tmp_path: Path):
    async with served(tmp_path) as server:
        session = await server.session("first", "second")
        await server.http.post(f"/sessions/{session}/messages", json={"message": "one"})
        first, _ = places_and_last(await part_of_events(server.url, session, "", 10**9, until=1))
    async with served(tmp_path) as server:
        await server.http.post(f"/sessions/{session}/messages", json={"message": "two"})
        got, _ = places_and_last(await part_of_events(server.url, session, str(first[0]), 10**9, until=4))
    assert got == [2, 3, 4]


async def test_what_nobody_foresaw_is_a_failure_without_a_word_of_it(server: Served, monkeypatch: pytest.MonkeyPatch):
    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("canary-5150")

    session = await server.session("fine")
    monkeypatch.setattr(server.bench.agents, "of", breaks)
    for way in ("stream", "messages"):
        answer = await server.http.post(f"/sessions/{session}/{way}", json={"message": "go"})
        assert answer.status_code == 500
        assert answer.json() == {"detail": "something broke in the server; its log says what"}
    assert await server.is_idle(session)
