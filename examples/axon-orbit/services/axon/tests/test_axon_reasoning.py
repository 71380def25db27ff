"""Unit tests of what axon thinks."""

import pytest

from axon.reasoning import LONGEST_PROMPT, InvalidPrompt, Model, ModelKey, prompt_of

KEY = ModelKey(b"a key for tests")


def test_the_subject_is_the_first_of_the_longest_words() -> None:
    conclusion = Model(KEY).reason("how is the weather over Bremen, Captain?")
    assert (conclusion.subject, conclusion.words) == ("weather", 7)


def test_a_prompt_without_words_is_about_nothing() -> None:
    assert Model(KEY).reason("?!").subject == "nothing"


def test_the_same_prompt_and_key_give_the_same_fingerprint() -> None:
    assert Model(KEY).reason("why") == Model(ModelKey(b"a key for tests")).reason("why")


def test_a_rotated_key_shows_in_fingerprint_and_key_id() -> None:
    model = Model(KEY)
    before = model.reason("why")
    model.key = ModelKey(b"another key")
    after = model.reason("why")
    assert before.subject == after.subject
    assert before.fingerprint != after.fingerprint
    assert before.key_id != after.key_id


def test_retraining_counts_generations_and_changes_the_fingerprint() -> None:
    model = Model(KEY)
    before = model.reason("why")
    assert model.retrain() == 2
    assert model.reason("why").generation == 2
    assert model.reason("why").fingerprint != before.fingerprint


def test_the_key_shows_neither_in_a_repr_nor_in_a_conclusion() -> None:
    model = Model(KEY)
    assert "a key for tests" not in repr(model) + repr(model.reason("why"))


@pytest.mark.parametrize(
    "body", [None, [], {}, {"prompt": ""}, {"prompt": "  "}, {"prompt": 7}, "prompt"]
)
def test_what_is_no_prompt_is_refused(body: object) -> None:
    with pytest.raises(InvalidPrompt, match="prompt"):
        prompt_of(body)


def test_a_prompt_may_be_long_but_not_longer() -> None:
    assert prompt_of({"prompt": "x" * LONGEST_PROMPT})
    with pytest.raises(InvalidPrompt, match="shorten"):
        prompt_of({"prompt": "x" * (LONGEST_PROMPT + 1)})
