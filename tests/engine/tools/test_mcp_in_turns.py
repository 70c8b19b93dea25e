"""MCP servers that break while a turn calls them: an error in time for their calls, and the others answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.services.shared import SharedContext, open_workbench

PROGRAMS = Path(__file__).parent


class Agrees:
    async def ask(self, question: Question) -> Answer:
        return Answer("allow")


def server(program: str) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(PROGRAMS / program)], "timeout": 1.0}


async def results(bench: SharedContext, servers: dict[str, Any], *called: tuple[str, dict[str, Any]]) -> dict[str, str]:
    """Connect to servers, make some calls in one reply, and return the results by their tools."""
    connect = [{"name": f"mcp_{name}_connect", "arguments": {}} for name in servers]
    calls = [{"name": name, "arguments": arguments} for name, arguments in called]
    script = [{"tool_calls": connect}, {"tool_calls": calls}, "done"]
    text = yaml.safe_dump({
        "bundle": {"name": "mcp"},
        "providers": [{"module": "provider-mock", "config": {"delay": 0, "responses": script}}],
        "tools": [
            {"module": "tool-mcp", "config": {"servers": servers, "connect_timeout": 20}},
            {"module": "tool-todo"},
        ],
        "session": {"permissions": {"allow": [name for name, _ in called]}},
    })  # fmt: skip
    config = await bench.configs.create_config("mcp", text)
    session = await bench.sessions.create_session(config.config_id)
    answer = await bench.sessions.send_message(session.session_id, "go", frontend=Agrees())
    assert answer["status"] == "completed"
    stored = await bench.sessions.messages(session.session_id)
    found = [part.content for one in stored for part in one.message.tool_results][-len(called) :]
    return dict(zip((name for name, _ in called), found, strict=True))


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    shared = open_workbench(tmp_path / "bench.db", workspace=tmp_path, samples=False)
    yield shared
    await shared.close()


BREAKS = {
    "dies": ("die", {}, "ended while it was asked; the next call connects again"),
    "hangs": ("hang", {}, "did not answer within 1 seconds"),
    "floods": ("shout", {"characters": 20_000_000}, "bytes in one line"),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_server_that_breaks_in_a_call_takes_no_other_call_with_it(bench: SharedContext, name: str):
    tool, arguments, words = BREAKS[name]
    servers = {"bad": server("mcp_server.py"), "good": server("mcp_server.py")}
    found = await results(
        bench,
        servers,
        (f"mcp_bad_{tool}", arguments),
        ("mcp_good_add", {"a": 20, "b": 22}),
        ("todo", {"action": "list"}),
    )
    assert words in found[f"mcp_bad_{tool}"]
    assert found["mcp_good_add"] == "42"
    assert "error" not in found["todo"].lower()


async def test_a_tool_whose_schema_is_broken_is_refused_and_its_server_s_others_answer(bench: SharedContext):
    names = ("good", "endless", "elsewhere", "pattern", "unknown")
    called = [(f"mcp_odd_{name}", {"x": "a"}) for name in names]
    found = await results(bench, {"odd": server("odd_mcp_server.py")}, *called)
    assert found["mcp_odd_good"] == "good answered"
    ran = [name for name in names if not found[f"mcp_odd_{name}"].startswith("Not run: ")]
    assert ran == ["good", "pattern"]  # a stranger's expressions are not looked at, so a broken one breaks nothing


async def test_a_server_that_lists_what_is_no_schema_is_an_error_and_the_others_answer(bench: SharedContext):
    odd = server("odd_mcp_server.py")
    odd["args"].append("worse")
    servers = {"odd": odd, "good": server("mcp_server.py")}
    found = await results(bench, servers, ("mcp_odd_connect", {}), ("mcp_good_add", {"a": 20, "b": 22}))
    assert found["mcp_good_add"] == "42"
    assert found["mcp_odd_connect"].startswith("odd")
    assert "Traceback" not in found["mcp_odd_connect"]
