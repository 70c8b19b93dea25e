"""The request of OpenAI's chat protocol, and its messages as ours."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from agent_workbench.conversation.messages import Image, Message, Part, Text
from agent_workbench.errors import UsageError
from agent_workbench.frontends.server.bodies import Line

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
_DATA_URL = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,(.*)", re.DOTALL)


class _Lenient(BaseModel):
    """Clients send fields that are newer than we are."""

    model_config = ConfigDict(extra="allow")


class ImageUrl(_Lenient):
    """A picture, as a `data:` URL."""

    url: str


class ContentPart(_Lenient):
    """A piece of a message."""

    type: str
    text: str = ""
    image_url: ImageUrl | None = None


class ChatMessage(_Lenient):
    """One message."""

    role: Role
    content: str | list[ContentPart] | None = None


class StreamOptions(_Lenient):
    """What a stream holds besides."""

    include_usage: bool = False


class ChatRequest(_Lenient):
    """A chat request, `model` being an agent's id or name."""

    model: Line
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    session_id: Line | None = None
    user_id: Line | None = None
    user: Line | None = None

    @property
    def includes_usage(self) -> bool:
        """Whether the stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @field_validator("tools", "functions")
    @classmethod
    def _are_none(cls, given: list[Any] | None) -> list[Any] | None:
        if given:
            raise ValueError("an agent has the tools of its config; a request cannot bring others")
        return given

    @model_validator(mode="after")
    def _ends_with_the_user(self) -> ChatRequest:
        last = next((one for one in reversed(self.messages) if one.role not in ("system", "developer")), None)
        if last is None or last.role != "user":
            raise ValueError("the last message must be the user's: it is what the agent answers")
        return self


def message_of(given: ChatMessage) -> Message:
    """Return a message as ours.

    Raises:
        UsageError: If it holds what an agent cannot be sent.
    """
    role: Literal["user", "assistant"] = "user" if given.role == "user" else "assistant"
    if given.role in ("tool", "function"):
        raise UsageError("messages of tools cannot be sent: an agent runs its own tools")
    content = given.content or ""
    parts = (Text(content),) if isinstance(content, str) else tuple(_part(one) for one in content)
    return Message(role, parts)


def instructions_of(request: ChatRequest) -> str:
    """Return what the client itself tells the agent, its system messages joined."""
    given = [one for one in request.messages if one.role in ("system", "developer")]
    return "\n\n".join(part.text for one in given for part in _texts(one) if part.text.strip())


def _texts(given: ChatMessage) -> list[ContentPart]:
    if isinstance(given.content, str):
        return [ContentPart(type="text", text=given.content)]
    return [part for part in given.content or () if part.type == "text"]


def _part(given: ContentPart) -> Part:
    if given.type in ("text", "input_text", "output_text"):
        return Text(given.text)
    if given.type == "image_url" and given.image_url is not None:
        return _image(given.image_url.url)
    raise UsageError(f"a part of the type {given.type!r} cannot be sent to an agent; send text or image_url")


def _image(url: str) -> Image:
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise UsageError("a picture must be a data: URL of a PNG, JPEG, GIF or WebP; nothing is fetched for a client")
    try:
        base64.b64decode(found[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"the picture is no base64: {error}") from error
    return Image(found[1], found[2])
