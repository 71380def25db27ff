"""An account and a machine for whoever tries Fairway on AWS without having one.

Used by `test_deploy_prod.py` and by `examples/axon-orbit/aws_demo.py`. Real are the command line,
`fairway server`, Terraform with its provider, and every request to AWS. Played are AWS itself (moto
over HTTP), the builder of images (a program named `docker`, which pushes a manifest), and what runs
in the cloud: tasks with their agents, and users (`fleet.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

from tests.aws.fleet import Fleet
from tests.aws.moto_rig import Moto, serving

from fairway.targets.aws.clients import Clients
from fairway.targets.aws.place import Place
from fairway.targets.aws.rendering.tree import archives

EXAMPLE = Path(__file__).parents[2] / "examples" / "axon-orbit"
REGIONS = ("eu-central-1", "eu-west-1")
"""Of the example's environment `prod`; the first leads."""
WAITS = 8
"""Exit code of a deployment that waits for a person."""
_TOOLS = Path(sys.executable).parent
_NOT_COPIED = shutil.ignore_patterns(".fairway*", "__pycache__", ".pytest_cache", ".coverage")
_CALL = ("POST", "/dispatch")
_BETWEEN = 0.25
"""Seconds between two rounds of requests."""
_BUILDER = '''#!{python}
"""Plays Docker: pushes a manifest that follows from the source; builds nothing."""
import hashlib, json, sys
from pathlib import Path
import boto3

arguments = sys.argv[1:]
if arguments[0] == "login":
    sys.exit(0 if sys.stdin.read() else "no token was given")
files = sorted(each for each in Path(arguments[-1]).rglob("*") if each.is_file())
source = hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()
layer = {{"mediaType": "application/octet-stream", "size": 1, "digest": "sha256:" + source}}
kind = "application/vnd.docker.distribution.manifest.v2+json"
manifest = json.dumps({{"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]}})
for word, value in zip(arguments, arguments[1:]):
    if word == "--tag":
        host, _, name = value.partition("/")
        repository, _, tag = name.rpartition(":")
        ecr = boto3.client("ecr", region_name=host.split(".")[3])
        image = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
told = Path(arguments[arguments.index("--metadata-file") + 1])
told.write_text(json.dumps({{"containerimage.digest": image["image"]["imageId"]["imageDigest"]}}))
'''


