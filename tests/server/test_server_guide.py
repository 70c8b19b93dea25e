"""The guide of the server is right: its routes are those that there are, and its walks arrive where they say."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from server_kit import TOKEN, Served

from agent_workbench.frontends.server.app import make_app
from agent_workbench.frontends.server.state import ServerSettings

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "server.md").read_text("utf-8")
NAMES = {
    "config_id": "id", "session_id": "id", "template_id": "id", "agent_id": "id or name", "model_id": "id or name",
    "number": "n", "question_id": "question",
}  # fmt: skip


def block(language: str, server: Served, folder: Path) -> str:
    """Return the guide's one block of a language, for this server and its token."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)
    (folder / "server-token").write_text(TOKEN)
    for told, ours in (
        ("http://127.0.0.1:8000", server.url),
        ("~/.local/share/agent-workbench/server-token", str(folder / "server-token")),
    ):
        assert told in code
        code = code.replace(told, ours)
    return code


async def output_of(*command: str, folder: Path) -> str:
    """Run a program to its end and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_every_route_is_in_the_guide(server: Served):
    shape = make_app(server.bench, ServerSettings("token")).openapi()
    for path, methods in shape["paths"].items():
        plain = re.sub(r"\{(\w+)\}", lambda found: f"{{{NAMES[found[1]]}}}", path)
        for method in methods:
            assert re.search(rf"`{method.upper()} {re.escape(plain)}[`?]", GUIDE), f"{method} {plain}"


async def test_every_route_says_what_it_does_and_how_it_refuses(server: Served):
    shape = make_app(server.bench, ServerSettings("token")).openapi()
    for path, methods in shape["paths"].items():
        for method, route in methods.items():
            assert route["description"].endswith("."), (method, path)
            assert path == "/health" or "401" in route["responses"], (method, path)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the walk is made with curl, in bash")
async def test_the_walk_with_curl_arrives(server: Served, tmp_path: Path):
    walk = tmp_path / "walk.sh"
    walk.write_text(block("bash", server, tmp_path))
    printed = await output_of("bash", "-eu", str(walk), folder=tmp_path)
    assert '"decision":"allow"' in printed
    assert '"content":"It is written."' in printed
    assert '{"type":"done"}' in printed
    assert (tmp_path / "hello.txt").read_text() == "hello\n"
    fork = json.loads(printed[printed.rindex('{"session_id"') :])
    assert (fork["message_count"], fork["title"]) == (4, "say hello in a file (fork)")


async def test_the_walk_with_openais_client_goes_on_in_one_session(server: Served, tmp_path: Path):
    printed = await output_of(sys.executable, "-c", block("python", server, tmp_path), folder=tmp_path)
    assert printed.strip()
    sessions = (await server.http.get("/sessions")).json()["sessions"]
    assert [one["message_count"] for one in sessions] == [4]
