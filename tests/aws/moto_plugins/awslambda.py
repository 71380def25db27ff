"""Lambda: where a function writes its log, and where what it could not do is put.

Added: LoggingConfig and DeadLetterConfig of CreateFunction, UpdateFunctionConfiguration and of all
that describe a function.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from moto.awslambda.models import LambdaFunction as Function


def install() -> None:
    begin, configuration = Function.__init__, Function.get_configuration
    update = Function.update_configuration

    def __init__(self: Function, *args: Any, **kwargs: Any) -> None:
        spec = signature(begin).bind(self, *args, **kwargs).arguments["spec"]
        self.logging = spec.get("LoggingConfig") or {}
        self.dead_letters = spec.get("DeadLetterConfig") or {}
        begin(self, *args, **kwargs)

    def get_configuration(self: Function, on_create: bool = False) -> dict[str, Any]:
        default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        told = {"LoggingConfig": default | self.logging}
        if self.dead_letters:
            told["DeadLetterConfig"] = self.dead_letters
        return configuration(self, on_create) | told

    def update_configuration(self: Function, config_updates: dict[str, Any]) -> dict[str, Any]:
        self.logging = config_updates.get("LoggingConfig") or self.logging
        self.dead_letters = config_updates.get("DeadLetterConfig") or self.dead_letters
        return update(self, config_updates)

    Function.__init__ = __init__
    Function.get_configuration = get_configuration
    Function.update_configuration = update_configuration
