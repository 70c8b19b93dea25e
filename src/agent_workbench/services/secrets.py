"""Texts of configs without the secrets that stand in them, to show and to export."""

from __future__ import annotations

import re
from collections.abc import Callable

from agent_workbench.configs.reader import Reading, read, show_path
from agent_workbench.configs.secrets import DOTS, Path, literal_secrets, mask_text


def without_secrets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a config's text with a reference to the environment in place of each secret, and where they stood.

    A text without literal secrets comes back byte for byte. What looks like a credential in a comment or in the
    Markdown body becomes dots.
    """
    return _replaced(text, lambda reading, path: f"${{{variable_name(reading, path)}}}")


def masked(text: str) -> str:
    """Return a config's text with every secret as dots, the rest byte for byte."""
    return _replaced(text, lambda reading, path: DOTS)[0]


def _replaced(text: str, stand_in: Callable[[Reading, Path], str]) -> tuple[str, tuple[str, ...]]:
    reading = read(text)
    spans: dict[tuple[int, int], str] = {}
    left_out: list[str] = []
    for path, _ in literal_secrets(reading.data):
        place = reading.values.get(path)
        if place is not None:
            spans[(place.start, place.end)] = stand_in(reading, path)
            left_out.append(show_path(path))
    shown = text
    for (start, end), new in sorted(spans.items(), reverse=True):
        shown = shown[:start] + new + shown[end:]
    clean = mask_text(shown)
    if clean != shown and not left_out:
        left_out.append("text that looks like a credential")
    return clean, tuple(left_out)


def variable_name(reading: Reading, path: Path) -> str:
    """Return the environment variable that a secret would be kept in: `ANTHROPIC_API_KEY` for that provider's key."""
    words = [str(part) for part in path if isinstance(part, str) and part not in ("config", "providers", "tools")]
    entry = reading.data
    for part in path:
        entry = entry[part]  # type: ignore[index]
        if isinstance(entry, dict) and isinstance(entry.get("module"), str):
            words = [re.sub(r"^(provider|tool|hooks?)-", "", entry["module"]), *words[-1:]]
            break
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_") or "SECRET"
