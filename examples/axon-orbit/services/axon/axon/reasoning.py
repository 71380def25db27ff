"""What axon thinks, and with which key: pure, so that the tests need neither server nor clock.

The model key signs every conclusion. Two conclusions about one prompt that differ only in their
fingerprint were made with different keys; that is how a rotation shows without the key leaking.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

LONGEST_PROMPT = 4_000
"""Characters. Longer prompts are refused before anyone thinks about them."""

_WORD = re.compile(r"\w+")


class InvalidPrompt(ValueError):
    """The prompt is missing, not text, empty or too long; the message says which."""


@dataclass(frozen=True, slots=True)
class ModelKey:
    """The secret that signs conclusions. Its repr, and therefore any log, never shows it."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Names this key (32 bits of an HMAC under it), and tells nothing else about it."""
        return self._mac("axon key id")[:8]

    def fingerprint(self, text: str) -> str:
        """A signature (64 bits of HMAC-SHA-256, hexadecimal) of the text under this key."""
        return self._mac(f"axon conclusion\n{text}")[:16]

    def _mac(self, text: str) -> str:
        return hmac.new(self.secret, text.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What axon made of a prompt. `generation` counts how often the model was retrained."""

    subject: str
    words: int
    generation: int
    key_id: str
    fingerprint: str


@dataclass(slots=True)
class Model:
    """The model as it is now: a rotation replaces its key, a retraining adds a generation."""

    key: ModelKey
    generation: int = 1

    def reason(self, prompt: str) -> Conclusion:
        """Conclude what the prompt is about: its longest word, the first of equals."""
        words = _WORD.findall(prompt)
        subject = max(words, key=len, default="nothing")
        signature = self.key.fingerprint(f"{self.generation} {subject} {prompt}")
        return Conclusion(subject, len(words), self.generation, self.key.key_id, signature)

    def retrain(self) -> int:
        """Start a new generation and return its number."""
        self.generation += 1
        return self.generation


def prompt_of(body: object) -> str:
    """The prompt in a decoded JSON body; raises `InvalidPrompt`."""
    prompt = body.get("prompt") if isinstance(body, dict) else None
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidPrompt('send a JSON object with a text in "prompt"')
    if len(prompt) > LONGEST_PROMPT:
        raise InvalidPrompt(f"the prompt has over {LONGEST_PROMPT} characters; shorten it")
    return prompt
