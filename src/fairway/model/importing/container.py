"""One container of a Compose file as a service of an app file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fairway.model.importing.draft import Draft, looks_secret
from fairway.model.services import Service
from fairway.model.values import format_duration

Container = dict[str, Any]

_CARRIED = frozenset(
    {
        "image", "build", "command", "entrypoint", "environment", "ports", "expose", "healthcheck",
        "deploy", "scale", "depends_on", "stop_grace_period", "secrets", "mem_limit", "cpus",
    }
)  # fmt: skip
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_MEMORY = re.compile(r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,9})?)(?P<unit>[kmg]?)b?\Z", re.I)
_URL = re.compile(r"https?://[^\s\"'|;]+")
_COMPOSE_VARIABLE = re.compile(
    r"\$\$|\$\{(?P<name>\w+)(?P<rest>[^{}]*)\}|\$(?P<bare>[A-Za-z_]\w*)", re.ASCII
)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)


def carry_over(draft: Draft, name: str, container: Container, *, called: bool) -> dict[str, Any]:
    """The service `name` for `container`; what it cannot hold goes to the draft's notes.

    `called`: another container has its address, so that it listens although it publishes nothing.
    """
    port, published = _ports(container)
    listens = called or port is not None or bool(_health(container))
    service: dict[str, Any] = {} if listens else {"kind": "worker"}
    service |= _start(draft, name, container)
    if listens:
        service |= _listening(draft, name, container, port, published)
    service |= _amounts(draft, name, container)
    service |= _environment(draft, name, container)
    for key in container.keys() - _CARRIED:
        draft.note(f"'{name}': '{key}' was not carried over")
    return {key: service[key] for key in Service.model_fields if key in service}


def strings(value: object) -> list[str]:
    """The names in a list, or the keys of a mapping, as Compose writes both."""
    return [str(item) for item in value] if isinstance(value, list | dict) else []


def _start(draft: Draft, name: str, container: Container) -> dict[str, Any]:
    started: dict[str, Any] = {}
    build = container.get("build")
    context = build.get("context", ".") if isinstance(build, dict) else build
    if isinstance(context, str) and _is_inside(context):
        started["build"] = context.removeprefix("./").rstrip("/") or "."
    elif context is not None:
        draft.note(f"'{name}': the build folder is outside this one; move the app file above it")
    if isinstance(build, dict) and build.keys() - {"context"}:
        draft.note(f"'{name}': of 'build' only the folder was carried over")
    image = container.get("image")
    if isinstance(image, str) and image and "build" not in started:
        started["image"] = _variables(image)
    command = _command(container)
    if command:
        started["run"] = command
    else:
        draft.note(f"'{name}' has no command: add 'run:' to start it without a container")
    if not started:
        started["run"] = "false"
        draft.note(f"'{name}' has nothing to start: replace 'run: \"false\"'")
    return started


def _is_inside(path: str) -> bool:
    return not (path.startswith(("/", "~")) or ".." in path.split("/") or ":" in path or not path)


def _command(container: Container) -> str:
    parts = [_words(container.get(key)) for key in ("entrypoint", "command")]
    # Compose fills in ${X} itself and writes a dollar for the shell as $$; a shell reads `run`.
    return " ".join(part for part in parts if part).replace("$$", "$")


def _words(value: object) -> str:
    if isinstance(value, list):
        return " ".join(_quoted(str(word)) for word in value)
    return value.strip() if isinstance(value, str) else ""


def _quoted(word: str) -> str:
    """For a shell; a word that uses a variable keeps it."""
    return f'"{word}"' if "$" in word and '"' not in word else shlex.quote(word)


def _listening(
    draft: Draft, name: str, container: Container, port: int | None, published: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if port is not None:
        found["port"] = port
    health = _health(container)
    if health:
        found["health"] = health
    else:
        draft.note(f"'{name}' has no health path: add 'health: /health', a path that answers 2xx")
    if published:
        found["public"] = "/"
    return found


def _ports(container: Container) -> tuple[int | None, bool]:
    """The port that the program listens on, and whether it is open outside."""
    listed = container.get("ports")
    for entry in listed if isinstance(listed, list) else []:
        target = entry.get("target") if isinstance(entry, dict) else str(entry).split("/")[0]
        port = _port(str(target).rsplit(":", 1)[-1])
        if port is not None:
            return port, True
    exposed = [_port(text.split("/")[0]) for text in strings(container.get("expose"))]
    return next((port for port in exposed if port is not None), None), False


def _port(text: str) -> int | None:
    number = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    return number if 1 <= number <= 65535 else None


def is_called(key: str, containers: Mapping[str, Container]) -> bool:
    """Whether any container has an address of the one called `key` in its environment."""
    address = re.compile(rf"https?://{re.escape(key)}([:/]|\Z)")
    values = (str(value) for other in containers.values() for value in _pairs(other).values())
    return any(address.search(value) for value in values)


def _health(container: Container) -> dict[str, Any] | str:
    check = container.get("healthcheck")
    if not isinstance(check, dict):
        return {}
    url = _URL.search(" ".join(strings(check.get("test"))) or str(check.get("test") or ""))
    path = urlsplit(url.group()).path or "/" if url else None
    if path is None or "{" in path or "$" in path:
        return {}
    found: dict[str, Any] = {"path": path}
    durations = (
        ("interval", "interval"),
        ("timeout", "timeout"),
        ("start_period", "start_timeout"),
    )
    for theirs, ours in durations:
        seconds = _seconds(check.get(theirs))
        if seconds is not None:
            found[ours] = format_duration(seconds)
    retries = check.get("retries")
    if isinstance(retries, int) and not isinstance(retries, bool) and retries > 0:
        found["unhealthy"] = retries
    return path if len(found) == 1 else found


def _seconds(value: object) -> float | None:
    """`1m30s` as seconds, to the millisecond."""
    text = value if isinstance(value, str) else ""
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text or len(text) > 20:
        return None
    seconds = round(sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts), 3)
    return seconds if 0 < seconds < 1e9 else None


def _amounts(draft: Draft, name: str, container: Container) -> dict[str, Any]:
    deploy = container.get("deploy")
    deploy = deploy if isinstance(deploy, dict) else {}
    found: dict[str, Any] = {}
    replicas = deploy.get("replicas", container.get("scale"))
    if isinstance(replicas, int) and 0 <= replicas <= 1000 and not isinstance(replicas, bool):
        found["replicas"] = replicas
    resources = _limits(deploy, container)
    if resources:
        found["resources"] = resources
    grace = _seconds(container.get("stop_grace_period"))
    if grace is not None:
        found["stop"] = {"grace": format_duration(grace)}
    for key in deploy.keys() - {"replicas", "resources"}:
        draft.note(f"'{name}': 'deploy.{key}' was not carried over")
    return found


def _limits(deploy: Container, container: Container) -> dict[str, Any]:
    resources = deploy.get("resources")
    limits = resources.get("limits") if isinstance(resources, dict) else None
    limits = limits if isinstance(limits, dict) else {}
    found: dict[str, Any] = {}
    cores = str(limits.get("cpus", container.get("cpus", "")))
    if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", cores) and 0 < float(cores) <= 64:
        found["cpu"] = float(cores)
    memory = _MEMORY.match(str(limits.get("memory", container.get("mem_limit", "")))[:20])
    if memory:
        # In Compose `m` is 2**20 bytes, for which an app file writes Mi.
        unit = {"": "", "k": "Ki", "m": "Mi", "g": "Gi"}[memory["unit"].lower()]
        found["memory"] = f"{memory['number']}{unit}"
    return found


def _environment(draft: Draft, name: str, container: Container) -> dict[str, Any]:
    env: dict[str, str] = {}
    secrets = [re.sub(r"\W", "_", s).upper() for s in strings(container.get("secrets"))]
    for variable, value in _pairs(container).items():
        if not _VARIABLE_NAME.match(variable) or variable.startswith("FAIRWAY_"):
            draft.note(f"'{name}': the variable '{variable}' was not carried over")
        elif variable in ("PORT", "HOST"):
            draft.note(f"'{name}': ${variable} is set by Fairway and was left out")
        elif looks_secret(variable, value):
            secrets.append(variable)
            draft.note(f"'{name}': {variable} is a secret: 'fairway secrets set {variable}'")
        else:
            env[variable] = f"${{{variable}}}" if value is None else _variables(str(value))
    found: dict[str, Any] = {}
    if env:
        found["env"] = env
    valid = [secret for secret in dict.fromkeys(secrets) if _VARIABLE_NAME.match(secret)]
    if valid:
        found["secrets"] = valid
    return found


def _pairs(container: Container) -> dict[str, Any]:
    """The environment of a container; None is a variable passed on from outside."""
    given = container.get("environment")
    if isinstance(given, dict):
        return {
            str(key): str(value).lower() if isinstance(value, bool) else value
            for key, value in given.items()
        }
    pairs = (str(item).partition("=") for item in (given if isinstance(given, list) else []))
    return {key: value if equals else None for key, equals, value in pairs}


def _variables(text: str) -> str:
    """Compose's forms of a variable as those of an app file; `$$` is a dollar in both."""

    def rewritten(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$$"
        if match["bare"]:
            return f"${{{match['bare']}}}"
        default = re.match(r":?-(.*)", match["rest"], re.DOTALL)
        return f"${{{match['name']}:-{default[1]}}}" if default else f"${{{match['name']}}}"

    return _COMPOSE_VARIABLE.sub(rewritten, text)
