"""What clients send. What is not named here is refused, so that a slip in a name is no silent default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

#: The largest number that SQLite keeps, and some below that.
MOST = 2**53
#: How deep a client's own JSON may be nested.
LEVELS = 100


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [value]
    for _ in range(LEVELS):
        level = [one for part in level for one in (part.values() if isinstance(part, dict) else part)]
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return value
    raise ValueError(f"nested more than {LEVELS} levels deep")


# A length on each text: pydantic lets half a surrogate pair through where nothing is asked of one.
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(max_length=200)]
Prose = Annotated[str, StringConstraints(max_length=100_000)]
Tags = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Prose],
    Field(max_length=100, description="At most 100 words of your own, each with its text."),
]
Json = Annotated[dict[str, Any], AfterValidator(_shallow)]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="After so many.")]
Search = Annotated[str, Query(max_length=1000, description="Words to look for.")]
#: What is written into a config as it is: one line.
Reference = Annotated[str, Query(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Body(BaseModel):
    """The base of all of them."""

    model_config = ConfigDict(extra="forbid")


class NewConfig(Body):
    """A config to store."""

    name: Name
    yaml_content: str
    description: Prose | None = None
    tags: Tags = Field(default_factory=dict)


class ConfigChange(Body):
    """What of a config changes; what is not given stays."""

    name: Name | None = None
    yaml_content: str | None = None
    description: Prose | None = None
    tags: Tags | None = None


class Yaml(Body):
    """A text that need not be stored."""

    yaml_content: str


class NewSession(Body):
    """A session to start."""

    config_id: Line
    title: Line = ""
    tags: Tags = Field(default_factory=dict)
    user_id: Line = ""


class SessionChange(Body):
    """What of a session changes; what is not given stays, `""` goes back to what the config says."""

    title: Line | None = None
    fast_edit: bool | None = None
    permission_mode: Line | None = None
    provider: Line | None = None
    model: Line | None = None
    effort: Line | None = None


class Fork(Body):
    """From where a session is forked: the end, or the end of a turn, counted from 1."""

    at_turn: Annotated[int, Field(ge=1)] | None = None


class Said(Body):
    """Something said to an agent. `context` is shown to the model before it."""

    message: Words
    context: Json = Field(default_factory=dict)


class Decided(Body):
    """The answer to a permission question."""

    decision: Literal["allow", "allow_session", "allow_always", "deny"]
    reason: str = Field("", max_length=2000)