@dataclass
class Stage:
    """A copy of the example, the variables of its user's shell, and how long each command took.

    With `show` what commands print goes to the terminal.
    """

    folder: Path
    moto: Moto
    variables: dict[str, str]
    show: bool = False
    timings: dict[str, float] = field(default_factory=dict)

    def fairway(
        self, *arguments: str, given: str = "", ok: Sequence[int] = (0,), **variables: str
    ) -> str:
        """What a command prints, both streams; fails unless it ends with a code that is `ok`."""
        command = [str(_TOOLS / "fairway"), *arguments]
        return self._said(command, self.folder, given, ok, variables)

    def terraform_alone(self, ejected: str) -> None:
        """Without Fairway, Terraform finds in every region what the ejected folder says."""
        folder, quiet = self.folder / ejected, replace(self, show=False)  # a line per resource
        for path, content in archives(wheels=False).items():  # as emulated functions have them
            (folder / path).write_bytes(content)
        terraform = self.variables["FAIRWAY_TERRAFORM"]
        backend = ("-backend-config=backend.hcl", "-backend-config=use_path_style=true")
        for region in REGIONS:
            root = folder / "regions" / region
            quiet._said([terraform, "init", "-input=false", *backend], root)
            plan = [terraform, "plan", "-input=false", "-no-color", "-detailed-exitcode"]
            said = quiet._said(plan, root)
            if self.show:
                print(f"{region}: {said[said.index('No changes') :]}", flush=True)

    def _said(
        self,
        command: Sequence[str],
        folder: Path,
        given: str = "",
        ok: Sequence[int] = (0,),
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        words = " ".join((Path(command[0]).name, *command[1:]))
        began, said = time.monotonic(), []
        with subprocess.Popen(
            command, cwd=folder, text=True, env={**self.variables, **more},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(given)
            process.stdin.close()
            for line in process.stdout:
                said.append(line)
                if self.show:
                    print(line, end="", flush=True)
        self._note(words, time.monotonic() - began)
        if process.returncode not in ok:
            raise AssertionError(f"{words} ended with {process.returncode}:\n{''.join(said)}")
        return "".join(said)

    def delivered(self, *arguments: str, ok: int = 0, **variables: str) -> str:
        """A command that begins a deployment, which grace approves; followed to its end."""
        before = self.fairway(*arguments, ok=(WAITS,), **variables)
        self.fairway("approve", "--env", "prod", FAIRWAY_TOKEN=self.variables["GRACE"])
        return before + self.fairway("follow", "--env", "prod", ok=(ok,))

    def keep_secret(self, value: str) -> None:
        """Set the secret that the example reads; its environment is known since the first plan."""
        admin = self.variables["ADMIN"]
        named = ("AXON_MODEL_KEY", "--env", "prod")
        self.fairway("secrets", "set", *named, given=value, FAIRWAY_TOKEN=admin)

    def edit(self) -> None:
        """Change what orbit logs: an edit that harms nobody."""
        file = self.folder / "services" / "orbit" / "orbit" / "main.py"
        file.write_text(file.read_text().replace('"dispatched"', '"dispatched an order"'))

    def tamper(self) -> str:
        """Publish a canary's old weights for the gateway again; the key of the document."""
        key, bucket = "mesh/gateway/envoy.json", self.place.config_bucket(REGIONS[0])
        s3 = self.moto.client("s3", REGIONS[0])
        for each in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
            found = s3.get_object(Bucket=bucket, Key=key, VersionId=each["VersionId"])
            document = found["Body"].read()
            if "weighted_clusters" in json.dumps(json.loads(document)):
                s3.put_object(Bucket=bucket, Key=key, Body=document)
                return key
        raise AssertionError("no document ever divided requests")

    @property
    def place(self) -> Place:
        """The environment, as its target sees it."""
        return Place("axon-orbit", "prod", REGIONS[0], Clients({"*": self.moto.url}), time.time)

    def _note(self, command: str, seconds: float) -> None:
        number = sum(name.partition(" (")[0] == command for name in self.timings) + 1
        self.timings[command if number == 1 else f"{command} ({number})"] = seconds


@contextmanager
def stage(
    folder: Path, terraform: Mapping[str, str], *, bake: str = "2s", show: bool = False
) -> Iterator[Stage]:
    """All of it, with an empty account, until the block ends. `terraform` are its variables."""
    with serving(folder) as moto, patch.dict(os.environ, moto.environment()):
        app = Path(shutil.copytree(EXAMPLE, folder / "app", ignore=_NOT_COPIED))
        declared = app / "fairway.yaml"
        declared.write_text(declared.read_text().replace("bake: 60s", f"bake: {bake}"))
        moto.client("route53").create_hosted_zone(Name="example.com", CallerReference="zone")
        yield Stage(app, moto, _variables(folder, terraform, moto), show)


def _variables(folder: Path, terraform: Mapping[str, str], moto: Moto) -> dict[str, str]:
    builder = folder / "bin" / "docker"
    builder.parent.mkdir()
    builder.write_text(_BUILDER.format(python=sys.executable))
    builder.chmod(0o755)
    kinds = ("CACHE", "CONFIG", "STATE")
    homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in kinds}
    path = os.pathsep.join([str(builder.parent), str(_TOOLS), os.environ.get("PATH", "")])
    return {**os.environ, **terraform, **moto.environment(), **homes, "PATH": path}


@contextmanager
def server(on: Stage) -> Iterator[None]:
    """A `fairway server` on this machine; commands find it, and are ada's from then on."""
    data, log = on.folder.parent / "server", on.folder.parent / "server.log"
    command = [
        str(_TOOLS / "fairway"), "server", "--listen", "127.0.0.1:0",
        "--database", f"sqlite:///{data}.db", "--data", str(data),
    ]  # fmt: skip
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, env=on.variables, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            if not words:
                raise AssertionError(f"fairway server did not start:\n{log.read_text()}")
            _let_in(on, words[-1], (data / "first-token").read_text().strip())
            yield
        finally:
            process.terminate()
            process.wait(60)


def _let_in(on: Stage, url: str, admin: str) -> None:
    """Ada may deploy; grace may approve what ada deploys; only an admin sets secrets."""
    on.variables |= {"FAIRWAY_SERVER": url, "FAIRWAY_TOKEN": admin}
    hidden = replace(on, show=False)
    tokens = {
        name: json.loads(hidden.fairway("token", "issue", name, "--role", role, "--json"))["token"]
        for name, role in (("ada", "deployer"), ("grace", "approver"))
    }
    on.variables |= {"FAIRWAY_TOKEN": tokens["ada"], "GRACE": tokens["grace"], "ADMIN": admin}


@contextmanager
def users(on: Stage, requests: int = 20) -> Iterator[None]:
    """Tasks that report, and users of orbit in every region, until the block ends."""
    over = threading.Event()
    with ExitStack() as closing:
        fleets = [Fleet(on.moto, on.place, region) for region in REGIONS]
        for fleet in fleets:
            closing.callback(fleet.close)
        asking = threading.Thread(target=_ask, args=(fleets, requests, over), daemon=True)
        asking.start()
        closing.callback(asking.join)
        closing.callback(over.set)
        yield


def _ask(fleets: Sequence[Fleet], requests: int, over: threading.Event) -> None:
    while not over.wait(_BETWEEN):
        for fleet in fleets:
            if fleet.serves(_CALL):
                fleet.ask("orbit", requests, balanced=False, call=_CALL)
