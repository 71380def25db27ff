"""Secrets from AWS Secrets Manager; the `aws` extra.

A secret `NAME` is looked for under `<prefix>NAME`; its version is Secrets Manager's version id of
the stage AWSCURRENT. Credentials and region come from where every AWS program takes them.
API: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

from typing import Any

from fairway_runtime.errors import InvalidConfiguration
from fairway_runtime.secrets.providers import Fetched, SecretsUnavailable

REFRESH = 300.0


class AwsSecrets:
    """The port over a botocore client of `secretsmanager`."""

    def __init__(self, prefix: str, refresh: float = REFRESH, client: Any = None) -> None:
        self.refresh: float | None = refresh
        self._prefix = prefix
        self._client = client or _new_client()

    def fetch(self, name: str) -> Fetched | None:
        """The current version; None when there is no such secret."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the extra

        try:
            answer = self._client.get_secret_value(SecretId=self._prefix + name)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code == "ResourceNotFoundException":
                return None
            raise SecretsUnavailable(f"{name}: Secrets Manager answered {code}") from error
        except BotoCoreError as error:
            raise SecretsUnavailable(f"{name}: {type(error).__name__}") from error
        if "SecretString" not in answer:
            raise SecretsUnavailable(f"{name}: it is binary; store it as text")
        return Fetched(str(answer["VersionId"]), str(answer["SecretString"]))


def _new_client() -> Any:
    try:
        import botocore.session  # noqa: PLC0415 - the extra, 200 ms
    except ModuleNotFoundError as error:
        raise InvalidConfiguration(
            "secrets are to come from AWS, but botocore is not installed",
            where="FAIRWAY_SECRETS_AWS_PREFIX",
            remedy="pip install 'fairway-runtime[aws]', or unset the variable",
        ) from error
    return botocore.session.get_session().create_client("secretsmanager")
