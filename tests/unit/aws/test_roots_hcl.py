"""Values as text: the format of `terraform fmt`, and no value is read as something else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.aws.values.hcl import WIDTH, Assign, Note, bare, quoted, tfvars


def body(*assigns: Assign) -> str:
    return tfvars("t", assigns).removeprefix("# t\n\n")


def test_neighbours_share_the_column_of_their_equals_signs() -> None:
    assert body(Assign("app", "shop"), Assign("environment", "prod")) == (
        'app         = "shop"\nenvironment = "prod"\n'
    )


def test_a_value_of_several_lines_ends_a_neighbourhood() -> None:
    deep = {"a": {"b": {"c": 1}}}
    assert body(Assign("a", 1), Assign("deep", deep), Assign("longer", 2)) == (
        "a = 1\ndeep = {\n  a = {\n    b = { c = 1 }\n  }\n}\nlonger = 2\n"
    )


def test_a_comment_stands_above_its_value_after_an_empty_line() -> None:
    assert body(Assign("a", 1), Assign("bb", 2, "why")) == "a = 1\n\n# why\nbb = 2\n"


def test_entries_of_several_lines_with_comments_are_paragraphs() -> None:
    value = {name: Note({"x": {"y": {"z": 1}}}, name) for name in ("one", "two")}
    assert "\n  }\n\n  # two\n  two = {\n" in body(Assign("m", value))


def test_what_does_not_fit_is_written_one_by_one() -> None:
    words = ["a" * 30] * 5
    lines = body(Assign("words", words)).splitlines()
    assert lines[0] == "words = [" and lines[1] == f'  "{words[0]}",'
    assert all(len(line) <= WIDTH for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("${x}", '"$${x}"'),
        ("%{if}", '"%%{if}"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\nb\x07", '"a\\nb\\u0007"'),
    ],
)
def test_nothing_is_filled_in(value: str, text: str) -> None:
    assert quoted(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2"), (0.5, "0.5"), (True, "true"), (None, "null"), ([], "[]")]
)
def test_scalars(value: Any, text: str) -> None:
    assert body(Assign("v", value)) == f"v = {text}\n"


def test_names_that_are_no_identifiers_are_quoted() -> None:
    assert body(Assign("v", {"for": 1, "a b": 2, "a-b": 3})) == (
        'v = { "for" = 1, "a b" = 2, a-b = 3 }\n'
    )


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_brackets_are_balanced_and_lines_have_no_blanks_at_their_end(value: Any) -> None:
    text = body(Assign("v", value))
    outside = _without_strings(text)
    assert outside.count("{") == outside.count("}") and outside.count("[") == outside.count("]")
    assert not any(line.endswith(" ") for line in text.split("\n"))


@given(_VALUES)
def test_bare_gives_back_what_was_given(value: Any) -> None:
    assert bare(Note(value, "why")) == value


def _without_strings(text: str) -> str:
    out, inside, escaped = [], False, False
    for char in text:
        if not inside and char != '"':
            out.append(char)
        if char == '"' and not escaped:
            inside = not inside
        escaped = inside and char == "\\" and not escaped
    return "".join(out)
