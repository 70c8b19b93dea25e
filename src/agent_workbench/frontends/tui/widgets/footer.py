"""The last line: the keys that work now, as many as fit, those of the focused thing first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.keys import KEY_TO_UNICODE_NAME
from textual.screen import Screen
from textual.widget import Widget

#: Always shown, at the left: whoever is lost finds a way from here.
ANCHORS = ("app.help", "app.palette")
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


def _character(key: str) -> str:
    """Return the character that a key such as `full_stop` stands for; other keys as they are called."""
    try:
        found = unicodedata.lookup(KEY_TO_UNICODE_NAME.get(key, key).replace("_", " "))
    except KeyError:
        return key
    return found if found.isprintable() else key


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

    def _keys_shown(self) -> Iterable[tuple[str, str]]:
        """Yield (keys, label) of the bindings that are shown, anchors first, then from the focus outwards."""
        shown = [one for one in self.screen.active_bindings.values() if one.binding.show and one.enabled]
        first = {one.binding.id: one.binding for one in shown if one.binding.id in ANCHORS}
        yield from ((first[id].key, first[id].description) for id in ANCHORS if id in first)
        seen: set[str] = set()
        for one in shown:
            binding = one.binding
            if binding.id not in ANCHORS and binding.action not in seen and binding.description:
                seen.add(binding.action)
                yield binding.key, binding.description

    def render(self) -> Content:
        """Set as many as fit on the line."""
        parts: list[tuple[str, str] | str] = []
        self._spans, at, width = [], 0, self.content_size.width
        for keys, label in self._keys_shown():
            name, words = key_name(keys), f" {label[:1].lower()}{label[1:]}"
            size = cell_len(name) + cell_len(words)
            if at + size > width:
                break
            parts += [(name, "bold $footer-key-foreground"), words, "  "]
            self._spans.append((at, at + size, keys.split(",")[0].strip()))
            at += size + 2
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked on."""
        x = event.x - self.gutter.left
        for start, end, key in self._spans:
            if start <= x < end:
                self.app.simulate_key(key)
