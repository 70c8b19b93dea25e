"""The console's wire: each attempt's request as it was sent and answer as it arrived, bounded, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_workbench.conversation.events import ReplyFinished, TurnFinished
from agent_workbench.engine import wire as wires
from agent_workbench.engine.wire import Exchange, Wire
from agent_workbench.services.console import Entry, entries, wire
from agent_workbench.services.shared import SharedContext
from fakes.script import Broken
from fakes.wire import Reply, WireServer, fails, says

CONFIG = """\
bundle: {name: w}
providers:
  - module: provider-anthropic
    config:
      base_url: "URL"
      api_key: canary-4711
      default_model: fake-1
      extra_headers: {x-team: canary-0815}
      max_retries: 1
      min_retry_delay: 0
"""


async def said(bench: SharedContext, config: str, *script: Reply) -> tuple[str, list[Any]]:
    async with WireServer(*script) as server:
        made = await bench.configs.create_config("w", config.replace("URL", server.url))
        id = (await bench.sessions.create_session(made.config_id)).session_id
        return id, [event async for event in bench.sessions.stream_message(id, "hello")]


def detail(entry: Entry) -> Any:
    return json.loads(entry.detail)


async def test_a_turn_leaves_its_request_and_its_answer_event_by_event(bench: SharedContext):
    id, events = await said(bench, CONFIG, says("Hello there."))
    request, answer = wire(bench, id)
    sent, got = detail(request), detail(answer)
    reply = next(event for event in events if isinstance(event, ReplyFinished))
    assert (request.kind, sent["method"], sent["url"].endswith("/v1/messages")) == ("request", "POST", True)
    assert sent["body"]["messages"][0]["content"][0]["text"] == "hello"
    assert (answer.kind, answer.failed, got["status"], got["error"]) == ("answer", False, 200, "")
    assert got["request_id"] == reply.request_id
    assert next(one["event"] for one in got["arrived"]) == "message_start"
    assert got["arrived"][-1]["event"] == "message_stop"
    assert got["answered_s"] <= got["arrived"][0]["after_s"] <= got["ended_s"]
    assert {"request", "answer"} <= {entry.kind for entry in await entries(bench, id)}


async def test_no_secret_of_the_config_is_kept(bench: SharedContext):
    id, _ = await said(bench, CONFIG, fails(401, "auth", "canary-4711 is no key"))
    kept = "".join(entry.detail + entry.about for entry in wire(bench, id)) + repr(list(bench.wire.of(id)))
    assert "canary" not in kept
    headers = detail(wire(bench, id)[0])["headers"]
    assert {headers["authorization"], headers["x-team"]} == {"••••••••"}


@pytest.mark.parametrize(
    ("script", "statuses"),
    [
        ([fails(529, "overloaded"), says("now")], [529, 200]),
        ([fails(401, "auth")], [401]),
        ([says("Hello there.", broken=Broken(cut=b"here"))], [200]),
    ],
    ids=["tried again", "refused", "cut"],
)
async def test_each_attempt_is_on_record_with_what_went_wrong(
    bench: SharedContext, script: list[Reply], statuses: list[int]
):
    id, events = await said(bench, CONFIG, *script)
    answers = [entry for entry in wire(bench, id) if entry.kind == "answer"]
    assert [detail(one)["status"] for one in answers] == statuses
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert answers[-1].failed is (finished.status != "completed")
    assert (detail(answers[-1])["error"] == "") is (finished.status == "completed")


async def test_a_server_that_is_not_there_leaves_the_request(bench: SharedContext):
    made = await bench.configs.create_config("w", CONFIG.replace("URL", "http://127.0.0.1:1"))
    id = (await bench.sessions.create_session(made.config_id)).session_id
    _ = [event async for event in bench.sessions.stream_message(id, "hello")]
    request, answer = wire(bench, id)[-2:]
    assert detail(request)["body"]["model"] == "fake-1"
    assert detail(answer)["status"] is None
    assert answer.failed


def test_only_the_newest_exchanges_are_kept():
    wire = Wire()
    for number in range(wires.MOST + 5):
        wire.keep(Exchange("s", "p", str(number)))
    assert [one.model for one in wire.of("s")] == [str(number) for number in range(5, wires.MOST + 5)]
    assert list(wire.of("another")) == []


def test_of_a_long_answer_the_beginning_and_the_end_are_kept():
    exchange = Exchange("s", "p")
    for number in range(3000):
        exchange.take("delta", f"{number:<100}")
    arrived = exchange.arrived
    assert sum(len(one.data) for one in arrived) <= wires.LONGEST
    assert (arrived[0].data.strip(), arrived[-1].data.strip()) == ("0", "2999")
    assert len(arrived) + exchange.left_out == 3000


def test_a_piece_that_is_longer_than_everything_kept_is_cut_in_the_middle():
    exchange = Exchange("s", "p")
    exchange.take("", "a" * 10**6 + "z")
    (piece,) = exchange.arrived
    assert len(piece.data) < wires.LONGEST
    assert piece.data.startswith("aaa")
    assert piece.data.endswith("z")
