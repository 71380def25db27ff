"""The environment's registry: which images are there, their names, and a token to push with.

The token is for the builder alone; it is in no argument and in no error.
"""

from __future__ import annotations

import base64
from typing import Any

from fairway.errors import NotFound
from fairway.targets.aws import names
from fairway.targets.aws.clients import telling
from fairway.targets.aws.place import Place

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Registry:
    """Repositories in ECR, in the region that leads. Every method blocks."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def environment(self) -> str:
        """Whose registry it is."""
        return self._place.environment

    def repository(self, name: str) -> str:
        """The address of a service's repository, for a builder."""
        account = self._place.require_account()
        host = f"{account}.dkr.ecr.{self._place.lead}.amazonaws.com"
        return f"{host}/{self._name(name)}"

    def digest(self, name: str, tag: str) -> str | None:
        """The digest of an image by its tag, None when there is none."""
        found = self._image(name, tag)
        return None if found is None else str(found["imageId"]["imageDigest"])

    def tag(self, name: str, present: str, more: str) -> None:
        """Give the image that has the tag `present` one more."""
        found = self._image(name, present)
        if found is None or self._image(name, more) is not None:
            return
        with telling(f"name the image of {name}", where=name):
            self._client.put_image(
                repositoryName=self._name(name), imageManifest=found["imageManifest"], imageTag=more
            )

    def token(self) -> str:
        """A password that is good for twelve hours, for the user `AWS`."""
        with telling("get a token to push images with"):
            data = self._client.get_authorization_token()["authorizationData"]
        return base64.b64decode(data[0]["authorizationToken"]).decode().partition(":")[2]

    def _image(self, name: str, tag: str) -> Any:
        with telling(f"look for the image of {name}", where=name):
            answer = self._client.batch_get_image(
                repositoryName=self._name(name),
                imageIds=[{"imageTag": tag}],
                acceptedMediaTypes=list(_MANIFESTS),
            )
        return next(iter(answer.get("images", ())), None)

    def _name(self, name: str) -> str:
        return names.repository(self._place.app, self._place.environment, name)

    @property
    def _client(self) -> Any:
        return self._place.clients.of("ecr", self._place.lead)


def no_repository(name: str, environment: str) -> NotFound:
    """For a service whose images have no place yet."""
    return NotFound(
        "repository-missing",
        f"there is no repository for the images of {name}",
        where=name,
        remedy=f"make it: fairway bootstrap {environment}",
    )
