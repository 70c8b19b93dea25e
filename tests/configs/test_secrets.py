"""Secrets: which keys and values are hidden, and that nothing of them is left in sight."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.secrets import DOTS, is_secret_key, literal_secrets, looks_secret, mask, mask_text

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
    ["task-list-of-everything", "https://example.org/a@b", "git+ssh://git@host/x", "sk-short", "the bearer of news"],
)
def test_ordinary_text_is_no_credential(text: str):
    assert not looks_secret(text)
    assert mask_text(text) == text


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
