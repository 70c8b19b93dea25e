"""What a schema says of a value, in the words of people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from agent_workbench.configs.wording import sentence


class _A(BaseModel):
    kind: Literal["a"]


class _B(BaseModel):
    kind: Literal["b"]


SAID = {
    "a bound": (Annotated[int, Field(le=10)], 11, "should be at most 10"),
    "another bound": (Annotated[int, Field(ge=1)], 0, "should be at least 1"),
    "a word for a number": (int, "x", "should be a whole number, not a word"),
    "a pattern": (Annotated[str, Field(pattern="^a$")], "b", "should match the pattern '^a$'"),
    "a choice": (Literal["a", "b"], "c", "should be 'a' or 'b'"),
    "a list": (list[int], "c", "should be a list"),
    "one of several maps": (
        Annotated[_A | _B, Field(discriminator="kind")], {"kind": "c"}, "'kind' is 'c', which is none of 'a', 'b'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_an_error_is_told_in_plain_words(name: str):
    kind, value, wanted = SAID[name]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    assert sentence(caught.value.errors()[0]["msg"]) == wanted
