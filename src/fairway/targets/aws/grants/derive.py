"""From the declaration of a service to its permissions: these and no others. Pure.

The gateway is a service that the app file does not name. A static site runs nowhere and so gets
nothing. Calls between services need no permission of AWS but the one to obtain an identity: whom a
service may call is decided by the mesh and the policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.model.services import Service
from fairway.targets.aws.grants.grant import (
    EVERYTHING,
    SHARED,
    Condition,
    Grant,
    ResourceRef,
    camel,
)
from fairway.targets.aws.grants.stores import store_grants
from fairway.targets.aws.grants.through import through
from fairway.targets.aws.names import (
    GATEWAY,
    METRICS,
    SIDECAR_REPOSITORY,
    SIGNING_SECRET,
    event_source,
)

_IMAGES = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
_READ = ("secretsmanager:GetSecretValue",)
_ROTATED = ("secretsmanager:DescribeSecret", *_READ)  # to see that there is a new value


def grants_of(app: App, environment: str, region: str, service: str) -> tuple[Grant, ...]:
    """What the tasks of `service` may do while they run, in one region.

    `app` has the overrides of `environment` merged in (`environment_view`). Raises NotFound for a
    service that is neither declared nor the gateway.
    """
    declared = _declared(app, service)
    if declared is not None and declared.kind == "static":
        return ()
    grants: list[Grant] = []
    if _in_mesh(app, environment, service):
        grants += _agent(region, service)
    elif declared is not None:
        grants.append(_decisions())
    if app.environments[environment].telemetry.enabled:
        grants += _collector(service)
    if declared is not None:
        secrets = list(_secrets(service, declared, _ROTATED))
        if _in_mesh(app, environment, service):
            secrets += _signing(service, declared)
        grants += _decrypted(region, service, secrets)
        grants += store_grants(app, region, service)
        grants += _published(event_source(app.app, environment, service), declared)
        grants += _subscribed(region, service, declared)
    return tuple(grants)


def starting_grants_of(app: App, environment: str, region: str, service: str) -> tuple[Grant, ...]:
    """What ECS may do on behalf of `service` to start a task of it: the execution role.

    Secrets are among it only where ECS puts them into the container's environment; for a service
    in the mesh that uses the library, the agent fetches them by the task role.
    """
    declared = _declared(app, service)
    if declared is not None and declared.kind == "static":
        return ()
    in_mesh = _in_mesh(app, environment, service)
    grants = [
        Grant(
            "LogInToRegistry",
            "the registry of images wants a token first",
            ("ecr:GetAuthorizationToken",),
            ResourceRef("any", EVERYTHING),
        ),
        *_images(service, declared, in_mesh=in_mesh),
        _logs(service, "WriteOutput", "what it writes to its output is kept"),
    ]
    if declared is not None and not (in_mesh and declared.library):
        grants += _decrypted(region, service, list(_secrets(service, declared, _READ)))
    return tuple(grants)


def _declared(app: App, service: str) -> Service | None:
    if service == GATEWAY:
        return app.services.get(service)
    if service not in app.services:
        raise NotFound(
            "unknown-service",
            f"the service '{service}' is not declared",
            where="services",
            remedy=did_you_mean(service, app.services, "see `fairway validate`"),
        )
    return app.services[service]


def _in_mesh(app: App, environment: str, service: str) -> bool:
    return service not in app.environments[environment].aws.outside_mesh


def _images(service: str, declared: Service | None, *, in_mesh: bool) -> Iterator[Grant]:
    """Those of the environment's registry: an image that is not built here has no repository."""
    if declared is not None and declared.image is None:
        reason = "a task is started from its image"
        yield Grant("PullImages", reason, _IMAGES, ResourceRef("repository", service))
    if in_mesh:
        reason = "it is in the mesh: an Envoy with its agent runs in every task of it"
        yield Grant("PullSidecar", reason, _IMAGES, ResourceRef("repository", SIDECAR_REPOSITORY))


