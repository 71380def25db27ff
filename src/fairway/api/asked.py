"""What the API is sent: the bodies of requests. An unknown key is an error."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fairway.delivery.port import Role, WhenBusy, Wish

LARGEST_NUMBER = 2**31 - 1
"""Version and release numbers fit into an integer column of any database."""
TEN_YEARS = 315_360_000
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
"""A sentence of a person; databases take no NUL."""
Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Asked(BaseModel):
    """Base of what the API is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Replicas(Asked):
    """How many replicas should run."""

    replicas: int = Field(ge=0, le=1000)


class Caller(Asked):
    """Who would call."""

    kind: str
    name: str


class DecideRequest(Asked):
    """May this principal ask this service for this intent?"""

    principal: Caller
    service: str
    intent: str
    context: dict[str, Any] = {}


class DeploymentRequest(Asked):
    """What is to be deployed: an app with its artifacts and policies, or a kept release.

    `app` is the app file as the environment sees it, as JSON. `fingerprint` and `facts` are those
    of a plan that somebody saw: a stale one is a 409. `emergency` skips gate, windows and analysis;
    it needs the role admin and a reason, and is told to everyone.
    """

    app: dict[str, Any] | None = None
    artifacts: dict[str, Digest] = Field({}, max_length=5000)
    policies: Annotated[str, Field(max_length=4_000_000)] | None = None
    release: Number | None = None
    fingerprint: Digest | None = None
    facts: dict[str, str] = Field({}, max_length=50_000)
    note: Text = ""
    when_busy: WhenBusy = "refuse"
    emergency: bool = False
    reason: Text = ""

    def wish(self) -> Wish:
        """As the delivery is asked."""
        return Wish(**dict(self))


class RollbackWish(Asked):
    """Back to a kept release; without `to`, to the one before the release that is in force."""

    to: Number | None = None
    note: Text = ""
    when_busy: WhenBusy = "refuse"
    emergency: bool = False
    reason: Text = ""


class Said(Asked):
    """Why, for the history."""

    reason: Text = ""


class Promotion(Said):
    """On to the next stage, or at once to the last."""

    fully: bool = False


class Refusal(Asked):
    """Why not; whoever started it will read this."""

    reason: Reason


class Redelivery(Asked):
    """What to try again: to this listener, of this event; absent: everything."""

    listener: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    event: Number | None = None


class TokenRequest(Asked):
    """Who gets a token, what they may do with it, and for how many seconds (absent: for good)."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")
    role: Role
    lifetime: float | None = Field(None, ge=1, le=TEN_YEARS)


class Written(Asked):
    """Base of what is written; an admin may say in whose name."""

    author: str = Field("", max_length=200, pattern=r"^[^\x00]*$")


class NewPolicySet(Written):
    """All policies of a new version, as Cedar text."""

    policies: str = Field(max_length=4_000_000)
    description: Text = ""
    expected: int | None = Field(None, ge=0, le=LARGEST_NUMBER)


class PolicyText(Asked):
    """Cedar text that is only looked at."""

    policies: str = Field(max_length=4_000_000)


class PolicyChoice(Asked):
    """Cedar text to decide by; absent: the policies that decide now."""

    policies: Annotated[str, Field(max_length=4_000_000)] | None = None


class PolicyTrial(PolicyChoice):
    """Who may ask a service for an intent? `context` overrides what is usual."""

    service: str = Field(max_length=200)
    intent: str = Field(max_length=200)
    context: dict[str, str | int | bool] = Field({}, max_length=50)


class ActivationRequest(Written):
    """Activate; refused when `expected` is given and is not what is active now."""

    expected: int | None = Field(None, ge=0, le=LARGEST_NUMBER)


class RollbackRequest(Written):
    """Roll back to a version, or to the one that was active before."""

    to: Number | None = None


class SecretValue(BaseModel):
    """A new value; never echoed, never logged."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    value: str = Field(min_length=1, repr=False)
