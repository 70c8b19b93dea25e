"""A web page as text that can be read: headings, lists, links and code as markdown, nothing that is not shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urljoin

MAX_HTML = 2_000_000
"""Characters of a page that are parsed."""

_HIDDEN = frozenset({"noscript", "template", "svg", "math", "iframe", "object", "nav", "dialog"})
_RAW = frozenset({"script", "style", "title", "textarea"})
"""Elements that hold text, and no tags."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"li", "tr", "dt", "dd"})
_BLOCKS = _HEADINGS | _LINES | {
    "p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "table", "blockquote",
    "figure", "figcaption", "hr", "address", "details", "summary", "form", "fieldset", "pre",
}  # fmt: skip
_CHARSETS = re.compile(
    r"utf-?(?:8|16(?:le|be)?)|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|(?:windows-|cp)125\d|shift[_-]?jis|euc-(?:jp|kr)"
    r"|gb(?:k|2312|18030)|big5|koi8-[ru]", re.IGNORECASE,
)  # fmt: skip
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})")
_ATTRIBUTE = re.compile(r"""(?<![A-Za-z-])([A-Za-z-]++)\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+)""")
"""Begins only where a name does: tried at each letter of a long name, it took the square of its length."""
_ENDLESS = re.compile(r"&#\d{10,};?")
"""Numbers that Python refuses to read."""
_QUOTE_OR_END = re.compile("[>\"']")
MAX_TAG = 4000
"""Characters of one tag that are looked at for a link."""
_META = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_-]{1,30})""", re.IGNORECASE)


def decoded(body: bytes, content_type: str) -> str:
    """Return the text of a body by its charset: that of the header, else of the page, else UTF-8.

    Only charsets that pages have are known; some of Python's take hours for a hostile text.
    """
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,30})", content_type, re.IGNORECASE)
    within = _META.search(body[:2048])
    charset = named[1] if named else within[1].decode("ascii") if within else "utf-8"
    if not _CHARSETS.fullmatch(charset):
        charset = "utf-8"
    try:
        return body.decode(charset, "replace").removeprefix("\ufeff")
    except LookupError:
        return body.decode("utf-8", "replace")


def readable(html: str, base: str) -> tuple[str, str]:
    """Return a page's title and its text; links are made absolute on `base`."""
    reader = _Reader(base)
    reader.feed(html[:MAX_HTML])
    return " ".join("".join(reader.title).split()), reader.text()


class _Reader:
    """Collects what is shown, in time proportional to the page: it looks at each character once.

    Python's own parser takes 50 s for 160 kB of tags that never end. This one keeps a depth instead of a tree, and
    what is not finished at the end of the page is left out, as browsers do.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.title: list[str] = []
        self.parts: list[str] = []
        self.hidden = 0
        self.pre = 0
        self.links: list[str] = []

    def feed(self, html: str) -> None:
        """Read a whole page."""
        lower, at = html.lower() if len(html.lower()) == len(html) else html, 0
        while at < len(html):
            opening = html.find("<", at)
            if opening < 0:
                self._data(html[at:])
                return
            self._data(html[at:opening])
            at = self._markup(html, lower, opening)

    def _markup(self, html: str, lower: str, at: int) -> int:
        """Take what begins with `<`; return where it ends."""
        if html.startswith("<!--", at):
            return _behind(html, "-->", at + 4)
        if html[at + 1 : at + 2] in ("!", "?"):
            return _behind(html, ">", at)
        found = _TAG.match(html, at)
        if found is None:
            self._data("<")
            return at + 1
        end = _tag_end(html, found.end())
        tag = found[2].lower()
        if found[1]:
            self._end(tag)
            return end
        self._start(tag, html[found.end() : min(end - 1, found.end() + MAX_TAG)])
        if tag not in _RAW:
            return end
        close = lower.find(f"</{tag}", end)
        if tag == "title":
            self.title.append(unescape(html[end : close if close >= 0 else end]))
        return close if close >= 0 else len(html)

    def _start(self, tag: str, inside: str) -> None:
        if tag in _HIDDEN and not inside.endswith("/"):
            self.hidden += 1
        elif not self.hidden and tag not in _RAW:
            attributes = {}
            if tag in ("a", "img"):
                attributes = {name.lower(): unescape(value.strip("\"'")) for name, value in _ATTRIBUTE.findall(inside)}
            self._shown(tag, attributes)

    def _shown(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n" if tag in _LINES else "\n\n")
        match tag:
            case "br":
                self.parts.append("\n")
            case "li":
                self.parts.append("- ")
            case _ if tag in _HEADINGS:
                self.parts.append("#" * int(tag[1]) + " ")
            case "pre":
                self.pre += 1
                self.parts.append("```\n")
            case "td" | "th":
                self.parts.append(" | ")
            case "a":
                self.links.append(_absolute(self.base, attributes.get("href") or ""))
                self.parts.append("[" if self.links[-1] else "")
            case "img" if attributes.get("alt"):
                self.parts.append(f"[picture: {attributes['alt']}]")
            case _:
                pass

    def _end(self, tag: str) -> None:
        if tag in _HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif not self.hidden and tag not in _RAW:
            if tag == "pre" and self.pre:
                self.pre -= 1
                self.parts.append("\n```")
            if tag == "a" and self.links:
                link = self.links.pop()
                self.parts.append(f"]({link})" if link else "")
            if tag in _BLOCKS:
                self.parts.append("\n")

    def _data(self, data: str) -> None:
        if not self.hidden and data:
            words = unescape(_ENDLESS.sub("\ufffd", data))
            self.parts.append(words if self.pre else re.sub(r"\s+", " ", words))

    def text(self) -> str:
        """Return what was collected, with runs of blanks and empty lines made short."""
        lines = [line.rstrip() for line in "".join(self.parts).splitlines()]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace("[]", "").strip()


def _absolute(base: str, href: str) -> str:
    try:
        link = urljoin(base, href.strip())
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) and not href.startswith("#") else ""


def _behind(html: str, end: str, start: int) -> int:
    found = html.find(end, start)
    return found + len(end) if found >= 0 else len(html)


def _tag_end(html: str, at: int) -> int:
    """Return where a tag ends, quotes considered; the page's end where it does not."""
    while found := _QUOTE_OR_END.search(html, at):
        if found[0] == ">":
            return found.end()
        at = _behind(html, found[0], found.end())
    return len(html)
