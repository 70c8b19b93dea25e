"""Files and pictures that are sent along with a prompt."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cli_kit import Awb
from test_run_that_breaks import config, served, tool

from fakes.providers import KINDS, Kind
from fakes.turns import Lookup
from fakes.wire import says

__all__ = ["tool"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_text_and_picture_reach_every_kind_of_model(awb: Awb, tool: Lookup, kind: Kind):
    Path("notes.txt").write_text("buy milk")
    Path("dot.png").write_bytes(PIXEL)
    with served(says("Seen.")) as server:
        awb("run", "look", "-c", config(kind, server.url), "--file", "notes.txt", "--image", "dot.png")
    body = server.requests[0].body.decode()
    assert "buy milk" in body
    assert base64.b64encode(PIXEL).decode() in body
    assert server.refused == []


def test_a_picture_is_known_by_what_it_holds(awb: Awb, tool: Lookup):
    Path("dot").write_bytes(PIXEL)
    with served(says("Seen.")) as server:
        awb("run", "look", "-c", config(KINDS[0], server.url), "-f", "dot")
    assert '"media_type":"image/png"' in server.requests[0].body.decode().replace(" ", "")


@pytest.mark.parametrize(
    ("option", "name", "says_why"),
    [
        ("--file", "missing.txt", "missing.txt cannot be sent along"),
        ("--file", "binary", "binary cannot be sent along"),
        ("--image", "notes.txt", "notes.txt is no PNG, JPEG, GIF or WebP picture"),
        ("--file", ".", "cannot be sent along"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_started(awb: Awb, option: str, name: str, says_why: str):
    Path("notes.txt").write_text("words")
    Path("binary").write_bytes(b"\x00\xff\xfe")
    assert says_why in awb("run", "look", option, name, code=2).err
    assert awb("session", "list", "--json").json["sessions"] == []
