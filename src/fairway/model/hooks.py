"""What else is done on the way: commands and HTTP calls around the phases of a deployment.

Read by the delivery engine. A hook is where smoke tests and database migrations belong.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared, Method
from fairway.model.values import HttpUrl, Name, SomeTime, matching

STATUS_PATTERN = r"^[1-5](xx|[0-9]{2})$"


def _status_text(value: object) -> object:
    """`200` is a number in YAML."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Status = Annotated[
    str,
    BeforeValidator(
        matching(STATUS_PATTERN, "is not a status", "write one, or a class of them: 204, 2xx")
    ),
    BeforeValidator(_status_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": STATUS_PATTERN},
            ]
        }
    ),
]
"""`204`, or `2xx` for any of a class."""


class HttpHook(Declared):
    """One request, whose answer decides."""

    url: HttpUrl = Field(description="what is asked")
    method: Method = Field("GET", description="the HTTP method, in capitals")
    headers: dict[str, str] = Field({}, description="headers of the request")
    expect: Status = Field("2xx", description="the status that counts as success")


class Hook(Declared):
    """One thing that is done in a phase: a command or a request, exactly one of them."""

    name: Name = Field(description="how it is called in the progress and in events")
    run: str | None = Field(
        None, min_length=1, description="a command; it succeeds by ending with 0"
    )
    http: HttpHook | None = Field(None, description="a request, instead of a command")
    service: Name | None = Field(
        None, description="whose folder and variables the command gets; absent: the app's folder"
    )
    timeout: SomeTime = Field(60.0, description="how long it may take")
    on_failure: Literal["roll_back", "stop", "ignore"] = Field(
        "roll_back", description="what its failure does to the deployment"
    )


class Hooks(Declared):
    """The hooks of each phase, done one after another."""

    pre_deploy: tuple[Hook, ...] = Field((), description="before anything is started")
    pre_shift: tuple[Hook, ...] = Field(
        (), description="when the new versions run and have no traffic yet"
    )
    post_shift: tuple[Hook, ...] = Field((), description="when they have all of it")
    post_deploy: tuple[Hook, ...] = Field((), description="when the old versions are gone")
