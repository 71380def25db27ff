"""AWS for tests: a moto server of this process, with our plug-ins, empty for every test.

Tests ask for the fixture `moto` (known everywhere, see `tests/conftest.py`):

    def test_it(moto: Moto) -> None:
        moto.client("ecs", "eu-central-1").create_cluster(clusterName="prod")
        subprocess.run(["fairway", …], env=os.environ | moto.environment())

The server is a process of its own, started once, which ends with this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ACCOUNT = "123456789012"
"""The account that every call to moto belongs to."""
REGION = "eu-central-1"
_ROOT = Path(__file__).parents[2]
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True, slots=True)
class Moto:
    """A running moto: `url` is its endpoint, `complaints` the file of calls it could not serve."""

    url: str
    complaints: Path

    def environment(self, region: str = REGION) -> dict[str, str]:
        """Variables by which boto3, Terraform's provider and its S3 backend reach it alone."""
        return _CREDENTIALS | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of boto3 whose calls come here."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"max_attempts": 1}, proxies={}),
        )

    def reset(self) -> None:
        """Forget everything."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30):
            pass


@contextmanager
def serving(folder: Path) -> Iterator[Moto]:
    """A moto server until the block ends; what it cannot do it writes to a file in `folder`."""
    complaints = folder / "moto-complaints.log"
    with (
        complaints.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.aws.moto_server", "0"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"moto did not start: {complaints.read_text()}")
            yield Moto(url, complaints)
        finally:
            process.stdin.close()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    """The server of this process."""
    with (
        tempfile.TemporaryDirectory(prefix="fairway-moto-") as folder,
        serving(Path(folder)) as started,
    ):
        yield started


@pytest.fixture
def moto(moto_server: Moto, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """An account with nothing in it; `os.environ` points there while the test runs."""
    moto_server.reset()
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    return moto_server
