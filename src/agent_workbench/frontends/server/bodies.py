"""What clients send. What is not named here is refused, so that a slip in a name is no silent default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="After so many.")]


class Body(BaseModel):
    """The base of all of them."""

    model_config = ConfigDict(extra="forbid")


class NewConfig(Body):
    """A config to store."""

    name: Name
    yaml_content: str
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ConfigChange(Body):
    """What of a config changes; what is not given stays."""

    name: Name | None = None
    yaml_content: str | None = None
    description: str | None = None
    tags: dict[str, str] | None = None


class Yaml(Body):
    """A text that need not be stored."""

    yaml_content: str


class NewSession(Body):
    """A session to start."""

    config_id: str
    title: str = Field("", max_length=200)
    tags: dict[str, str] = Field(default_factory=dict)
    user_id: str = Field("", max_length=200)


class SessionChange(Body):
    """What of a session changes; what is not given stays, `""` goes back to what the config says."""

    title: Annotated[str, StringConstraints(max_length=200)] | None = None
    fast_edit: bool | None = None
    permission_mode: str | None = None
    provider: str | None = None
    model: str | None = None
    effort: str | None = None


class Fork(Body):
    """From where a session is forked: the end, or the end of a turn, counted from 1."""

    at_turn: Annotated[int, Field(ge=1)] | None = None


class Said(Body):
    """Something said to an agent. `context` is shown to the model before it."""

    message: Words
    context: dict[str, Any] = Field(default_factory=dict)


class Decided(Body):
    """The answer to a permission question."""

    decision: Literal["allow", "allow_session", "allow_always", "deny"]
    reason: str = Field("", max_length=2000)