def _agent(region: str, service: str) -> Iterator[Grant]:
    own_items = Condition("ForAllValues:StringLike", "dynamodb:LeadingKeys", (f"{service}#*",))
    yield Grant(
        "ReadMesh",
        "the Envoy beside it gets its routes and weights from there",
        ("s3:GetObject",),
        ResourceRef("mesh", service),
    )
    yield Grant(
        "ReadHandouts",
        "policies, flags and configuration are handed to it from there",
        ("s3:GetObject",),
        ResourceRef("handouts", service),
    )
    yield through(f"s3.{region}", "ReadConfiguration", "these files are encrypted")
    yield Grant(
        "ObtainIdentity",
        f"its certificate says that it is {service}: only it may ask for this one",
        ("lambda:InvokeFunction",),
        ResourceRef("identity", service),
    )
    yield Grant(
        "ReportTelemetry",
        "its tasks report what configuration they run and whom they served",
        ("dynamodb:PutItem", "dynamodb:UpdateItem"),
        ResourceRef("telemetry", SHARED),
        (own_items,),
    )
    yield through(f"dynamodb.{region}", "ReportEncrypted", "these reports are encrypted")
    yield Grant(
        "SendMetrics",
        "its tasks measure whom they serve: alarms and scaling go by that",
        ("cloudwatch:PutMetricData",),
        ResourceRef("any", EVERYTHING),
        (Condition("StringEquals", "cloudwatch:namespace", (METRICS,)),),
    )


def _decisions() -> Grant:
    return Grant(
        "AskForDecisions",
        "it is outside the mesh: it has no policies beside it and may ask what they say",
        ("lambda:InvokeFunction",),
        ResourceRef("governance", SHARED),
    )


def _collector(service: str) -> Iterator[Grant]:
    yield Grant(
        "SendTraces",
        "the collector beside it sends traces",
        ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        ResourceRef("any", EVERYTHING),
    )
    yield _logs(service, "WriteLogs", "the collector beside it sends metrics as records of its log")


def _logs(service: str, sid: str, reason: str) -> Grant:
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return Grant(sid, reason, actions, ResourceRef("log-group", service))


def _secrets(service: str, declared: Service, actions: tuple[str, ...]) -> Iterator[Grant]:
    for name in declared.secrets:
        yield Grant(
            f"ReadSecret{camel(name)}",
            f"it lists {name} under secrets",
            actions,
            ResourceRef("secret", f"{service}/{name}"),
        )


def _signing(service: str, declared: Service) -> Iterator[Grant]:
    if declared.library:
        yield Grant(
            "ReadSigningKeys",
            "it uses the library: the keys by which it signs and verifies calls lie there",
            _READ,
            ResourceRef("secret", f"{service}/{SIGNING_SECRET}"),
        )


def _decrypted(region: str, service: str, secrets: Sequence[Grant]) -> Iterator[Grant]:
    """These, and what it takes to read them."""
    yield from secrets
    if secrets:
        reason = "its secrets are encrypted with its own key"
        yield through(f"secretsmanager.{region}", "DecryptSecrets", reason, key=service)


def _published(source: str, declared: Service) -> Iterator[Grant]:
    """The bus encrypts on its own behalf, so that a publisher needs no key."""
    for topic in declared.publishes:
        yield Grant(
            f"Publish{camel(topic)}",
            f"it publishes to {topic}, as itself",
            ("events:PutEvents",),
            ResourceRef("bus", SHARED),
            (
                Condition("StringEquals", "events:source", (source,)),
                Condition("StringEquals", "events:detail-type", (topic,)),
            ),
        )


def _subscribed(region: str, service: str, declared: Service) -> Iterator[Grant]:
    for topic in declared.subscribes:
        yield Grant(
            f"Receive{camel(topic)}",
            f"it subscribes to {topic}",
            (
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ),
            ResourceRef("queue", f"{topic}.{service}"),
        )
    if declared.subscribes:
        yield through(f"sqs.{region}", "ReceiveEncrypted", "events are encrypted")
