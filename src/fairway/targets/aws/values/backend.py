"""backend.hcl: where the state of a root is. Pure.

Read by whoever runs Terraform by hand; Fairway itself gives `init` the same settings.
"""

from __future__ import annotations

from fairway.targets.aws import names
from fairway.targets.aws.values.hcl import Assign, tfvars
from fairway.targets.aws.values.place import Place

UNKNOWN = "ACCOUNT"
"""Stands for the number of the account where the app file does not say it."""


def backend(place: Place, kind: str) -> str:
    """The settings of a root of this kind."""
    account = place.environment.aws.account
    bucket = names.state_bucket(
        place.app.app, place.standing.environment, account or UNKNOWN, place.lead
    )
    key = names.state_key(kind, place.region if kind == "region" else "")
    title = "terraform init -backend-config=backend.hcl"
    if account is None:
        title += f"\n\nWrite the number of the account instead of {UNKNOWN}."
    settings = {"bucket": bucket, "key": key, "region": place.lead}
    return tfvars(title, [Assign(name, value) for name, value in settings.items()])
