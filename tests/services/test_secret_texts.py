"""Texts without their secrets: nothing else changes, and nothing secret is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.configs.secrets import DOTS
from agent_workbench.services.secrets import masked, without_secrets

KEY = "sk-" + "a1b2c3d4" * 4


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("tools: []\n", "tools: []\n"),
        ("a: {api_key: '${KEY}'}  # fine\n", "a: {api_key: '${KEY}'}  # fine\n"),
        ("a: {max_tokens: 5}\n", "a: {max_tokens: 5}\n"),
        (
            f"providers:\n- module: provider-openai\n  config:\n    api_key: '{KEY}'  # mine\n    delay: 1\n",
            "providers:\n- module: provider-openai\n  config:\n    api_key: ${OPENAI_API_KEY}  # mine\n    delay: 1\n",
        ),
        ("tools: [{module: tool-x, config: {token: a}}]", 'tools: [{module: tool-x, config: {token: "${X_TOKEN}"}}]'),
        ("session:\r\n  secret: x\r\n", "session:\r\n  secret: ${SESSION_SECRET}\r\n"),
        (f"# old key {KEY}\na: 1\n", f"# old key {DOTS}\na: 1\n"),
        ("a: 1\n# api_key: hunter2\n#- {token: b c}\n", f"a: 1\n# api_key: {DOTS}\n#- {{token: {DOTS}}}\n"),
        ("run: |\n  # token: x1\n  go\n# token: x2\n", f"run: |\n  # token: x1\n  go\n# token: {DOTS}\n"),
        ("a: x  # password: hunter2\nb: 'y # token: z'\n", f"a: x  # password: {DOTS}\nb: 'y # token: z'\n"),
        ("---\na: 1\n---\n# token: abc\n", "---\na: 1\n---\n# token: abc\n"),
        ("# the key: read this\n# api_key: ${KEY}\na: 1\n", "# the key: read this\n# api_key: ${KEY}\na: 1\n"),
        (f"---\nbundle: {{name: b}}\n---\nUse {KEY}.\n", f"---\nbundle: {{name: b}}\n---\nUse {DOTS}.\n"),
    ],
)  # fmt: skip
def test_a_secret_becomes_a_reference_and_every_other_byte_stays(text: str, exported: str) -> None:
    assert without_secrets(text)[0] == exported
    assert not errors(read(exported).problems)


def test_what_was_left_out_is_named_by_its_place_and_never_by_its_value() -> None:
    _, left_out = without_secrets(f"providers: [{{module: provider-openai, config: {{api_key: {KEY}}}}}]\n")
    assert left_out == ("providers[0].config.api_key",)
    assert without_secrets("tools: []\n")[1] == ()


def test_an_alias_of_a_secret_hides_the_secret_where_it_stands() -> None:
    text = f"x: {{api_key: &k {KEY}}}\ny: {{api_key: *k}}\n"
    assert KEY not in without_secrets(text)[0]
    assert KEY not in masked(text)


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=4, max_size=30))
def test_no_literal_under_a_secret_key_is_shown(value: str) -> None:
    secret = f"canary{value}".replace("$", "").replace("'", "").replace("\\", "")
    text = f"providers:\n  - module: provider-openai\n    config:\n      api_key: '{secret}'\n      delay: 1\n"
    assert secret not in masked(text)
    assert masked(text).endswith("\n      delay: 1\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a: [\napi_key: hunter2\n", f"a: [\napi_key: {DOTS}\n"),
        ("a: 1\na: {password: 'hun ter2', b: 2}\n", f"a: 1\na: {{password: {DOTS}\n"),
        ('\tx\n"token" : "a b"\r\nb: 1\n', f'\tx\n"token" : {DOTS}\r\nb: 1\n'),
        ("a: [\napi_key: ${KEY}\nmax_tokens: 5\n", "a: [\napi_key: ${KEY}\nmax_tokens: 5\n"),
        (f"a: [\nb: {KEY}\n", f"a: [\nb: {DOTS}\n"),
    ],
)
def test_a_text_that_is_no_yaml_shows_no_secret_either(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert without_secrets(text) == (shown, ("text that looks like a secret",) if shown != text else ())
