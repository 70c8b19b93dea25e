"""Hiding secrets costs time in proportion to the text, whatever it says: it is done on the screen's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from agent_workbench.configs.secrets import mask_text, veiled
from agent_workbench.engine.hooks.redaction import Redaction, RedactionConfig
from agent_workbench.services.secrets import masked, without_secrets

SIZE = 20_000
"""Characters; the result of a tool may have 50,000."""

HOSTILE = [
    "a-", "a", "token", "token=", "token ", "token" + " " * 500, "api-key-", "api_key: ", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN A A A A A A ", "sk-", "eyJa.", "Bearer ", "://a:", "http://a:", "a.b@", "a@a.", "# ", "# {a ", "# a: {",
    "key: ", "'", '"', "${", "{", "- ", "a: [", " ", "\n# a:", "a.a",
]  # fmt: skip

WAYS: dict[str, Callable[[str], object]] = {
    "redaction": Redaction(RedactionConfig(rules=["secrets", "pii-basic"])).redact,
    "masking": mask_text,
    "the editor": veiled,
    "showing a config": masked,
    "exporting a config": without_secrets,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_text_takes_long(way: str) -> None:
    for piece in HOSTILE:
        text = piece * (SIZE // len(piece))
        began = time.process_time()
        WAYS[way](text)
        assert time.process_time() - began < 2, f"{piece!r} again and again"


def test_a_long_name_before_a_secret_does_not_hide_it() -> None:
    name = "x-" * 300
    redacted = Redaction(RedactionConfig()).redact(f"{name}api_key=abcdefgh12345")
    assert "abcdefgh12345" not in redacted
    assert "hunter22" not in mask_text(f"{'a' * 300}+postgres://me:hunter22@host/db")
    assert "hunter22" not in masked(f"{'x_' * 200}password: hunter22\n\tbroken: [")
