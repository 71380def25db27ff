"""Secrets Manager: rotation of a secret that has no value yet, as Terraform makes it.

Mended: moto fails. It keeps by what and how often the secret is to be rotated, and calls nothing,
as it has nothing to rotate.
"""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend as Backend


def install() -> None:
    rotate = Backend.rotate_secret

    def rotate_secret(self: Backend, secret_id: str, *given: Any, **named: Any) -> str:
        secret = self.secrets.get(secret_id)
        if secret is None or secret.versions or not named.get("rotation_lambda_arn"):
            return rotate(self, secret_id, *given, **named)
        function = named.pop("rotation_lambda_arn")
        answer = rotate(self, secret_id, *given, **named)
        secret.rotation_lambda_arn = function
        return answer

    Backend.rotate_secret = rotate_secret
