"""README.md of a rendered tree: what is in it, and the exact commands to live with it. Pure."""

from __future__ import annotations

from fairway import __version__
from fairway.targets.aws import names
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.values.place import place_of, regions_of
from fairway.targets.signing import verifying_services

_TEXT = """\
# {app}, environment {environment}

Terraform for everything that `{app}` has on AWS. The modules are written by hand; Fairway computed
only the `*.auto.tfvars`. Change it, plan it and apply it as you like. What Fairway's control plane
does beyond Terraform is under "Without Fairway's control plane": read that before you stop it.

| folder | what it makes | how often |
| --- | --- | --- |
| `account/` | the bucket with Terraform's state, the roles of CI, the budget | once |
| `registry/` | repositories of container images | once |
| `control-plane/` | `fairway server` with its database; not needed without Fairway | once |
| `regions/<region>/` | network, services, stores, load balancers, alarms | in each of {regions} |
| `modules/` | what these are made of | |
| `images/` | Dockerfiles: Fairway's sidecar, its server | |
| `config/` | what tasks are told; only `fairway eject` writes it | |
| `packages/` | the code of Lambda functions, and `build.py`, which zips it | |
{signing_folder}
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

{account_note}Where Fairway has prepared the account, leave this part out but for `build.py`: the
state is in the bucket already. Otherwise push images now, before a region is applied.

### Images

    aws ecr get-login-password --region {lead} | docker login --username AWS \\
      --password-stdin {registry}

{images}

A tag is the name of the version; tags are immutable, so a changed image needs a new one. The
architecture is `architecture` of `modules/ecs-service` (X86_64 unless set: `docker build --platform
linux/amd64`). The sidecar is built from `images/sidecar`; its tag is `fairway_version` of
`regions/*/app.auto.tfvars`:

    docker build --platform linux/amd64 --build-arg FAIRWAY_VERSION={version} \\
      -t {registry}/{name}/fairway-sidecar:{version} images/sidecar
    docker push {registry}/{name}/fairway-sidecar:{version}

It installs `fairway-runtime` from a package index; keep the image where that is not in yours.

## Every time

Regions in this order: the first one leads.

{applies}

For a new environment, do the next two parts after that: tasks wait until both are done.

### What tasks are told

Every Envoy and every app reads its files from a bucket:

{syncs}

Sidecars take a changed object within seconds. Without `--delete`, nothing is removed.

### Secret values

Terraform makes the secrets and never their values. In every region, for each of a service's:

    aws secretsmanager put-secret-value --region {lead} \\
      --secret-id {name}/SERVICE/SECRET --secret-string file://value.txt

### Databases

Once in each database, with its master secret, for each service that uses it:

    create user "SERVICE"; grant rds_iam to "SERVICE";

## Without Fairway's control plane

**A new version.** Add an entry to `versions` of `regions/*/services.auto.tfvars` and push its
image. In `config/*/`, copy `mesh/SERVICE/OLD/` to `mesh/SERVICE/NEW/` and
`handouts/SERVICE/OLD.json` to `handouts/SERVICE/NEW.json`, replacing the old version's name in
them, and sync before you apply. Callers know only the versions in their own documents: their
`cds.json` needs a cluster for the new one too, a copy of the old one's under the new name and host
(`SERVICE-NEW.svc.local`).

**Weights.** They are decided by the callers: in `mesh/CALLER/VERSION/envoy.json` of every caller
and in `mesh/gateway/envoy.json`, under `files`, the files `rds.*.json`. Where two versions run, a
route has `weighted_clusters.clusters`, each with `name` and `weight`; where one runs, it has
`cluster`. Change these, set `version_info` of that file and `version` of the document to a text
that was not there before, and sync. As long as nobody does, weights stay as they are. For services
outside the mesh, change the weights of the listener rule (`terraform output rule_arns`) by `aws
elbv2 modify-rule`: Terraform leaves them and the number of tasks alone once they are made.

**Policies.** Who may call what is in the same documents: the routes, and `policies.json` in the
handouts. The decision function reads the table `{name}-governance-policy-sets`, which keeps the
last set.

**The authority of the mesh.** `identity/authority.pem` in the bucket certifies the key in KMS
`alias/{name}-identity`. It is valid for ten years: leave it there. Only Fairway makes a new one, so
a region or an environment that never had a deployment by Fairway has no authority, and its tasks
do not start.

{signing}\
**A static site.** Its bucket is `{name}-SERVICE-{account_number}` in {lead}. Upload a version to a
folder of its own, name the folder in `sites` of `regions/{lead}/edge.auto.tfvars`, and apply:

    aws s3 sync BUILT s3://{name}-SERVICE-{account_number}/NEW

## Taking it down

Everything that holds data refuses to be deleted, and this deletes it. First the regions, the one
that leads last; then what they share. Leave out `control-plane` where it was never made:

{destroys}

Terraform did not make the secrets that Fairway keeps for itself. They can be had back for thirty
days:

{forgets}

`account/` holds the state of all, its own as well: move that to this machine before.

    cd account && terraform init -backend-config=backend.hcl && terraform apply -var protect=false
    printf 'terraform {{\\n  backend "local" {{}}\\n}}\\n' > backend_override.tf
    terraform init -migrate-state && terraform destroy -var protect=false
"""

