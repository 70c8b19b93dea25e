"""`awb provider` against a server that speaks all formats: every kind of provider, those that fail among them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_kit import Awb
from test_run_that_breaks import served

from fakes.wire import says

ALL = """\
bundle: {name: all}
providers:
  - {module: provider-anthropic, config: {base_url: "URL", api_key: k, default_model: fake-1}}
  - {module: provider-openai, config: {base_url: "URL/v1", api_key: k, default_model: fake-1}}
  - {module: provider-chat-completions, config: {base_url: "URL/v1"}}
  - {module: provider-ollama, config: {base_url: "URL/v1", default_model: fake-2}}
  - {module: provider-vllm, config: {base_url: "URL/v1"}}
  - {module: provider-mock, config: {delay: 0}}
  - {module: provider-openai, id: gone, config: {base_url: "http://127.0.0.1:1/v1", api_key: k}}
  - {module: provider-anthropic, id: keyless, config: {base_url: "URL"}}
"""
WORKING = {
    "provider-anthropic", "provider-openai", "provider-chat-completions", "provider-ollama", "provider-vllm",
    "provider-mock",
}  # fmt: skip


@pytest.fixture
def everybody(folder: Path) -> str:
    return "all.yaml"


def test_every_kind_of_provider_is_tested_and_failures_are_told_apart(awb: Awb, everybody: str):
    with served(*[says("pong")] * 5) as server:
        Path(everybody).write_text(ALL.replace("URL", server.url))
        done = awb("provider", "test", "-c", everybody, "--json", code=1)
    found = {one["id"]: one for one in done.json["providers"]}
    assert {name for name, one in found.items() if one["ok"]} == WORKING
    assert (found["gone"]["error_kind"], found["keyless"]["error_kind"]) == ("connection", "setup")
    assert found["provider-openai"]["answer"] == "pong"
    assert server.refused == []


def test_models_are_asked_for_and_listed(awb: Awb, everybody: str):
    with served() as server:
        Path(everybody).write_text(ALL.replace("URL", server.url))
        done = awb("provider", "models", "-c", everybody, "--json", code=1)
        words = awb("provider", "models", "-c", everybody, "-p", "gone", code=1)
    assert set(done.json["models"]) == WORKING
    assert done.json["models"]["provider-ollama"] == ["fake-2", "fake-1"]
    assert set(done.json["errors"]) == {"gone", "keyless"}
    assert words.err.count("gone: ") == 1


def test_the_providers_of_a_config_are_listed_best_first(awb: Awb, everybody: str):
    Path(everybody).write_text(ALL.replace("URL", "http://127.0.0.1:1").replace("{delay: 0}", "{priority: 1}"))
    listed = awb("provider", "list", "-c", everybody).out.splitlines()
    assert listed[1].split() == ["provider-mock", "mock"]
    assert "the first it lists" in listed[4]


def test_a_run_writes_what_went_over_the_wire(awb: Awb, folder: Path):
    with served(says("pong")) as server:
        Path("one.yaml").write_text(
            f"bundle: {{name: one}}\nproviders:\n  - module: provider-openai\n"
            f"    config: {{base_url: '{server.url}/v1', api_key: canary-1, default_model: fake-1}}\n"
        )
        awb("run", "ping", "-c", "one.yaml", "--wire", "wire.json")
    sent, answer = json.loads(Path("wire.json").read_text())
    assert (sent["kind"], sent["detail"]["body"]["model"]) == ("request", "fake-1")
    assert (answer["detail"]["status"], answer["failed"]) == (200, False)
    assert "canary" not in Path("wire.json").read_text()


def test_the_console_of_a_session_is_printed(awb: Awb, folder: Path):
    awb("run", "hello")
    shown = awb("session", "console", "last")
    found = awb("session", "console", "last", "--json", "--limit", "1").json
    assert {"turn", "user", "assistant"} <= {line.split()[2] for line in shown.out.splitlines()[1:]}
    assert (len(found["entries"]), found["total"] > 1) == (1, True)
    assert json.loads(awb("session", "console", "last", "--next").out)["messages"][0]["role"] == "user"
