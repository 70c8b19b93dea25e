"""Secrets: which keys and values are hidden, and that nothing of them is left in sight."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.secrets import DOTS, is_secret_key, literal_secrets, looks_secret, mask, mask_text, veiled

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "apiKey",
        "API_KEY",
        "x-api-key",
        "token",
        "accessToken",
        "client_secret",
        "password",
        "DB_PASSWORD",
        "credentials",
    ],
)
def test_a_key_with_a_secret_word_is_secret(key: str):
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["max_tokens", "tokens", "keymap", "keyword", "monkey", "tokenizer", "secretary", "model", ""]
)
def test_only_whole_words_count(key: str):
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"see {KEY}.",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "Authorization: Bearer abcdef0123456789",
        "postgres://me:hunter2@db/x",
    ],
)
def test_a_credential_is_recognized_anywhere(text: str):
    assert looks_secret(text)
    assert looks_secret(mask_text(text)) is False


@pytest.mark.parametrize(
    "text",
    [
        "task-list-of-everything",
        "https://example.org/a@b",
        "git+ssh://git@host/x",
        "sk-short",
        "the bearer of news",
        "basic verification.",
    ],
)
def test_ordinary_text_is_no_credential(text: str):
    assert not looks_secret(text)
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.example/v1?token=abc&key=zzz9", f"https://a.example/v1?token={DOTS}&key={DOTS}"),
        ("https://a.example/?q=key&page=2", "https://a.example/?q=key&page=2"),
        ("https://a.example/?api_key=${KEY}", "https://a.example/?api_key=${KEY}"),
    ],
)
def test_a_secret_in_the_query_of_an_address_is_dots(text: str, masked: str):
    assert mask_text(text) == mask_text(masked) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ({"api_key": "abc"}, {"api_key": DOTS}),
        ({"api_key": "${KEY}"}, {"api_key": "${KEY}"}),
        ({"api_key": "${KEY:}"}, {"api_key": "${KEY:}"}),
        ({"api_key": "pre-${KEY}"}, {"api_key": f"{DOTS}${{KEY}}"}),
        ({"password": 123456}, {"password": DOTS}),
        ({"tokens": ["a"], "max_tokens": 5}, {"tokens": ["a"], "max_tokens": 5}),
        ({"keys": ["a", "${B}"]}, {"keys": [DOTS, "${B}"]}),
        ({"secret": {"name": "n", "token": "t"}}, {"secret": {"name": "n", "token": DOTS}}),
        ({"headers": {"Authorization": "Bearer abcdef0123456789"}}, {"headers": {"Authorization": f"Bearer {DOTS}"}}),
        ({"args": ["--key", KEY]}, {"args": ["--key", DOTS]}),
        ({"api_key": None, "key": True}, {"api_key": None, "key": True}),
    ],
)
def test_masking(value: Any, masked: Any):
    assert mask(value) == masked


nested = st.recursive(
    st.sampled_from([KEY, "plain", "${A}", 7, None]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["token", "x", "max_tokens"]), inner, max_size=3)
    ),
)


@given(nested)
def test_what_is_masked_holds_no_literal_secret_any_more(value: Any):
    assert KEY not in repr(mask(value))
    left = [text for _, text in literal_secrets(mask(value)) if text != DOTS]
    assert left == []


@given(nested)
def test_masking_twice_is_masking_once(value: Any):
    assert mask(mask(value)) == mask(value)


VEILED = {
    "a plain value": ("  api_key: sk-live  # mine", "  api_key: •••••••  # mine"),
    "quotes stay": ("password: 'a b'", "password: '•••'"),
    "flow style": ("x: {token: abc, y: 1}", "x: {token: •••, y: 1}"),
    "a reference stays": ("api_key: ${A:b c}  # d", "api_key: ${A:b c}  # d"),
    "what stands around a reference does not": ("api_key: x${A}y", "api_key: •${A}•"),
    "no secret": ("max_tokens: 8000", "max_tokens: 8000"),
    "a credential anywhere": ("run: curl -H ghp_abcdefghijklmnopqrstu", "run: curl -H " + "•" * 25),
    "a password in an address": ("url: https://me:pass@host/x", "url: https://me:••••@host/x"),
    "nothing": ("token:", "token:"),
    "an entry commented out": ("  # api_key: hunter2  # mine", "  # api_key: •••••••  # mine"),
    "an item commented out, in quotes": ("#- password: 'a b'", "#- password: '•••'"),
    "a flow map commented out": ("#   config: {token: abc, y: 1}", "#   config: {token: •••, y: 1}"),
    "a reference commented out": ("# api_key: ${A}", "# api_key: ${A}"),
    "prose": ("# the token: it is what you get", "# the token: it is what you get"),
    "more prose": ("# key: see docs, or `x: {y: 1}`", "# key: see docs, or `x: {y: 1}`"),
    "what a comment explains": ("# key: value", "# key: value"),
    "a comment that says that there is none": ("# api_key: null", "# api_key: null"),
}


@pytest.mark.parametrize(("line", "shown"), VEILED.values(), ids=VEILED)
def test_a_line_is_veiled_in_its_columns(line: str, shown: str):
    assert veiled(line) == shown


@given(st.text(st.characters(exclude_characters="\n"), max_size=60))
def test_a_veiled_line_is_as_long_as_it_was_and_veiled_for_good(line: str):
    assert len(veiled(line)) == len(line)
    assert veiled(veiled(line)) == veiled(line)
