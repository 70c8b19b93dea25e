"""Make text from outside safe to show: every string of a model, tool, file or config passes here once.

A terminal obeys control bytes wherever they stand, and a person believes what they see. So whatever
acts without being seen gets a visible form: control characters as control pictures (`␛`), C1, bidi
controls, tag and zero-width characters as their code point (`‹U+202E›`). Wide and combining characters
stay, and so does a joiner inside an emoji or a word of a script that needs it. Of control characters
only newline and tab are left.
"""

from __future__ import annotations

import re

# Between these a joiner shapes what is seen: emoji, and the Arabic and Indic scripts.
_JOINED = (
    "\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
)
_BEFORE = f"[\ufe0f{_JOINED}]"
_JOINERS = "[\u200c\u200d]"

# What has no width or turns the direction of text. Variation selectors U+FE00–FE0F are combining and stay.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_UNSAFE = re.compile(
    f"(?P<newline>\r\n)|(?<={_BEFORE})(?P<joiner>{_JOINERS})(?=[{_JOINED}])"
    f"|[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}\ud800-\udfff]"
)
_UNDECIDED = re.compile(f"(?:\r|{_BEFORE}(?:{_JOINERS}[{_JOINED}]\ufe0f?)*{_JOINERS}?)\\Z")
_BREAKS = re.compile(r"\s+")


def clean(text: str) -> str:
    r"""Return the text with everything that acts unseen made visible.

    `\r\n` becomes `\n`; a lone `\r` is shown. A lone surrogate becomes U+FFFD, so that the result always
    encodes to UTF-8. Cleaning twice changes nothing more.
    """
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_visible, text)


def clean_line(text: str, limit: int = 0) -> str:
    """Return the text cleaned and on one line, for titles and labels; over `limit` characters it ends in `…`."""
    line = _BREAKS.sub(" ", clean(text)).strip()
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


class Cleaner:
    """Clean a text that comes in pieces; the pieces together equal `clean` of the whole.

    What the next piece decides is held back: a `\\r`, and an emoji that a joiner may follow.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be shown now."""
        text = self._held + text
        match = _UNDECIDED.search(text, max(0, len(text) - 64))
        self._held = match.group() if match else ""
        return clean(text[: match.start()] if match else text)

    def finish(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return clean(held)


def _visible(match: re.Match[str]) -> str:
    found = match.group()
    if match.lastgroup == "newline":
        return "\n"
    if match.lastgroup == "joiner":
        return found
    code = ord(found)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"‹U+{code:04X}›"
