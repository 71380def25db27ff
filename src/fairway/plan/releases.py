"""What a release is made of: from an app as its environment sees it to content with a digest. Pure.

Called by the delivery (which gives it a number and keeps it) and by every plan. Equal inputs give
equal digests on every machine: content is hashed as canonical JSON, with sorted keys and no spaces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fairway.model.app import App
from fairway.model.services import Service
from fairway.plan.release import Json, ReleaseContent, ServiceRelease

NO_PART_OF_A_REPLICA = frozenset({"replicas", "scale", "watch"})
"""Keys of a service by which no running replica differs: how many there are, what reloads them."""


def release_content(
    app: App,
    artifacts: Mapping[str, str],
    secrets_versions: Mapping[str, int],
    policy_set: int,
    policies_text_digest: str,
) -> ReleaseContent:
    """The content of a release of `app`, which is the view of its environment.

    `artifacts` are digests by service, `secrets_versions` the versions in force by secret; a secret
    that was never set is left out.
    """
    whole = app.model_dump(mode="json")
    services = {
        name: _service(service, whole["services"][name], artifacts.get(name, ""), secrets_versions)
        for name, service in app.services.items()
    }
    return ReleaseContent(
        app=whole,
        services=services,
        policy_set=policy_set,
        policies=policies_text_digest,
        schema={
            name: (store.schema_.oldest, store.schema_.version)
            for name, store in app.stores.items()
            if store.schema_ is not None
        },
    )


def app_of(content: ReleaseContent) -> App:
    """The app of a release, validated again: equal to the one that the release was made of."""
    return App.model_validate(content.app)


def content_digest(content: ReleaseContent) -> str:
    """`sha256:` and 64 hex digits over everything in it."""
    return digest(
        {
            "app": content.app,
            "services": {name: service.digest for name, service in content.services.items()},
            "secrets": {name: dict(s.secrets) for name, s in content.services.items()},
            "policy_set": content.policy_set,
            "policies": content.policies,
            "schema": {name: list(both) for name, both in content.schema.items()},
        }
    )


def canonical(value: Any) -> str:
    """JSON with one form for each value: keys sorted, no spaces, no escapes that need not be."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """`sha256:` and the hash of the canonical form."""
    # An app file may hold half of a surrogate pair in a text; it is hashed like any other.
    text = canonical(value).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def _service(
    service: Service, declared: Json, artifact: str, versions: Mapping[str, int]
) -> ServiceRelease:
    secrets = {name: versions[name] for name in service.secrets if name in versions}
    return ServiceRelease(declared, artifact, secrets, _digest(declared, artifact, secrets))


def _digest(declared: Json, artifact: str, secrets: Mapping[str, int]) -> str:
    """Over all that a running replica depends on; with the library it rereads secrets by itself."""
    return digest(
        {
            "declared": {k: v for k, v in declared.items() if k not in NO_PART_OF_A_REPLICA},
            "artifact": artifact,
            "secrets": {} if declared.get("library") else dict(secrets),
        }
    )
