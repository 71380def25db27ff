"""`.env` files: what is accepted, and that a problem has a place and shows no value."""

from __future__ import annotations

import pytest

from fairway.model.dotenv import parse_dotenv


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# only a comment", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("  export  A = 1  ", {"A": "1"}),
        ("exportA=1", {"exportA": "1"}),
        ("A=", {"A": ""}),
        ("A=   # nothing", {"A": ""}),
        ("A=b c # comment", {"A": "b c"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=x=y", {"A": "x=y"}),
        ("A='b # \\n c' # comment", {"A": "b # \\n c"}),
        ('A="b\\n\\t\\"\\\\\\$\\z" # c', {"A": 'b\n\t"\\$\\z'}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A=$B ${C}", {"A": "$B ${C}"}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("A=it's", {"A": "it's"}),
    ],
)
def test_values(text: str, values: dict[str, str]) -> None:
    parsed = parse_dotenv(".env", text)
    assert parsed.values == values
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("A=1\nb-c=s3cret", (2, 1), "'b-c' is not the name of a variable"),
        ("A=1\n\ns3cret", (3, 1), "not an assignment"),
        ('A="s3cret', (1, 3), "the value's quote is never closed"),
        ("A='s3cret' more", (1, 11), "text follows the closing quote"),
        ("=s3cret", (1, 1), "not an assignment"),
    ],
)
def test_problems(text: str, place: tuple[int, int], message: str) -> None:
    (problem,) = parse_dotenv(".env.local", text).problems
    assert (problem.file, problem.line, problem.column) == (".env.local", *place)
    assert problem.message == message
    assert "s3cret" not in problem.message + problem.remedy


def test_reading_goes_on_after_a_problem() -> None:
    parsed = parse_dotenv(".env", "???\nA=1\n!!!\nB=2\n")
    assert parsed.values == {"A": "1", "B": "2"}
    assert [problem.line for problem in parsed.problems] == [1, 3]
