"""The last line: the keys that work now, as many as fit, those of the focused thing first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.keys import KEY_TO_UNICODE_NAME
from textual.screen import Screen
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.clicks import acts

#: Always shown, at the left: whoever is lost finds a way from here.
ANCHORS = ("app.help", "app.palette")
_NAMED = re.compile(r"\{([a-z_]+\.[a-z_]+)\|([^{}|]+)\}")
_NAMES = {
    "escape": "esc", "question_mark": "?", "slash": "/", "delete": "del", "pageup": "pgup", "pagedown": "pgdn",
    "left_square_bracket": "[", "right_square_bracket": "]", "space": "space", "underscore": "_",
}  # fmt: skip


def key_name(keys: str) -> str:
    """Return the first of some keys as people write it: `^s` for ctrl+s, `F1`, `alt+a`."""
    first = keys.split(",")[0].strip()
    *modifiers, key = first.split("+")
    key = _NAMES.get(key) or (key.upper() if key[:1] == "f" and key[1:].isdigit() else _character(key))
    if modifiers == ["ctrl"]:
        return f"^{key}"
    return "+".join([*modifiers, key])


def named(words: str, keys: Mapping[str, str]) -> str:
    """Name the keys of some words as they are now: `{session.new|^n}` is that of a binding's id, else what follows."""
    return _NAMED.sub(lambda found: key_name(keys[found[1]]) if found[1] in keys else found[2], words)


def _character(key: str) -> str:
    """Return the character that a key such as `full_stop` stands for; other keys as they are called."""
    try:
        found = unicodedata.lookup(KEY_TO_UNICODE_NAME.get(key, key).replace("_", " "))
    except KeyError:
        return key
    return found if found.isprintable() else key


@runtime_checkable
class NamesKeys(Protocol):
    """A part of the screen that names keys of others which matter there, the most important first."""

    FOOTER: ClassVar[Sequence[str]]


def shown_keys(active: Iterable[ActiveBinding], also: Collection[str] = ()) -> Iterator[tuple[Binding, str]]:
    """Yield the bindings that are shown now, once each, with the words for them, from the focus outwards.

    Those whose ids are in `also` are shown, too.
    """
    seen: set[str] = set()
    for one in active:
        binding = one.binding
        show = binding.show or binding.id in also
        if show and one.enabled and binding.description and binding.action not in seen:
            seen.add(binding.action)
            yield binding, f"{binding.description[:1].lower()}{binding.description[1:]}"


def key_line(keys: Iterable[tuple[str, str]], width: int) -> tuple[Content, list[tuple[int, int, str]]]:
    """Set as many (keys, words) as fit on a line; also return where each stands: start, end, key."""
    parts: list[tuple[str, str] | str] = []
    spans: list[tuple[int, int, str]] = []
    at = 0
    for keys_, words in keys:
        name = key_name(keys_)
        size = cell_len(name) + 1 + cell_len(words)
        if at + size > width:
            break
        parts += ["  " if at else "", (name, "bold $footer-key-foreground"), f" {words}"]
        spans.append((at, at + size, keys_.split(",")[0].strip()))
        at += size + 2
    return Content.assemble(*parts), spans


class KeyFooter(Widget):
    """Keys and what they do. A click presses the key."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; dock: bottom; padding: 0 1; background: $footer-background; color: $footer-foreground; }
    """

    def on_mount(self) -> None:
        self._spans: list[tuple[int, int, str]] = []
        self.screen.bindings_updated_signal.subscribe(self, self._updated)

    def _updated(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached:
            self.refresh()

    def _keys_shown(self) -> Iterator[tuple[str, str]]:
        """Yield (keys, words) of the bindings that are shown: the anchors, the focus's own, what its part names."""
        focus = self.screen.focused
        around = focus.ancestors_with_self if focus is not None else ()
        named = next((one.FOOTER for one in around if isinstance(one, NamesKeys)), ())
        shown = list(shown_keys(self.screen.active_bindings.values(), named))
        apart = (*ANCHORS, *named)
        yield from ((one.key, words) for id in ANCHORS for one, words in shown if one.id == id)
        yield from ((one.key, words) for one, words in shown if one.id not in apart)
        yield from ((one.key, words) for id in named for one, words in shown if one.id == id)

    def render(self) -> Content:
        """Set as many as fit on the line."""
        line, self._spans = key_line(self._keys_shown(), self.content_size.width)
        return line

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked on."""
        x = event.x - self.gutter.left
        for start, end, key in self._spans:
            if start <= x < end and acts(event):
                self.app.simulate_key(key)
