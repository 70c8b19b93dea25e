"""What one search may cost, whatever a model asks for."""

from __future__ import annotations

import pytest

from agent_workbench.engine.tools.matcher import is_tame


@pytest.mark.parametrize(
    "pattern", [r"(?:a|aa)" * 34 + "b", r"\(*" * 8 + "x", "a+", "(ab)?x?", "x{2}", r"\\*", "[ab]" * 30]
)
def test_a_pattern_that_may_try_again_and_again_is_not_tame(pattern: str):
    assert not is_tame(pattern)


@pytest.mark.parametrize("pattern", ["TODO", r"def \w", "colou?r", r"\*\+\?", "(?i)hello", "[abc]d", r"a\|b"])
def test_a_plain_pattern_is_tame(pattern: str):
    assert is_tame(pattern)
