"""Secrets that stand in a provider's address: its user name, password, query and path."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent_workbench.engine.providers.address import secrets_of_address, shown_address
from agent_workbench.engine.providers.faults import Caller, named
from fakes.wire import WireServer, fails

USER, PASSWORD, QUERY, PATH = "canary-user-7f3a1c", "canary-pass-7f3a1c", "canary-query-7f3a1c", "canary-path-7f3a1c"
HEADER, KEY = "canary-header-7f3a1c", "canary-key-7f3a1c"
CANARIES = (USER, PASSWORD, QUERY, PATH, HEADER, KEY)

SHOWN = {
    "https://api.example.org/v1": "https://api.example.org/v1",
    "http://localhost:8000/v1": "http://localhost:8000/v1",
    "http://[::1]:8000/v1": "http://[::1]:8000/v1",
    "https://x.openai.azure.com/openai/deployments/gpt-4o": "https://x.openai.azure.com/openai/deployments/gpt-4o",
    f"https://{USER}:{PASSWORD}@h.example/v1?code={QUERY}": "https://••••••••@h.example/v1?••••••••",
    f"https://h.example/{PATH}/v1#{QUERY}": "https://h.example/••••••••/v1?••••••••",
    "https://h.example:port/v1": "an address that cannot be read",
    "": "://",
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.items())
def test_an_address_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_address(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        f"https://{USER}:{PASSWORD}@h.example/{PATH}/v1?code={QUERY}&x",
        f"https://h.example:no/{PATH}?{QUERY}#{USER}/{PASSWORD}",
    ],
)
def test_every_secret_of_an_address_is_known(url: str) -> None:
    assert {USER, PASSWORD, PATH, QUERY} <= set(secrets_of_address(url))


def test_a_secret_is_hidden_in_the_spelling_that_a_url_gives_it() -> None:
    caller = Caller("p", "https://me:p%40ss%2Fword@h.example/v1")
    said = str(named(caller, "connection", "me:p%40ss%2Fword and p@ss/word"))
    assert "word" not in said
    assert "p%40ss" not in repr(caller)


def config(url: str) -> str:
    return f"""\
bundle: {{name: c}}
providers:
  - module: provider-chat-completions
    config:
      base_url: "{url}"
      api_key: "${{CANARY_KEY}}"
      default_model: fake-1
      extra_headers: {{x-auth: "${{CANARY_HEADER}}"}}
      max_retries: 0
"""


VARIABLES = {"CANARY_USER": USER, "CANARY_PASSWORD": PASSWORD, "CANARY_QUERY": QUERY, "CANARY_PATH": PATH,
             "CANARY_HEADER": HEADER, "CANARY_KEY": KEY}  # fmt: skip
ADDRESS = "http://${CANARY_USER}:${CANARY_PASSWORD}@HOST/${CANARY_PATH}/v1?code=${CANARY_QUERY}"


def run(tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a turn as a program, export it, and return everything that was printed, logged and stored."""
    for name, value in {**VARIABLES, "AWB_DB": str(tmp_path / "canary.db")}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "c.yaml").write_text(config(ADDRESS.replace("HOST", host)))
    said, session_id = b"", ""
    for words in (
        ["run", "-c", "c.yaml", "hello", "--json", "--wire", "wire.jsonl"],
        ["provider", "test", "-c", "c.yaml"],
        ["session", "export", "EXPORTED", "--format", "json"],
    ):
        whole = [
            sys.executable,
            "-m",
            "agent_workbench",
            *(session_id if word == "EXPORTED" else word for word in words),
        ]
        done = subprocess.run(whole, capture_output=True, cwd=tmp_path, timeout=60, check=False)
        said += done.stdout + done.stderr
        session_id = session_id or _session_id(tmp_path / "canary.db")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 50_000_000]
    return "\n".join([said.decode(), *(path.read_bytes().decode(errors="replace") for path in files)])


def _session_id(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT session_id FROM sessions").fetchone()[0])


def test_no_secret_of_an_address_is_printed_logged_or_stored_where_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    text = run(tmp_path, f"127.0.0.1:{port}", monkeypatch)
    assert "no connection to http://••••••••@127.0.0.1" in text
    assert '"format"' in text or '"messages"' in text  # it was exported
    assert [canary for canary in CANARIES if canary in text] == []


async def test_no_secret_of_an_address_is_printed_logged_or_stored_where_a_server_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated = fails(404, "not_found", f"no /{PATH}/v1 for {USER}:{PASSWORD} with {QUERY}, {HEADER} and {KEY}")
    async with WireServer(*[repeated] * 6) as server:
        host = server.url.removeprefix("http://")
        text = await asyncio.to_thread(run, tmp_path, host, monkeypatch)
        assert server.requests
    assert [canary for canary in CANARIES if canary in text] == []
