"""A form says what a module's config may hold, and means exactly what it was given until a key is pressed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from looks import settled
from pydantic import Field as Setting
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from agent_workbench.configs.fields import fields_of
from agent_workbench.configs.modules import ModuleConfig
from agent_workbench.frontends.tui.widgets.form import Choice, FieldRow, Form


class Web(ModuleConfig):
    timeout: int = 10
    """Seconds to wait."""
    engine: Literal["duck", "brave"] | None = None
    """Which search engine."""
    follow: bool = True
    """Whether to follow redirects."""
    api_key: str | None = None
    """The key."""
    domains: list[str] = Setting(default_factory=list)
    """Hosts that may be read."""
    headers: dict[str, str] = Setting(default_factory=dict)
    """Sent with each request."""


class Host(App[None]):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.form = Form(fields_of(Web), config)
        self.seen: list[dict[str, Any] | None] = []

    def compose(self) -> ComposeResult:
        yield self.form

    def on_form_changed(self, event: Form.Changed) -> None:
        self.seen.append(event.config)


@asynccontextmanager
async def filling(config: dict[str, Any]) -> AsyncIterator[tuple[Pilot[None], Host]]:
    host = Host(config)
    async with host.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        yield pilot, host


def row(host: Host, key: str) -> FieldRow:
    return next(one for one in host.query(FieldRow) if one.field.key == key)


GIVEN = {"timeout": 20, "engine": "brave", "headers": {"A": "b"}, "unknown": [1, {"x": None}], "follow": "${F}"}


async def test_it_is_not_dirty_when_it_appears_and_means_what_it_was_given():
    async with filling(GIVEN) as (_, host):
        assert not host.form.dirty
        assert host.seen == []
        assert host.form.config == GIVEN


async def test_typing_changes_the_config_and_clearing_leaves_the_default():
    async with filling({"timeout": 20}) as (pilot, host):
        row(host, "timeout").query_one(Input).focus()
        await pilot.press("end", "0")
        assert host.seen[-1] == {"timeout": 200}
        await pilot.press("backspace", "backspace", "backspace")
        assert host.seen[-1] == {}
        assert host.form.dirty


async def test_what_does_not_fit_is_said_in_its_row():
    async with filling({}) as (pilot, host):
        row(host, "timeout").query_one(Input).focus()
        await pilot.press("x")
        assert host.seen == [None]
        assert "'x' is not a whole number" in str(row(host, "timeout").query_one(".help", Static).render())


async def test_a_choice_turns_with_arrows_and_letters_and_back_to_not_given():
    async with filling({}) as (pilot, host):
        choice = row(host, "engine").query_one(Choice)
        choice.focus()
        await pilot.press("right")
        assert host.seen[-1] == {"engine": "duck"}
        await pilot.press("b")
        assert host.seen[-1] == {"engine": "brave"}
        await pilot.press("right")
        assert host.seen[-1] == {}


async def test_a_value_that_is_none_of_the_choices_stays_until_it_is_changed():
    async with filling({"follow": "${F}"}) as (pilot, host):
        choice = row(host, "follow").query_one(Choice)
        assert "${F}" in str(choice.render())
        choice.focus()
        await pilot.press("t")
        assert host.seen[-1] == {"follow": True}


async def test_secrets_are_masked():
    async with filling({"api_key": "sk-123"}) as (_, host):
        assert row(host, "api_key").query_one(Input).password
        assert "sk-123" not in host.export_screenshot()


async def test_markup_in_values_and_keys_is_only_text():
    async with filling({"[bold]x": 1, "engine": "[@click=app.quit]x"}) as (_, host):
        assert host.form.config == {"[bold]x": 1, "engine": "[@click=app.quit]x"}
