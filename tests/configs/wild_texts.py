"""Documents in shapes that no editor writes but YAML allows, for the law of edits.

Every choice is made token by token: comments and blank lines between any two of them, tabs where YAML lets them stand,
values over many lines in each style, explicit keys, anchors on anything, several kinds of line ends in one text.
"""

from __future__ import annotations

import random

WORDS = (
    "a", "b", "module", "tool-a", "tool-b", "x y", "日本", "é 🜚", "0x1F", "1_000", "1:30", "no", "null", "12", "-",
    "?x",     "a:b", "a#b", "::", "http://h/p?q=1#f", "@at", "[]", "{}", "=", "<", "'", '"', "%p", "\\n", " pad ", "",
)  # fmt: skip
KEYS = ("a", "b", "config", "k-1", "two words", "é", "a#b", "a:b", "'q'", "on-off", "日本語", "0k")
SECTIONS = ("bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context", "spawn", "own")
ENDS = ("\n", "\n", "\n", "\r\n", "mixed")


class Wild:
    """Makes one text of a seed. `size` is about how many values it holds."""

    def __init__(self, seed: int, size: int) -> None:
        self._chance = random.Random(f"wild {seed} {size}")
        self._left = size * 4
        self._anchors: list[str] = []
        self._named = 0
        self._maps: list[str] = []
        self._remarks = 0
        self._busy = self._chance.choice((0.0, 0.1, 0.5))
        self._tabs = self._chance.random() < 0.3

    def text(self) -> str:
        """Return a bundle's text, which may be one that is refused."""
        chance = self._chance
        names = chance.sample(SECTIONS, chance.randint(1, 5))
        body = "".join(self._pair(name, 0) for name in names)
        head = chance.choice(("", "", "", "---\n", "--- # top\n", "%YAML 1.1\n---\n", "# first\n\n---\n"))
        tail = chance.choice(("", "", "", "...\n", "... # over\n", "# last", "\n\n", "   \n"))
        text = head + body + tail
        if chance.random() < 0.3:
            text = text.rstrip("\n")
        ends = chance.choice(ENDS)
        if ends == "mixed":
            text = "".join(chance.choice(("\n", "\r\n")) if sign == "\n" else sign for sign in text)
        else:
            text = text.replace("\n", ends)
        return ("\ufeff" if chance.random() < 0.1 else "") + text

    # --- between tokens

    def _some(self, share: float) -> bool:
        return self._chance.random() < share

    def _gap(self) -> str:
        """Return what parts two tokens of a line."""
        return self._chance.choice((" ", "\t", " \t ")) if self._tabs else " " * self._chance.choice((1, 1, 1, 3))

    def _remark(self) -> str:
        self._remarks += 1
        return (
            f"#{self._chance.choice(('', ' ', '#'))}c{self._remarks}{self._chance.choice(('', ' - a: b', ' é', ': {'))}"
        )

    def _rest(self) -> str:
        """Return the end of a line: spaces, perhaps a comment, and lines of nothing but comments."""
        end = self._chance.choice(("", "", "", "  ")) if self._some(0.3) else ""
        if self._some(self._busy):
            end += self._gap() + self._remark()
        more = ""
        while self._some(self._busy / 2):
            more += self._chance.choice(("", " ", "   ", "\t" if self._tabs else "")) + self._chance.choice(
                ("", self._remark())) + "\n"  # fmt: skip
        return f"{end}\n{more}"

    # --- block style

    def _pair(self, key: str, indent: int) -> str:
        pad = " " * indent
        shown = self._key(key)
        if self._some(0.05):
            return f"{pad}?{self._gap()}{shown}{self._rest()}{pad}:{self._value(indent, key)}"
        return f"{pad}{shown}{self._chance.choice(('', '', '', ' '))}:{self._value(indent, key)}"

    def _key(self, key: str) -> str:
        plain = key.replace("-", "").replace(" ", "").isalnum()
        style = self._chance.choice(("plain", "plain", "plain", "single", "double")) if plain else "double"
        if style == "single":
            return "'" + key.replace("'", "''") + "'"
        return key if style == "plain" else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def _value(self, indent: int, key: str = "") -> str:
        """Return all that stands behind a `:` or `-`, its last line end included."""
        self._left -= 1
        chance = self._chance
        if self._anchors and self._some(0.06):
            return f"{self._gap()}*{chance.choice(self._anchors)}{self._rest()}"
        self._named += 1
        name = f"n{self._named}" if self._some(0.08) else ""
        mark = f"{self._gap()}&{name}" if name else ""
        kind = chance.choice(("map", "list", "list", "flow", "scalar", "scalar", "block", "nothing"))
        if key in ("tools", "providers", "hooks") and self._some(0.7):
            kind = "modules"
        if self._left < 0 or indent > 14:
            kind = chance.choice(("scalar", "nothing", "block"))
        made = mark + getattr(self, f"_{kind}")(indent)
        if name:
            self._anchors.append(name)
            if kind == "map":
                self._maps.append(name)
        return str(made)

    def _nothing(self, indent: int) -> str:
        return self._rest()

    def _map(self, indent: int) -> str:
        inner = indent + self._chance.choice((1, 2, 2, 4))
        keys = self._chance.sample(KEYS, self._chance.randint(1, 4))
        pairs = [self._pair(key, inner) for key in keys]
        if self._maps and self._some(0.4):
            one = self._chance.choice(self._maps)
            merged = f"*{one}" if self._some(0.6) else f"[*{one},*{self._chance.choice(self._maps)}]"
            pairs.insert(self._chance.randint(0, len(pairs)), f"{' ' * inner}<<: {merged}{self._rest()}")
        return self._rest() + "".join(pairs)

    def _list(self, indent: int) -> str:
        inner = indent + self._chance.choice((0, 0, 2, 1, 4)) if indent % 2 == 0 else indent + 2
        count = self._chance.randint(1, 4)
        return self._rest() + "".join(f"{' ' * inner}-{self._item(inner)}" for _ in range(count))

    def _item(self, indent: int) -> str:
        if self._some(0.3) and indent < 12:  # a map that begins behind the dash
            inner = indent + 2
            keys = self._chance.sample(KEYS, self._chance.randint(1, 3))
            return f" {''.join(self._pair(key, inner) for key in keys)[inner:]}"
        if self._some(0.1) and indent < 12:
            return f" -{self._item(indent + 2)}"
        return self._value(indent)

    def _modules(self, indent: int) -> str:
        inner = indent + self._chance.choice((0, 2))
        made = ""
        for _ in range(self._chance.randint(1, 3)):
            module = self._chance.choice("abxy")
            if self._some(0.3):
                before, behind = self._between(inner), self._between(inner)
                made += f"{' ' * inner}- {{{before}module: tool-{module}{behind}}}{self._rest()}"
                continue
            made += f"{' ' * inner}- module: tool-{module}{self._rest()}"
            if self._some(0.7):
                made += self._pair("config", inner + 2)
        return self._rest() + made

    # --- values

    def _word(self) -> str:
        return self._chance.choice(WORDS)

    def _scalar(self, indent: int) -> str:
        style = self._chance.choice(("plain", "plain", "single", "double", "over lines"))
        if style == "plain":
            return f"{self._gap()}{self._plain()}{self._rest()}"
        if style == "over lines":
            return f"{self._gap()}{self._over_lines(indent)}{self._rest()}"
        return f"{self._gap()}{self._quoted(style, indent)}{self._rest()}"

    def _plain(self) -> str:
        return self._chance.choice(
            ("a", "tool-b", "x y", "日本", "12", "no", "0o17", "1:30", "~", "a:b", "a#b", "1e3", ".inf")
        )

    def _over_lines(self, indent: int) -> str:
        """Return a plain value over several lines, the later ones indented as they like, blank ones between them."""
        lines = [self._plain() for _ in range(self._chance.randint(2, 4))]
        made = lines[0]
        for line in lines[1:]:
            made += "  " * self._some(0.2) + "\n" + "\n" * self._some(0.3)
            made += " " * (indent + self._chance.choice((1, 2, 5))) + line
        return made

    def _quoted(self, style: str, indent: int) -> str:
        words = [self._word() for _ in range(self._chance.randint(1, 3))]
        if style == "single":
            words = [word.replace("'", "''") for word in words]
            return "'" + f"\n{' ' * (indent + 2)}".join(words) + "'"
        words = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
        words.append(self._chance.choice(("\\u00e9", "\\n", "\\t", "\\\\", "\\x41", "")))
        joint = self._chance.choice((" ", f"\n{' ' * (indent + 2)}", f"\\\n{' ' * (indent + 1)}"))
        return '"' + joint.join(words) + '"'

    def _block(self, indent: int) -> str:
        """Return a literal or folded value; its header may fix the indentation and say what becomes of its end."""
        step = self._chance.choice((1, 2, 3))
        fixed = str(step) if self._some(0.4) else ""
        head = self._chance.choice("|>") + fixed + self._chance.choice(("", "-", "+"))
        if self._some(0.2):
            head += f" {self._remark()}"
        pad = " " * (indent + step)
        lines = [
            pad + self._chance.choice(("# no comment", "a: b", "- x", "text  ", "\ttab", "日本")) for _ in range(3)
        ]
        if fixed and self._some(0.4):
            lines[0] = f"{pad}  deeper"
        if self._some(0.4):
            lines.insert(2, self._chance.choice(("", pad)))
        more = "\n" * self._some(0.3)
        return f"{self._gap()}{head}\n" + "\n".join(lines[: self._chance.randint(1, 4)]) + f"\n{more}"

    # --- flow style

    def _between(self, indent: int) -> str:
        """Return what may stand between two tokens of a flow: nothing, space, or comments on lines of their own."""
        if self._some(self._busy / 2):
            return f" {self._remark()}\n{' ' * (indent + 3)}"
        return self._chance.choice(("", "", " ", "\n" + " " * (indent + 2) if self._busy else ""))

    def _flow(self, indent: int) -> str:
        return f"{self._gap()}{self._flow_value(indent, 0)}{self._rest()}"

    def _flow_value(self, indent: int, depth: int) -> str:
        self._left -= 1
        kind = self._chance.choice(("map", "list", "scalar", "scalar", "quoted")) if depth < 3 else "scalar"
        gap = lambda: self._between(indent)  # noqa: E731
        if kind == "map":
            keys = self._chance.sample(KEYS, self._chance.randint(0, 3))
            pairs = [f"{self._key(key)}:{' ' + gap()}{self._flow_value(indent, depth + 1)}{gap()}" for key in keys]
            return f"{{{gap()}{f',{gap()}'.join(pairs)}{',' * bool(pairs and self._some(0.2))}{gap()}}}"
        if kind == "list":
            items = [f"{self._flow_value(indent, depth + 1)}{gap()}" for _ in range(self._chance.randint(0, 3))]
            return f"[{gap()}{f',{gap()}'.join(items)}{',' * bool(items and self._some(0.2))}{gap()}]"
        if kind == "quoted":
            return self._quoted(self._chance.choice(("single", "double")), indent)
        return self._chance.choice(("a", "b c", "12", "~", "日本", "a-b", "'x'", "no"))
