"""`awb key`: keys kept in the keyring, never shown, never taken from the command line."""

from __future__ import annotations

import pytest
from cli_kit import Awb

from keyring_kit import MemoryKeyring

CONFIG = "bundle: {name: said}\nproviders:\n  - module: provider-mock\n    config: {responses: ['${SAID}'], delay: 0}\n"


def test_a_key_that_is_set_is_found_by_a_config(awb: Awb, ring: MemoryKeyring) -> None:
    awb("config", "new", "said", "--from", "-", "--mine", stdin=CONFIG)
    assert awb("key", "set", "SAID", stdin="from the ring\n").out == ""
    assert awb("run", "hi", "-c", "said").out == "from the ring\n"


def test_a_key_is_replaced_listed_and_removed(awb: Awb, ring: MemoryKeyring) -> None:
    awb("key", "set", "SAID", stdin="one")
    awb("key", "set", "SAID", stdin="two")
    assert list(ring.kept.values()) == ["two"]
    assert awb("key", "list", "--json").json == {"keys": [{"name": "SAID", "source": "keyring"}]}
    assert awb("key", "remove", "SAID", "--json").json == {"name": "SAID", "removed": True}
    assert "awb key set NAME" in awb("key", "list").err
    assert ring.kept == {}
    assert "holds no SAID" in awb("key", "remove", "SAID", code=4).err


def test_the_environment_wins_and_that_is_said(awb: Awb, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAID", "from the shell")
    assert "that one is taken" in awb("key", "set", "SAID", stdin="kept").err
    assert awb("key", "list", "--json").json["keys"] == [{"name": "SAID", "source": "environment"}]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sk-ant-secret", "x", "the key itself is asked for"),
        ("SAID", " \n", "empty"),
        ("SAID", "a\nb", "several lines"),
    ],
    ids=["the key in place of its name", "nothing", "a whole file"],
)
def test_what_is_no_key_is_refused_and_not_repeated(
    awb: Awb, ring: MemoryKeyring, name: str, given: str, said: str
) -> None:
    refused = awb("key", "set", name, stdin=given, code=2)
    assert said in refused.err
    assert "secret" not in refused.err


@pytest.mark.usefixtures("no_ring")
def test_a_system_without_a_keyring_is_told_what_to_do_instead(awb: Awb) -> None:
    failed = awb("key", "set", "SAID", stdin="value", code=1)
    assert "export SAID=…" in failed.err
    assert "value" not in failed.err
