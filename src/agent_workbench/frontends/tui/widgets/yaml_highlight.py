"""Colours for YAML: tree-sitter over the lines that are seen, never over the whole text.

Textual queries the tree of the whole document at each key press (11 ms at 1,000 lines, 167 ms at 10,000). Here only a
slice is parsed, from the last line above the window that starts a top-level key: the cost does not grow with the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from rich.style import Style
from tree_sitter import Language, Parser, Query, QueryCursor

#: How far above the window to look for a line to begin at; a longer block text is coloured as if it began here.
LOOK_BACK = 400

#: (start, end, name): bytes within a line, `None` the line's end.
Highlight = tuple[int, int | None, str]

#: Later names win where two cover the same text.
_ORDER = ("string", "number", "constant", "comment", "anchor", "punctuation", "key", "module")
_QUERY = """
[(string_scalar) (double_quote_scalar) (single_quote_scalar) (block_scalar)] @string
[(integer_scalar) (float_scalar)] @number
[(boolean_scalar) (null_scalar)] @constant
(comment) @comment
[(anchor_name) (alias_name) (tag) "*" "&"] @anchor
["," "-" ":" ">" "?" "|" "[" "]" "{" "}" "---" "..."] @punctuation
(block_mapping_pair key: (flow_node) @key)
(flow_pair key: (flow_node) @key)
(block_mapping_pair key: (flow_node) @_k value: (flow_node) @module (#eq? @_k "module"))
(flow_pair key: (flow_node) @_k value: (flow_node) @module (#eq? @_k "module"))
"""


@lru_cache(1)
def _grammar() -> tuple[Parser, Query]:
    import tree_sitter_yaml  # loads a shared library, only when a text is first shown

    language = Language(tree_sitter_yaml.language())
    return Parser(language), Query(language, _QUERY)


def highlight(lines: Sequence[str], first: int, last: int) -> dict[int, list[Highlight]]:
    """Return the highlights of lines `first` to `last` (from 0, `last` excluded), in the order to paint them."""
    begin = _anchor(lines, first)
    parser, query = _grammar()
    source = "\n".join(lines[begin:last]).encode("utf-8", "replace")
    cursor = QueryCursor(query)
    cursor.set_point_range((first - begin, 0), (last - begin, 0))
    captures = cursor.captures(parser.parse(source).root_node)
    found: dict[int, list[Highlight]] = {}
    for name in _ORDER:
        for node in sorted(captures.get(name, ()), key=lambda node: node.start_byte):  # they come in any order
            (top, left), (bottom, right) = node.start_point, node.end_point
            for row in range(max(top, first - begin), min(bottom, last - begin - 1) + 1):
                end = right if row == bottom else None
                found.setdefault(row + begin, []).append((left if row == top else 0, end, name))
    return found


def _anchor(lines: Sequence[str], first: int) -> int:
    """Return where to begin: the nearest line at or above that starts a top-level key, where no value reaches in.

    Without one nearby it is the least indented line, so that the slice still parses as a list or map of its own.
    """
    best, least = max(0, min(first, len(lines) - 1)), 1_000
    for number in range(best, max(-1, first - LOOK_BACK), -1):
        line = lines[number]
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0 and line[:1].isalpha() and ":" in line:
            return number
        if indent < least and line[indent : indent + 1] not in ("", "#"):
            best, least = number, indent
    return best


def styles(color_of: Callable[[str], str]) -> Mapping[str, Style]:
    """Return a Rich style for each highlight name; `color_of` gives the colour of a theme variable."""
    found = {name: Style(color=color_of(f"syntax-{name}")) for name in _ORDER}
    found["comment"] += Style(italic=True)
    return found
