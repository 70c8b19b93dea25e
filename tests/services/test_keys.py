"""Secrets moved out of texts, and found again when a session is mounted: with a keyring, without, with a locked one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.errors import ConfigError, EditRefused, InvalidBundle, NotFound
from agent_workbench.services.fixes import move_secret, secrets_in
from agent_workbench.services.keys import Kept, environment, forget, give, keep, names, source_of
from agent_workbench.services.shared import SharedContext
from keyring_kit import MemoryKeyring

TEXT = "providers:\n  - module: provider-mock\n    config: {responses: ['${SAID}']}\n"


async def test_a_session_gets_the_value_from_the_keyring_and_nobody_else_does(
    bench: SharedContext, ring: MemoryKeyring
) -> None:
    assert keep("SAID", "from the ring") == Kept("SAID", "keyring")
    config = await bench.configs.create_config("mine", TEXT)
    ring.asked = 0
    assert bench.configs.validate(TEXT) == ()
    plan = await bench.configs.plan(config)
    assert ring.asked == 0
    assert "from the ring" not in str(plan)
    session = await bench.sessions.create_session(config.config_id)
    answer = await bench.sessions.send_message(session.session_id, "hello")
    assert answer["response"] == "from the ring"


async def test_the_environment_wins_over_the_keyring(
    bench: SharedContext, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("SAID", "from the ring")
    monkeypatch.setenv("SAID", "from the shell")
    config = await bench.configs.create_config("mine", TEXT)
    session = await bench.sessions.create_session(config.config_id)
    assert (await bench.sessions.send_message(session.session_id, "hello"))["response"] == "from the shell"
    assert source_of("SAID") == "environment"


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "locked"])
async def test_a_keyring_that_does_not_give_a_value_stops_the_session_and_says_which(
    bench: SharedContext, ring: MemoryKeyring, lost: bool
) -> None:
    keep("SAID", "from the ring")
    ring.locked = not lost
    ring.kept.clear()
    config = await bench.configs.create_config("mine", TEXT)
    with pytest.raises(InvalidBundle, match="SAID"):
        await bench.sessions.create_session(config.config_id)


def test_a_name_that_stands_for_something_else_is_never_overwritten(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keep("KEY", "one").name == "KEY"
    assert keep("KEY", "one").name == "KEY"
    assert keep("KEY", "two").name == "KEY_2"
    monkeypatch.setenv("OTHER", "shell")
    assert keep("OTHER", "shell") == Kept("OTHER", "environment")
    assert keep("OTHER", "ring") == Kept("OTHER_2", "keyring")
    assert {environment()[name] for name in names()} == {"one", "two", "ring"}


def test_a_name_can_be_forgotten(ring: MemoryKeyring) -> None:
    keep("KEY", "one")
    forget("KEY")
    assert names() == frozenset()
    assert "KEY" not in environment()
    with pytest.raises(KeyError):
        environment()["KEY"]
    with pytest.raises(ConfigError):
        forget("KEY")


def test_without_a_keyring_the_variable_has_to_be_set(no_ring: None) -> None:
    kept = keep("KEY", "one")
    assert (kept.name, kept.source, kept.is_there) == ("KEY", "environment", False)
    assert "no keyring" in kept.reason
    assert names() == frozenset()


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"a": 1}', "[" * 100_000])
def test_a_broken_list_of_names_is_as_good_as_none(content: str, ring: MemoryKeyring) -> None:
    keep("KEY", "one")
    from agent_workbench import paths

    (paths.data_dir() / "keyring.json").write_text(content)
    assert names() == frozenset()


@pytest.mark.parametrize(
    ("text", "path", "moved"),
    [
        ("tools:\n- module: tool-x\n  config:\n    token: abc  # mine\n", "tools[0].config.token", "${X_TOKEN}"),
        ("tools: [{module: tool-x, config: {token: abc}}]\n", "tools[0].config.token", '"${X_TOKEN}"'),
        ("tools:\r\n- module: tool-x\r\n  config: {password: 'a b'}\r\n",
         "tools[0].config.password", "'${X_PASSWORD}'"),
        ("---\nproviders:\n- {module: provider-x, config: {api_key: 1234}}\n---\nBe kind.\n",
         "providers[0].config.api_key", '"${X_API_KEY}"'),
    ],
)  # fmt: skip
def test_only_the_secret_changes_when_it_moves(text: str, path: str, moved: str, ring: MemoryKeyring) -> None:
    done = move_secret(text, path)
    after = done.edit.apply(text)
    start = next(index for index, (a, b) in enumerate(zip(text, after, strict=False)) if a != b)
    assert moved in after
    assert after[:start] == text[:start]
    assert list(ring.kept.values()) in (["abc"], ["a b"], ["1234"])
    assert secrets_in(after) == ()
    assert done.edit.inverse().apply(after) == text


@pytest.mark.parametrize(
    ("text", "path", "error"),
    [
        ("tools: [{module: t, config: {token: abc}}]\n", "tools[0].config.tokn", NotFound),
        ("tools: []\n", "tools[0]", NotFound),
        ("a: [\n", "a", NotFound),
        ("includes: ['https://me:pw12345678@host/a.yaml']\n", "includes[0]", EditRefused),
    ],
)
def test_what_cannot_be_moved_is_refused_and_nothing_is_stored(
    text: str, path: str, error: type[Exception], ring: MemoryKeyring
) -> None:
    with pytest.raises(error):
        move_secret(text, path)
    assert ring.kept == {}


def test_the_list_of_names_holds_no_value(ring: MemoryKeyring) -> None:
    from agent_workbench import paths

    keep("KEY", "canary")
    files = [path for path in Path(paths.data_dir()).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"canary" in path.read_bytes()]


def test_a_key_that_is_given_goes_into_the_keyring(ring: MemoryKeyring) -> None:
    assert give("GIVEN", "to the ring") == Kept("GIVEN", "keyring")
    assert environment()["GIVEN"] == "to the ring"


def test_a_key_that_no_keyring_keeps_is_known_until_the_end_and_stands_in_no_file(
    no_ring: None, tmp_path: Path
) -> None:
    assert give("GIVEN", "for now").source == source_of("GIVEN") == "run"
    assert environment()["GIVEN"] == "for now"
    assert "GIVEN" in environment()
    assert "GIVEN" in set(environment())
    assert "GIVEN" not in names()
    forget("GIVEN")
    assert source_of("GIVEN") is None
