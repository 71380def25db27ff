"""What is wrong with text that is not YAML: every broken section, not only the first.

Called by `load`. A YAML parser gives up at its first error. Here the section that holds it is
blanked (line numbers stay) and the rest is read again, so that two broken services are two
problems. Guarantees: any text whatever gives a tree or problems with places inside the text.
"""

from __future__ import annotations

import re

import yaml

from fairway.model.document import Keys, compose
from fairway.model.places import Findings, Place

_MOST_SECTIONS = 20
_MOST_CHARACTERS = 20
_LONGEST_TEXT = 4_000_000
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE = re.compile(
    "[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029])|[^\n\r\x85\u2028\u2029]+"
)
_SECTION_INDENT = 2


def read_tree(file: str, text: str, findings: Findings) -> Keys | None:
    """The tree of an app file's text; None, with problems in `findings`, where it has none.

    After a syntax error the tree is that of the remaining sections, for what can still be
    checked in them; the caller sees from the findings that it is not whole.
    """
    text = text.removeprefix("\ufeff")
    if not _is_readable(file, text, findings):
        return None
    lines = lines_of(text)
    whole = True
    for _ in range(_MOST_SECTIONS):
        found = Findings()
        try:
            tree = compose(file, "".join(lines), found)
        except yaml.MarkedYAMLError as error:
            whole = False
            place = _report(file, lines, error, findings)
            if not _blank_section(lines, place.line - 1):
                return None
        else:
            # An anchor may have stood in a blanked section, so an alias without one proves nothing.
            findings.extend(p for p in found.problems if whole or p.code != "yaml-alias")
            return tree
    return None


def lines_of(text: str) -> list[str]:
    """The lines as YAML counts them, with their ends; str.splitlines knows other line ends."""
    return _LINE.findall(text)


def _is_readable(file: str, text: str, findings: Findings) -> bool:
    if len(text) > _LONGEST_TEXT:
        findings.error(
            Place(file, 1, 1),
            "too-large",
            f"the file has more than {_LONGEST_TEXT // 1_000_000} million characters",
            "split the app, or move data out of the app file",
        )
        return False
    found = list(_FORBIDDEN.finditer(text))
    for match in found[:_MOST_CHARACTERS]:
        findings.error(
            _place_of(file, text, match.start()),
            "control-character",
            f"the character U+{ord(match[0]):04X} cannot stand in an app file",
            'remove it, or write it as an escape in double quotes: "\\u0007"',
        )
    return not found


def _place_of(file: str, text: str, offset: int) -> Place:
    before = lines_of(text[:offset] + "|")
    return Place(file, len(before), len(before[-1]))


def _report(file: str, lines: list[str], error: yaml.MarkedYAMLError, findings: Findings) -> Place:
    line, column = _position(lines, error)
    place = Place(file, line + 1, column + 1)
    message = " ".join(part for part in (error.context, error.problem) if part)
    findings.error(place, "yaml-syntax", f"not YAML: {message}", _remedy(lines, line, column))
    return place


def _position(lines: list[str], error: yaml.MarkedYAMLError) -> tuple[int, int]:
    """Line and column, from 0, where the user should look."""
    found, opened = error.problem_mark, error.context_mark
    # Where a bracket or quote is never closed, the parser stops at some later line.
    unclosed = opened is not None and _character(lines, opened.line, opened.column) in "[{\"'"
    mark = opened if unclosed or found is None else found
    if mark is None:
        return 0, 0
    line = min(mark.line, len(lines) - 1)
    return line, min(mark.column, len(lines[line].rstrip("\r\n")))


def _character(lines: list[str], line: int, column: int) -> str:
    """The character there; a space, which means nothing to YAML, where there is none."""
    return lines[line][column : column + 1] or " " if line < len(lines) else " "


def _remedy(lines: list[str], line: int, column: int) -> str:
    """A remedy from the character at the place, never from the parser's words."""
    text, character = lines[line], _character(lines, line, column)
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "indent with spaces, never with tabs"
    if character in ("@", "`", "%", "&", "*", "!", "|", ">"):
        return f"put the value in quotes: '{character}' has a meaning of its own in YAML"
    if "{" in text.replace("${", "") and "${" in text:
        return 'inside { } put a value that holds ${…} in quotes: {KEY: "${NAME}"}'
    if character == ":":
        return "put a value that holds ': ' in quotes, or begin the key on its own line"
    if character in ('"', "'", "[", "{"):
        return f"close what {character} opens here, and check the lines after it"
    return "check the indentation, quotes and brackets here and in the line above"


def _blank_section(lines: list[str], broken: int) -> bool:
    """Blank the section that holds line `broken`; False when nothing was left to blank."""
    first = broken
    while first > 0 and not _begins_section(lines[first]):
        first -= 1
    indent = _indent(lines[first])
    end = first + 1
    while end < len(lines) and not (_begins_section(lines[end]) and _indent(lines[end]) <= indent):
        end += 1
    blanked = False
    for index in range(first, max(end, broken + 1)):
        blanked = blanked or lines[index].strip() not in ("", "#")
        # A comment, because a bare line end could join the one before it to a single one.
        lines[index] = "#\n"
    return blanked and any(line.strip() not in ("", "#") for line in lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _begins_section(line: str) -> bool:
    start = line.strip(" ")[:1]
    # A line that begins with a tab belongs to what stands above it, whatever was meant.
    return start not in ("", "#", "]", "}", "\t", "\r", "\n") and _indent(line) <= _SECTION_INDENT
