"""KMS: the period of a key's rotation.

Added: RotationPeriodInDays of EnableKeyRotation and GetKeyRotationStatus.
"""

from __future__ import annotations

import json

from moto.kms.models import Key
from moto.kms.responses import KmsResponse as Response


def install() -> None:
    enable, status = Response.enable_key_rotation, Response.get_key_rotation_status

    def enable_key_rotation(self: Response) -> str:
        answer = enable(self)
        _key(self).rotation_period = self._get_param("RotationPeriodInDays") or 365
        return answer

    def get_key_rotation_status(self: Response) -> str:
        answer = json.loads(status(self))
        if answer["KeyRotationEnabled"]:
            answer["RotationPeriodInDays"] = getattr(_key(self), "rotation_period", 365)
        return json.dumps(answer)

    Response.enable_key_rotation = enable_key_rotation
    Response.get_key_rotation_status = get_key_rotation_status


def _key(self: Response) -> Key:
    return self.kms_backend.keys[self.kms_backend.get_key_id(self._get_param("KeyId"))]
