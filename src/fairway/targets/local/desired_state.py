"""What should run here at this moment, kept: the working tree, or what deployments have said.

`LocalSystem` owns one and asks it for everything that depends on it. A change is kept before it is
acted upon.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.desired import Desired, DesiredFile, Key


class DesiredState:
    """`workspace` is the app as it lies in its folder.

    `pinned`: a deployment has said what should run, so edited files change nothing. `leaving` are
    versions that should be gone, and still finish what they were given.
    """

    def __init__(self, workspace: Blueprint) -> None:
        self.workspace = workspace
        self.blueprint = workspace
        self.desired = workspace.as_desired()
        self.pinned = False
        self.leaving: frozenset[Key] = frozenset()
        self._file = DesiredFile(workspace.state.desired)

    def open(self, *, watch: bool) -> None:
        """Take up what is kept; with `watch` forget it, and take the working tree."""
        if watch:
            self._file.forget()
        found = self._file.read()
        if found is not None:
            self._take(found)

    def blueprint_of(self, desired: Desired) -> Blueprint:
        """The blueprint that something desired would have; raises when its apps do not fit."""
        return self.workspace.of(desired, {service for service, _ in self.leaving})

    def keep(self, desired: Desired) -> None:
        """From now on this should be here, also after a crash."""
        self._file.write(desired)
        self._take(desired)

    def forget(self) -> None:
        """From now on the working tree should be here."""
        self._file.forget()
        self.pinned, self.desired, self.blueprint = (
            False,
            self.workspace.as_desired(),
            self.workspace,
        )

    def leave(self, keys: Collection[Key]) -> None:
        """These versions finish what they were given."""
        self.leaving |= frozenset(keys)

    def left(self, keys: Collection[Key]) -> None:
        """These versions are gone."""
        self.leaving -= frozenset(keys)
        self._take(self.desired)

    def scaled(self, service: str, replicas: int) -> None:
        """So many replicas should run of the version that gets most requests.

        Of the working tree this holds for as long as it runs: the app file says how many.
        """
        version = self.desired.main(service)
        if self.pinned and version is not None:
            self.keep(self.desired.with_version(service, replace(version, replicas=replicas)))

    @property
    def released(self) -> frozenset[Key]:
        """The versions that are or were of a release, and call by ports of their own."""
        versions = {(service, v.name) for service, v in self.desired.versions} | self.leaving
        return frozenset(key for key in versions if key[1] != WORKING_TREE)

    def _take(self, desired: Desired) -> None:
        self.pinned, self.desired, self.blueprint = True, desired, self.blueprint_of(desired)
