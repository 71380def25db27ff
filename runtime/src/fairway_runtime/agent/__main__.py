"""`fairway-agent run` beside an app, `fairway-agent health` for its health check."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairway_runtime.agent.envoy import Admin
from fairway_runtime.agent.settings import AgentSettings, state_folder
from fairway_runtime.errors import InvalidConfiguration

_USAGE = "usage: fairway-agent run | health"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: of `health` 0 while everything is well, of wrong usage 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    match given:
        case ["run"]:
            return _run(os.environ)
        case ["health"] | ["ready"]:
            return 0 if asyncio.run(_is_well(os.environ)) else 1
    sys.stderr.write(f"{_USAGE}\n")
    return 2


def _run(variables: Mapping[str, str]) -> int:
    try:
        settings = AgentSettings.from_environment(variables)
    except InvalidConfiguration as error:
        sys.stderr.write(f"{error}\n")
        return 2
    os.umask(0o077)
    return asyncio.run(_live(replace(settings, task=settings.task or task_id(variables))))


async def _live(settings: AgentSettings) -> int:
    from fairway_runtime.agent.cloud import Cloud  # noqa: PLC0415 - `health` needs none of it
    from fairway_runtime.agent.running import Agent  # noqa: PLC0415

    agent = Agent(settings, Cloud())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stopping.set)
    return await agent.run()


async def _is_well(variables: Mapping[str, str]) -> bool:
    """Whether the agent has said so, and Envoy says so now."""
    state = state_folder(variables)
    return (state / "healthy").exists() and await Admin(state / "admin.sock").is_ready()


def task_id(variables: Mapping[str, str]) -> str:
    """The id of this task, from the address that ECS gives to every container.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
    """
    address = variables.get("ECS_CONTAINER_METADATA_URI_V4", "")
    if not address.startswith("http://"):
        return os.uname().nodename
    with urllib.request.urlopen(f"{address}/task", timeout=5) as answer:  # noqa: S310 - http only
        return str(json.load(answer)["TaskARN"]).rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main())
