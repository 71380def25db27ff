"""The files that processes read while they run: policies, secrets, keys, configuration, flags.

`LocalSystem` owns one `Handouts` and has it write whenever what should be here changes. Each
service is given its own and nothing of others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from fairway.model.app import App
from fairway.plan.release import Json
from fairway.targets.local.desired import Desired
from fairway.targets.local.identity.signing import SigningKeys
from fairway.targets.local.layout import StateDir, write_private
from fairway.targets.local.naming import version_label
from fairway.targets.local.secret_files import Secret, hand_out
from fairway.targets.signing import signing_callers, verifying_services
from fairway_runtime.policy.bundle import PolicyBundle


class Handouts:
    """The files of one state folder."""

    def __init__(self, state: StateDir, app: App) -> None:
        self._state = state
        self.keys = SigningKeys(state, signing_callers(app), verifying_services(app))

    def write(self, app: App, desired: Desired, secrets: Mapping[str, Secret]) -> None:
        """Everything but the policies, which have their own moment."""
        self.write_secrets(app, secrets)
        self.keys.serve(signing_callers(app), verifying_services(app))
        self.keys.write()
        self.write_flags(desired.flags)
        for service, version in desired.versions:
            config = version.service.config
            if config:
                path = self._state.config(version_label(service, version.name))
                write_private(path, json.dumps(config, indent=1).encode())

    def write_secrets(self, app: App, secrets: Mapping[str, Secret]) -> None:
        """The present value of every secret, to those who declare it."""
        for name, service in app.services.items():
            if service.secrets:
                own = {secret: secrets[secret] for secret in service.secrets}
                hand_out(self._state.secrets(name), own)

    def write_flags(self, flags: Mapping[str, Json]) -> None:
        """The flags in force; services read a new file by themselves."""
        content = json.dumps(flags, indent=1).encode()
        if not self._state.flags.exists() or self._state.flags.read_bytes() != content:
            write_private(self._state.flags, content)

    def write_bundle(self, bundle: PolicyBundle) -> None:
        """The policies in force; services look for new ones by themselves."""
        write_private(self._state.policy_bundle, bundle.to_json().encode())

    def bundle_is(self, bundle: PolicyBundle) -> bool:
        """Whether the policies that services read are these, and nobody has edited them."""
        try:
            return self._state.policy_bundle.read_text("utf-8") == bundle.to_json()
        except (FileNotFoundError, UnicodeDecodeError):
            return False
