r"""The text of a `.env` file as variables.

Called by `fairway.workspace`. Accepts `NAME=value`, `export NAME=value`, comments, values in
single quotes (nothing is changed inside), in double quotes (`\n`, `\t`, `\"`, `\\`, `\$` are
escapes; may run over several lines) and bare values (end before ` #`). Nothing is expanded: what
stands there is the value. Guarantees: any text gives a result; a problem names file, line and
column and never shows a value, because values may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.errors import Problem
from fairway.model.names import shown

_ASSIGNMENT = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*", re.ASCII
)
_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_BARE = re.compile(r"(?P<value>[^\n]*?)[ \t\r]*(?:(?<=[ \t])#[^\n]*)?(?=\n|\Z)")
_SINGLE = re.compile(r"'(?P<value>[^']*)'")
_DOUBLE = re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class DotEnv:
    """What a `.env` file sets, and the lines of it that could not be understood."""

    values: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Reader:
    file: str
    text: str
    at: int = 0

    def problem(self, message: str, remedy: str, offset: int | None = None) -> Problem:
        """A problem at `offset`, by default where reading stands."""
        position = self.at if offset is None else offset
        line = self.text.count("\n", 0, position) + 1
        column = position - self.text.rfind("\n", 0, position)
        return Problem("dotenv", message, remedy, self.file, line, column)

    def skip_line(self) -> None:
        """Go on after the end of this line."""
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end + 1


def parse_dotenv(file: str, text: str) -> DotEnv:
    """The variables in `text`; the last of several with one name wins."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for item in _items(_Reader(file, text.removeprefix("\ufeff"))):
        if isinstance(item, Problem):
            problems.append(item)
        else:
            values[item[0]] = item[1]
    return DotEnv(values, tuple(problems))


def _items(reader: _Reader) -> Iterator[tuple[str, str] | Problem]:
    while reader.at < len(reader.text):
        blank = _BLANK.match(reader.text, reader.at)
        if blank:
            reader.at = blank.end()
            continue
        assignment = _ASSIGNMENT.match(reader.text, reader.at)
        if assignment is None:
            yield _not_an_assignment(reader)
            reader.skip_line()
            continue
        reader.at = assignment.end()
        value = _value(reader)
        yield value if isinstance(value, Problem) else (assignment["name"], value)


def _not_an_assignment(reader: _Reader) -> Problem:
    line = reader.text[reader.at :].split("\n", 1)[0]
    # What follows '=' may be a secret, so only the name is shown.
    name = line.split("=", 1)[0].strip() if "=" in line else ""
    message = f"{shown(name)} is not the name of a variable" if name else "not an assignment"
    return reader.problem(message, "write NAME=value, one on each line; comments begin with '#'")


def _value(reader: _Reader) -> str | Problem:
    start, quote = reader.at, reader.text[reader.at : reader.at + 1]
    if quote not in ("'", '"') or not quote:
        bare = _BARE.match(reader.text, start)
        reader.skip_line()
        return bare["value"].lstrip() if bare and not bare["value"].startswith("#") else ""
    match = (_SINGLE if quote == "'" else _DOUBLE).match(reader.text, start)
    if match is None:
        problem = reader.problem("the value's quote is never closed", f"end the value with {quote}")
        reader.skip_line()
        return problem
    reader.at = match.end()
    rest = _BLANK.match(reader.text, reader.at)
    if rest is None:
        problem = reader.problem(
            "text follows the closing quote", "put the whole value inside the quotes"
        )
        reader.skip_line()
        return problem
    reader.at = rest.end()
    return match["value"] if quote == "'" else _unescaped(match["value"])


def _unescaped(value: str) -> str:
    """Escapes that are known are replaced; any other backslash stays."""
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), value, flags=re.DOTALL)
