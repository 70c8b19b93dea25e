"""Secrets over a whole run: each is where the person put it, and nowhere else."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest

from agent_workbench.conversation.events import Answer, Question, ToolFinished
from agent_workbench.conversation.messages import ToolCall
from agent_workbench.services import console, transcripts
from agent_workbench.services.log import log_path
from agent_workbench.services.secrets import masked, without_secrets
from agent_workbench.services.shared import SharedContext
from fakes.wire import WireServer, fails, says

ENV, CONFIG, MCP, TOOL = "canary-env-1a2b3c", "canary-config-1a2b3c", "canary-mcp-1a2b3c", "canary-tool-1a2b3c"
TEXT = f"""\
bundle: {{name: c}}
providers:
  - module: provider-openai
    config:
      base_url: "URL/v1"
      api_key: "${{THE_KEY}}"
      default_model: fake-1
      extra_headers: {{x-api-key: {CONFIG}}}
      max_retries: 1
      min_retry_delay: 0
tools:
  - module: tool-filesystem
  - module: tool-mcp
    config:
      read_files: false
      servers: {{test: {{command: "PYTHON", args: ["-c", "PROGRAM"], env: {{GITHUB_TOKEN: {MCP}}}}}}}
hooks:
  - module: hooks-redaction
  - module: hooks-logging
    config: {{path: log.jsonl}}
"""
PROGRAM = "import os, sys; sys.exit('bad token ' + os.environ['GITHUB_TOKEN'])"


class Person:
    """Allows whatever is asked, and remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.shown.append(question)
        return Answer("allow")


def found(*things: object) -> set[str]:
    """Return the secrets that stand in texts, or in anything's `repr`."""
    text = "\n".join(thing if isinstance(thing, str) else repr(thing) for thing in things)
    return {secret for secret in (ENV, CONFIG, MCP, TOOL) if secret in text}


def stored(path: Path, *, texts: bool) -> str:
    """Return what the tables hold: those with the texts of configs, or the others."""
    connection = sqlite3.connect(path)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        chosen = [name for name in names if name.startswith("config") is texts]
        return "\n".join(repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for name in chosen)
    finally:
        connection.close()


async def test_no_secret_leaves_its_place(bench: SharedContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("THE_KEY", ENV)
    (bench.workspace / "notes.txt").write_text(f"the api_key={TOOL} is here\n")
    script = [
        fails(500, "server", f"{ENV} and {CONFIG} broke it"),
        says(ToolCall("1", "read_file", {"file_path": "notes.txt"}), ToolCall("2", "mcp_test_connect", {})),
        says("done"),
        fails(401, "auth", f"{ENV} is no key, and {CONFIG} is none"),
    ]
    person, events = Person(), []
    async with WireServer(*script) as server:
        text = TEXT.replace("URL", server.url).replace("PYTHON", sys.executable).replace("PROGRAM", PROGRAM)
        config = await bench.configs.create_config("c", text)
        made = await bench.sessions.create_session(config.config_id)
        for words in ("go", "again"):
            events += [one async for one in bench.sessions.stream_message(made.session_id, words, frontend=person)]
    assert {ENV, CONFIG} <= found(*(request.headers for request in server.requests))
    assert "mcp_test_connect" in {question.call.name for question in person.shown}
    results = [one.result.content for one in events if isinstance(one, ToolFinished)]
    assert ["api_key=•••" in results[0], "bad token •••" in results[1]] == [True, True]
    session = await bench.sessions.get_session(made.session_id)
    assert session is not None
    exported = [await transcripts.export(bench.sessions, session, form) for form in ("json", "md", "html")]
    logs = [path.read_text() for path in (log_path(), *tmp_path.rglob("*.jsonl")) if path.exists()]
    assert logs
    places = {
        "what was sent": [request.body.decode() for request in server.requests],
        "events": events,
        "questions": person.shown,
        "exports": exported,
        "logs": logs,
        "the console": [entry.detail + entry.about for entry in await console.entries(bench, made.session_id)],
        "tables": [stored(tmp_path / "bench.db", texts=False)],
        "the config as shown": [masked(text), without_secrets(text)[0]],
    }
    assert {place: found(*texts) for place, texts in places.items() if found(*texts)} == {}
    assert found(stored(tmp_path / "bench.db", texts=True)) == {CONFIG, MCP}
