"""What an environment on AWS needs to be told, because nothing else in the app file says it.

Read by `targets/aws/values/`. Everything has a default but the domain, which public services need:
nothing is served to the public without TLS.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared
from fairway.model.values import Duration, Flag, Name, Size, VariableName, Whole, matching

CIDR_PATTERN = r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-2])$"
ACCOUNT_PATTERN = r"^\d{12}$"
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DOMAIN_PATTERN = rf"^{_LABEL}(\.{_LABEL})+$"
LONGEST_PREFIX = 23
"""Characters of `<app>-<environment>` at most in names on AWS; of a longer one a digest takes the
end. Bucket names have 63: `-log-archive-`, the account and the longest region take 40 of them."""
EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
REPOSITORY_PATTERN = r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"
ROLE_PATTERN = r"^[A-Za-z0-9+=,.@_-]+(/[A-Za-z0-9+=,.@_-]+)*$"

Cidr = Annotated[
    str,
    BeforeValidator(
        matching(CIDR_PATTERN, "is no block of addresses of /16 to /22", "write one: 10.0.0.0/16")
    ),
    WithJsonSchema({"type": "string", "pattern": CIDR_PATTERN}),
]
Domain = Annotated[
    str,
    BeforeValidator(
        matching(
            DOMAIN_PATTERN,
            "is not a domain",
            "write lower-case labels joined by dots, without '*.': shop.example.com",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": DOMAIN_PATTERN}),
]
"""A DNS name that a zone can hold: at least two labels, none of them a wildcard."""
Account = Annotated[
    str,
    BeforeValidator(
        matching(
            ACCOUNT_PATTERN,
            "is not the number of an account",
            'write 12 digits in quotes: "123456789012"',
        )
    ),
    WithJsonSchema({"type": "string", "pattern": ACCOUNT_PATTERN}),
]
Email = Annotated[
    str,
    BeforeValidator(
        matching(EMAIL_PATTERN, "is no address of a mailbox", "write it like this: ops@example.com")
    ),
    WithJsonSchema({"type": "string", "pattern": EMAIL_PATTERN}),
]
Repository = Annotated[
    str,
    BeforeValidator(
        matching(REPOSITORY_PATTERN, "is no repository", "write owner/name: acme/shop")
    ),
    WithJsonSchema({"type": "string", "pattern": REPOSITORY_PATTERN}),
]

Role = Annotated[
    str,
    BeforeValidator(
        matching(
            ROLE_PATTERN,
            "is not the name of a role",
            "write its name, after its path if it has one",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": ROLE_PATTERN}),
]
"""A role of IAM, without its ARN; those of IAM Identity Center have a path before their name."""

Nat = Annotated[
    Literal["per-zone", "single", "none"],
    BeforeValidator(
        matching(
            r"^(per-zone|single|none)$",
            "is not a choice here",
            "write per-zone, single or none; none has no way out to the internet",
        )
    ),
]
"""Told in full where it is wrong: `one` is nearer to `none` than to what it means."""


class Network(Declared):
    """The network of the environment: one in each region."""

    cidr: Cidr = Field(
        "10.0.0.0/16", description="its addresses; every region takes the next block"
    )
    zones: Whole = Field(3, ge=2, le=3, description="availability zones that are used")
    nat: Nat = Field(
        "per-zone",
        description="ways out to the internet: one in each zone, a single one, or none at all "
        "(AWS itself is reached through endpoints)",
    )


class AwsStore(Declared):
    """How large a store is here."""

    instance: str | None = Field(None, description="its instance class: db.t4g.small")
    storage: Size = Field(20 * 2**30, description="disk at first; it grows by itself")
    multi_az: Flag = Field(True, description="with a second copy in another zone")
    backups: Duration = Field(14 * 86400.0, description="how far back it can be restored")
    replica: Flag = Field(
        False, description="with a copy in the second region that can only be read"
    )


class AwsRotation(Declared):
    """Secrets that are renewed by themselves."""

    every: Duration = Field(30 * 86400.0, description="how often they get new values: 1d to 90d")
    secrets: dict[VariableName, Literal["random", "postgres"]] = Field(
        {}, description="what each is: a random key, or the password of a PostgreSQL role"
    )


class Aws(Declared):
    """Settings of an environment with `target: aws-ecs`."""

    account: Account | None = Field(
        None, description="the account that it belongs to; work on any other is refused"
    )
    domain: Domain | None = Field(None, description="the name that the public services answer to")
    hosted_zone: str | None = Field(
        None, min_length=1, description="the Route 53 zone of the domain; absent: its parent domain"
    )
    network: Network = Field(Network(), description="its addresses, zones and ways out")
    spot: Whole = Field(
        0, ge=0, le=100, description="percent of replicas on capacity that may be taken back"
    )
    outside_mesh: tuple[Name, ...] = Field(
        (), description="services without a sidecar: a load balancer divides their requests"
    )
    stores: dict[Name, AwsStore] = Field({}, description="how large stores are here, by name")
    rotation: AwsRotation = Field(
        AwsRotation(), description="secrets that are renewed by themselves"
    )
    logs: Duration = Field(400 * 86400.0, description="how long logs are kept")
    alarms: tuple[Email, ...] = Field((), description="who gets alarms and warnings of the budget")
    repository: Repository | None = Field(
        None, description="the GitHub repository whose workflows may deploy here: owner/name"
    )
    operators: tuple[Role, ...] = Field(
        (), description="roles that a server elsewhere delivers with: they set secrets as well"
    )
    waf: Flag = Field(True, description="a firewall for web applications before public services")
    cross_region_backups: Flag = Field(True, description="backups are copied to the second region")
