"""The root modules of one environment on this machine: their files, their state, their Terraform.

`bootstrap.py` works on one. The files are those of `fairway render`; the state of
each root lies in the environment's bucket, under a name that is known without asking anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairway.targets.aws import names
from fairway.targets.aws.rendering.tree import write_tree
from fairway.targets.aws.terraform.binary import find_binary
from fairway.targets.aws.terraform.folder import private_folder
from fairway.targets.aws.terraform.messages import Progress
from fairway.targets.aws.terraform.runner import Backend, Place, Terraform, silent

_ENDPOINTS = frozenset({"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"})
"""Where S3 is not AWS's own, its buckets rarely have host names of their own."""
_CACHE = Path("fairway", "terraform-providers")


@dataclass(frozen=True)
class Site:
    """`folder` is for this environment alone. `account` tells its number, and may block.

    `archives` gives the zips of Lambda functions by path in the tree.
    """

    app: str
    environment: str
    lead: str
    account: Callable[[], str]
    folder: Path
    variables: Mapping[str, str]
    archives: Callable[[], Mapping[str, bytes]] = dict

    async def write(self, texts: Mapping[str, str]) -> None:
        """Have the tree be these files; only what differs is written."""
        private_folder(self.folder)
        await asyncio.to_thread(lambda: write_tree(self._tree, texts, self.archives()))

    def terraform(
        self,
        root: str,
        region: str = "",
        progress: Callable[[Progress], None] = silent,
    ) -> Terraform:
        """Terraform on one root: `region` names that of the kind `region`. Blocks once."""
        binary = find_binary(self.variables)
        cache = _cache(self.variables)
        modules = self._tree / "modules"
        place = Place(binary, self.root(root, region), self.variables, cache, modules)
        return Terraform(place, progress)

    def root(self, root: str, region: str = "") -> Path:
        """The folder of a root."""
        return self._tree / (f"regions/{region}" if root == "region" else root)

    def backend(self, root: str, region: str = "") -> Backend:
        """Where a root's state is. Blocks."""
        bucket = names.state_bucket(self.app, self.environment, self.account(), self.lead)
        return backend_in(bucket, self.lead, names.state_key(root, region), self.variables)

    @property
    def _tree(self) -> Path:
        return self.folder / "tree"


def backend_in(bucket: str, region: str, key: str, variables: Mapping[str, str]) -> Backend:
    """The state under a key of the environment's bucket, encrypted with the bucket's own key."""
    return Backend({
        "bucket": bucket,
        "key": key,
        "region": region,
        "use_lockfile": True,
        "encrypt": False,  # true without a key would ask for another one than the bucket's
        "use_path_style": not _ENDPOINTS.isdisjoint(variables),
    })  # fmt: skip


def _cache(variables: Mapping[str, str]) -> Path:
    """Where providers are kept: for all environments of this user."""
    home = variables.get("XDG_CACHE_HOME") or str(Path(variables.get("HOME", "~")) / ".cache")
    return Path(home).expanduser() / _CACHE
