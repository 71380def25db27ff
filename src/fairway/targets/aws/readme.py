"""README.md of a rendered tree: what is in it, and the exact commands to live with it. Pure."""

from __future__ import annotations

from fairway.targets.aws.standing import Standing
from fairway.targets.aws.values.place import place_of, regions_of

_TEXT = """\
# {app}, environment {environment}

Terraform for everything that `{app}` has on AWS. The modules are written by hand; Fairway computed
only the `*.auto.tfvars`. Nothing here needs Fairway: change it, plan it and apply it as you like.

| folder | what it makes | how often |
| --- | --- | --- |
| `account/` | the bucket with Terraform's state, the roles of CI, the budget | once |
| `registry/` | repositories of container images | once |
| `control-plane/` | `fairway server` with its database; not needed without Fairway | once |
| `regions/<region>/` | network, services, stores, load balancers, alarms | in each of {regions} |
| `modules/` | what these are made of | |
| `packages/` | the code of Lambda functions, and `build.py`, which zips it | |

You need Terraform 1.10 or newer (or OpenTofu 1.10) and credentials for {account}.

## The first time

    # The code of the Lambda functions, with the packages that they use:
    python packages/build.py

    # State begins on this machine and moves into the bucket that it has just made:
    cd account
    printf 'terraform {{\\n  backend "local" {{}}\\n}}\\n' > backend_override.tf
    terraform init && terraform apply
    rm backend_override.tf
    terraform init -migrate-state -backend-config=backend.hcl
    cd ../registry
    terraform init -backend-config=backend.hcl && terraform apply
    cd ..

{account_note}Then push an image for every service, and Fairway's sidecar, to the repositories
that these commands have named:

{images}

## Every time

Regions in this order: the first one leads.

{applies}

A new version of a service is another entry in `versions` of `regions/*/services.auto.tfvars`; both
run side by side until the old one is removed. Terraform sets the weights of load balancers and the
number of tasks when it creates them, and leaves them alone afterwards.

## Taking it down

Everything that holds data refuses to be deleted. In each region, the one that leads last:

    terraform apply -var protect=false
    terraform destroy
"""

_NO_ACCOUNT = """\
Before that, write the number of the account instead of `ACCOUNT` into every `backend.hcl`; it is
not in the app file (`aws.account`).

"""


def readme(standing: Standing) -> str:
    """The page for an environment."""
    place = place_of(standing, regions_of(standing.model.environments[standing.environment])[0])
    account = place.environment.aws.account
    services = sorted(n for n, service in place.app.services.items() if service.kind != "static")
    return _TEXT.format(
        app=place.app.app,
        environment=standing.environment,
        regions=" and ".join(f"`{region}`" for region in place.regions),
        account_note="" if account else _NO_ACCOUNT,
        account=f"the account {account}" if account else "the account of the environment",
        images="\n".join(f"    {place.name}/{name}" for name in (*services, "fairway-sidecar")),
        applies="\n".join(
            f"    cd regions/{region} && terraform init -backend-config=backend.hcl && "
            "terraform apply && cd ../.."
            for region in place.regions
        ),
    )
