"""Feature flags: what is decided per request without a deployment of new code.

They are part of a release's configuration; services read them through OpenFeature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared, Short
from fairway.model.values import Name, Number, matching

HEADER_PATTERN = r"^[A-Za-z0-9-]+$"
ON_AND_OFF: dict[str, bool] = {"on": True, "off": False}

HeaderName = Annotated[
    str,
    BeforeValidator(
        matching(
            HEADER_PATTERN,
            "is not the name of a header",
            "use letters, digits and hyphens: x-beta",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": HEADER_PATTERN}),
]
"""The name of an HTTP header."""


def _expand_percent(value: object) -> Any:
    return value if value is None or isinstance(value, Mapping | list) else {"on": value}


def _expand_header(value: object) -> Any:
    return {value: "on"} if isinstance(value, str) else value


Percentages = Annotated[
    dict[Name, Annotated[Number, Field(ge=0, le=100)]],
    BeforeValidator(_expand_percent),
    Short(type="number", minimum=0, maximum=100),
]
"""Percent by variant; a number is that of `on`."""

ByValue = Annotated[dict[str, Name], BeforeValidator(_expand_header), Short(type="string")]
"""The variant by a header's value; a text is the value that gets `on`."""


class FeatureFlag(Declared):
    """One decision with named outcomes: a header decides, else a percentage, else the default."""

    default: Name = Field("off", description="the variant of all other requests")
    variants: dict[Name, Any] = Field(
        ON_AND_OFF, min_length=1, description="the value of each outcome; absent: on and off"
    )
    percent: Percentages = Field(
        {}, description="percent of users by variant, who keep theirs; a number is that of 'on'"
    )
    header: dict[HeaderName, ByValue] = Field(
        {}, description="header to the value that gets 'on', or to variants by value"
    )