_SIGNING_FOLDER = """\
| `signing/` | `renew.py`, which renews the keys of calls | every day, without Fairway |
"""
_SIGNING = """\
**Signed calls end after seven days**, unless their keys are renewed. Services with Fairway's
library sign their calls, by the secrets `{name}/SERVICE/identity`. The control plane renews these
every day and a week ahead; Terraform does not. Without `fairway server`, let a schedule (of your
CI, say) run this every day:

    pip install boto3
    python signing/renew.py

It does what the control plane did, in all regions. Its role reads and puts the value of
`{name}/fairway/signing`, puts those of `{name}/*/identity`, and must be allowed to by the keys of
the services: add its name to `operators` in `regions/*/app.auto.tfvars` and apply.
`signing/identities.json` says who calls whom: change it with `calls`. Run it once before you stop
the server, and look that it works.

"""
_FORGET = """\
    aws secretsmanager list-secrets --region {region} --filters Key=name,Values={name}/fairway/ \\
      --query 'SecretList[].[Name]' --output text |
      xargs -n 1 aws secretsmanager delete-secret --region {region} --secret-id"""
_FREE = "-var protect=false"
_NO_ACCOUNT = """\
Before that, write the number of the account instead of `ACCOUNT` into every `backend.hcl` and
command; it is not in the app file (`aws.account`).

"""


def readme(standing: Standing) -> str:
    """The page for an environment."""
    place = place_of(standing, regions_of(standing.model.environments[standing.environment])[0])
    account = place.environment.aws.account
    services = sorted(n for n, service in place.app.services.items() if service.kind != "static")
    number = account or "ACCOUNT"
    app, environment = place.app.app, standing.environment
    registry = f"{number}.dkr.ecr.{place.lead}.amazonaws.com"
    backwards = [f"regions/{region}" for region in reversed(place.regions)]
    signs = bool(verifying_services(place.app))
    return _TEXT.format(
        signing=_SIGNING.format(name=place.name) if signs else "",
        signing_folder=_SIGNING_FOLDER if signs else "",
        app=app,
        environment=environment,
        name=place.name,
        lead=place.lead,
        version=__version__,
        registry=registry,
        account_number=number,
        regions=" and ".join(f"`{region}`" for region in place.regions),
        account_note="" if account else _NO_ACCOUNT,
        account=f"the account {account}" if account else "the account of the environment",
        images="\n".join(f"    docker push {registry}/{place.name}/{s}:VERSION" for s in services),
        applies="\n".join(_in(f"regions/{region}", "terraform apply") for region in place.regions),
        syncs="\n".join(
            f"    aws s3 sync config/{region} "
            f"s3://{names.config_bucket(app, environment, number, region)} --region {region}"
            for region in place.regions
        ),
        forgets="\n".join(_FORGET.format(name=place.name, region=r) for r in place.regions),
        destroys="\n".join(
            _in(root, f"terraform apply {_FREE} && terraform destroy {_FREE}")
            for root in (*backwards, "control-plane", "registry")
        ),
    )


def _in(root: str, then: str) -> str:
    begin = f"    cd {root} && terraform init -backend-config=backend.hcl"
    back = "/".join(".." for _ in root.split("/"))
    return f"{begin} && {then} && cd {back}"
