"""Makes config texts as people write them, and worse: any indentation, comments everywhere, flow, literals, anchors."""

from __future__ import annotations

import random

WORDS = (
    "alpha",
    "beta gamma",
    "déjà vu",
    "日本語",
    "𝕏 math",
    "x:y",
    "a#b",
    "-dash",
    "http://h/p?q=1",
    "@ns:path",
    "${VAR:a}",
)
ODD = ("on", "010", "12:30", "1.5", "7", "true", "null", "~", "2024-01-01", "1_000", ".inf", "-3", "0x1F", "1e5", "")
SECTIONS = ("bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context", "spawn", "own", "x y")


class Texts:
    """A writer of random texts; equal seeds write equal texts."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        self.size = size
        self.step = self.random.choice((2, 2, 3, 4))
        self.offset = self.random.choice((0, 2, self.step))
        self.gap = self.random.choice((2, 2, 2, 4))
        self.comments = self.random.choice((0.0, 0.2, 0.5))
        self.odd = self.random.choice((0.0, 0.15, 0.4))
        self.serial = 0
        self.anchors: list[str] = []
        self.maps: list[str] = []
        self.fresh: list[tuple[str, bool]] = []  # anchors of the section being written: not to be used inside it

    def text(self) -> str:
        """Return one document."""
        chance = self.random.random
        lines = self.remarks(0) if chance() < 0.5 else []
        names = self.random.sample(SECTIONS, self.random.randint(0, min(self.size, len(SECTIONS))))
        if chance() < 0.05 and names:
            lines.append("{" + ", ".join(f"{self.key(name)}: {self.flow(2)}" for name in names) + "}")
        else:
            lines += self.pairs(names, 0, 0)
        if chance() < 0.3:
            lines += self.remarks(0)
        return self.framed(lines)

    def framed(self, lines: list[str]) -> str:
        chance = self.random.random
        tail = "\n" if chance() < 0.8 else ""
        if chance() < 0.3:
            body = self.random.choice(("", "# Hello\n\n---\n\nmore: [\n", "text\twith\ttabs", "---\n---\n"))
            text = "\n".join(["---", *lines, "---"]) + "\n" + body
        elif chance() < 0.15:
            text = "\n".join(["---", *lines]) + self.random.choice(("\n", "\n...\n", tail))
        else:
            text = "\n".join(lines) + tail
        if chance() < 0.25:
            text = text.replace("\n", "\r\n")
        return "\ufeff" + text if chance() < 0.1 else text

    def remark(self) -> str:
        self.serial += 1
        return self.random.choice(("# c{}", "# - c{}: ü", "#\tc{}", "# c{}: [", "#c{}")).format(self.serial)

    def remarks(self, column: int) -> list[str]:
        """Return blank and comment lines, sometimes in a wrong column."""
        lines = []
        for _ in range(self.random.randint(1, 2)):
            shift = self.random.choice((0, 0, 0, 2))
            blank = self.random.random() < 0.4
            lines.append("" if blank else " " * (column + shift) + self.remark())
        return lines

    def behind(self) -> str:
        return (
            f"{self.random.choice((' ', '  ', ' 	'))}{self.remark()}"
            if self.random.random() < self.comments / 2
            else ""
        )

    def key(self, name: str) -> str:
        style = self.random.random()
        return f'"{name}"' if style < 0.06 else f"'{name}'" if style < 0.12 else name

    def pairs(self, names: list[str], column: int, depth: int) -> list[str]:
        lines: list[str] = []
        for name in names:
            if lines and self.random.random() < self.comments:
                lines += self.remarks(column)
            lead = " " * column + self.key(name) + ":"
            wants_list = depth == 0 and name in ("tools", "providers", "hooks", "includes")
            lines += self.value(lead, column, depth, wants_list)
            if not depth:
                self.anchors += [name for name, _ in self.fresh]
                self.maps += [name for name, a_map in self.fresh if a_map]
                self.fresh.clear()
        if self.random.random() < self.odd / 4 and depth and self.maps:
            lines.append(" " * column + f"<<: *{self.random.choice(self.maps)}")
        return lines

    def value(self, lead: str, column: int, depth: int, wants_list: bool = False) -> list[str]:
        """Return the lines of an entry that starts with `lead`."""
        roll = self.random.random()
        if self.random.random() < self.odd / 4 and self.anchors:
            return [f"{lead} *{self.random.choice(self.anchors)}{self.behind()}"]
        if (wants_list and roll < 0.7) or (depth < 3 and roll < 0.15):
            return self.block_list(lead, column, depth)
        if depth < 3 and roll < 0.4:
            return self.block_map(lead, column, depth)
        if roll < 0.5:
            return self.flow_lines(lead, column)
        if roll < 0.6:
            return self.literal(lead, column)
        if roll < 0.66:
            return self.folded(lead, column)
        if roll < 0.74:
            return [f"{lead}{self.behind()}"]
        return [f"{lead} {self.named()}{self.scalar()}{self.behind()}"]

    def named(self, *, a_map: bool = False) -> str:
        if self.random.random() >= self.odd / 3:
            return ""
        name = f"a{len(self.anchors) + len(self.fresh)}"
        self.fresh.append((name, a_map))
        return f"&{name} "

    def block_list(self, lead: str, column: int, depth: int) -> list[str]:
        dash = column + self.offset if not lead.endswith("-") else column + self.gap
        anchor = self.named().rstrip()
        lines = [f"{lead} {anchor}{self.behind()}" if anchor else lead + self.behind()]
        for index in range(self.random.randint(1, 3)):
            if self.random.random() < self.comments:
                lines += self.remarks(dash)
            lines += self.item(dash, index, depth)
        return lines

    def item(self, dash: int, index: int, depth: int) -> list[str]:
        lead = " " * dash + "-"
        if self.random.random() < 0.65:
            names = self.random.sample(("source", "config", "id", "extra"), self.random.randint(0, 3))
            inner = dash + self.gap
            lines = [" " * inner + f"module: tool-{self.random.choice('abcde')}{self.behind()}"]
            lines += self.pairs(names, inner, depth + 1)
            lines[0] = lead + " " * (self.gap - 1) + lines[0][inner:]
            return lines
        if self.random.random() < 0.1:
            inner_lines = self.block_list(" " * (dash + self.gap) + "-", dash + self.gap, depth + 2)
            return [lead, *inner_lines] if inner_lines else [lead]
        return self.value(lead, dash, depth + 1)

    def block_map(self, lead: str, column: int, depth: int) -> list[str]:
        shift = self.gap if lead.endswith("-") else self.step
        names = self.random.sample(("a", "b", "name", "timeout", "é", "x y"), self.random.randint(1, 4))
        anchor = self.named(a_map=True).rstrip()
        head = f"{lead} {anchor}{self.behind()}" if anchor else lead + self.behind()
        between = self.remarks(column + shift) if self.random.random() < self.comments / 2 else []
        return [head, *between, *self.pairs(names, column + shift, depth + 1)]

    def literal(self, lead: str, column: int) -> list[str]:
        head = self.random.choice(("|", "|-", "|+", ">", ">-"))
        inner = " " * (column + self.step)
        lines = [f"{lead} {head}{self.behind()}", inner + "first # no comment"]
        for _ in range(self.random.randint(0, 3)):
            lines.append(self.random.choice(("", inner + "more: ü", inner + "  deeper", inner + "- x")))
        return lines

    def folded(self, lead: str, column: int) -> list[str]:
        inner = " " * (column + self.step)
        quote = self.random.choice(('"', "'", ""))
        return [f"{lead} {quote}two words", f"{inner}on two lines{quote}{self.behind()}"]

    def flow_lines(self, lead: str, column: int) -> list[str]:
        if self.random.random() < 0.6:
            return [f"{lead} {self.named()}{self.flow(2)}{self.behind()}"]
        inner = " " * (column + self.step)
        lines = [f"{lead} [{self.behind()}"]
        count = self.random.randint(0, 3)
        for index in range(count):
            comma = "," if index < count - 1 or self.random.random() < 0.5 else ""
            if self.random.random() < self.comments / 2:
                lines.append(inner + self.remark())
            lines.append(f"{inner}{self.flow(1)}{comma}{self.behind()}")
        return [*lines, f"{inner}]{self.behind()}"]

    def flow(self, depth: int) -> str:
        roll = self.random.random()
        pad = self.random.choice(("", " "))
        if depth and roll < 0.3:
            items = [self.flow(depth - 1) for _ in range(self.random.randint(0, 3))]
            return f"[{pad}{', '.join(items)}{pad}]"
        if depth and roll < 0.6:
            names = self.random.sample("abcd", self.random.randint(0, 3))
            return "{" + pad + ", ".join(f"{name}: {self.flow(depth - 1)}" for name in names) + pad + "}"
        return self.random.choice(("1", "word", "'q, r'", '"\\t"', "true", "two words", "~"))

    def scalar(self) -> str:
        roll = self.random.random()
        if roll < 0.4:
            return self.random.choice([word for word in WORDS if word[0] != "@"])
        if roll < 0.6:
            return self.random.choice(ODD)
        word = self.random.choice(WORDS + ODD)
        return f"'{word}'" if roll < 0.8 else f'"{word}"'


PIECES = (
    *"[]{}:,-#&*!|>'\"%@`?=~<\t\n\r .0123456789eaxno\x85\u2028\ufeff\x07\ud800é",
    "---\n", "...\n", "<<: ", "&a ", "*a ", "!!str ", "? ", ": ", "- ", "\n  ", "\r\n", "|+\n", "#c1", "\n# - x\n",
)  # fmt: skip


def damaged(seed: int, size: int) -> str:
    """Return a text with a few characters lost, doubled or strange."""
    text = Texts(seed, size).text()
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        at, lost = chance.randint(0, len(text)), chance.randint(0, 2)
        text = text[:at] + (chance.choice(PIECES) if chance.random() < 0.8 else "") + text[at + lost :]
    return text
