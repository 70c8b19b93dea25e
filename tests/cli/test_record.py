"""A session recorded from a model over the wire, and played again without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_kit import Awb
from test_run_that_breaks import config, served, tool

from agent_workbench.conversation.messages import Thinking, ToolCall
from agent_workbench.conversation.usage import Usage
from fakes.providers import KINDS, Kind
from fakes.turns import Lookup
from fakes.wire import Broken, says

__all__ = ["tool"]


def transcript(awb: Awb) -> list[dict[str, Any]]:
    """Return what the newest session holds, without what each run has of its own."""
    messages = awb("session", "show", "last", "--json").json["messages"]
    return [{key: one[key] for key in ("role", "parts", "model", "stop_reason") if key in one} for one in messages]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_recorded_session_plays_again_offline_to_the_same_transcript(awb: Awb, tool: Lookup, kind: Kind):
    first = says("Looking.", ToolCall("c1", "lookup", {"key": "a"}), ToolCall("c2", "nope", {}), tokens=Usage(100, 10))
    cut = says("And then it", broken=Broken(cut=b"then", ending="clean"), delta=4)
    with served(first, says("It is 42.", tokens=Usage(200, 20)), cut) as server:
        awb("run", "go", "-c", config(kind, server.url))
        awb("run", "--continue", "and?", "--record", "again.yaml", code=1)
    real = transcript(awb)

    answer = awb("run", "go", "-c", "./again.yaml", "--json").json
    awb("run", "--continue", "and?", code=1)
    assert transcript(awb) == real
    assert len(server.requests) == 3
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (300, 30)


def test_thoughts_come_along_without_what_only_their_provider_understands(awb: Awb, tool: Lookup):
    with served(says(Thinking("Hm."), "Yes.")) as server:
        awb("run", "go", "-c", config(KINDS[0], server.url), "--record", "again.yaml")
    script = yaml.safe_load(Path("again.yaml").read_text())
    (reply,) = script["providers"][0]["config"]["responses"]
    assert (reply["thinking"], reply["text"]) == ("Hm.", "Yes.")
    assert "signature" not in Path("again.yaml").read_text()


def test_a_recording_holds_no_key_of_provider_or_tool(awb: Awb, tool: Lookup):
    with served(says("Yes.")) as server:
        path = Path(config(KINDS[0], server.url))
        path.write_text(path.read_text() + "    config: {api_key: sk-proj-1234567890abcdefghij1234567890}\n")
        awb("run", "go", "-c", str(path), "--record", "again.yaml")
    text = Path("again.yaml").read_text()
    assert "key-fake" not in text
    assert "sk-proj" not in text
    assert "tool-lookup" in text


def test_a_recording_that_cannot_be_written_says_so(awb: Awb, scripted: Any):
    done = awb("run", "go", "-c", scripted("Yes."), "--record", "no/such/folder.yaml", code=2)
    assert "no/such/folder.yaml cannot be written" in done.err
