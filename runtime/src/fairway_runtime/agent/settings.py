"""What the agent is told by its container's environment, read once. Pure.

FAIRWAY_APP, FAIRWAY_ENVIRONMENT    the trust domain is `<app>.<environment>`
FAIRWAY_SERVICE, FAIRWAY_VERSION    whose sidecar this is; `gateway` has no version
FAIRWAY_CONFIG_BUCKET               where the documents are
FAIRWAY_IDENTITY_FUNCTION           the alias of the Lambda that signs for this service: its ARN
FAIRWAY_TELEMETRY_TABLE             where to report; absent: nowhere
FAIRWAY_METRICS_NAMESPACE           of metrics in CloudWatch; `Fairway`; empty: no metrics
FAIRWAY_ENVOY                       the binary; `envoy` on PATH
FAIRWAY_AGENT_STATE                 its own folder, best in memory; /tmp/fairway
FAIRWAY_AGENT_HANDOUTS              what the app reads; /fairway
FAIRWAY_PROBE                       a static BusyBox, handed out for health checks; /bin/busybox
FAIRWAY_DRAIN_DELAY                 seconds from SIGTERM until Envoy ends; 12
FAIRWAY_TASK                        its name in reports; absent: the id of the ECS task
FAIRWAY_AGENT_POLL                  seconds between two looks at the documents; 2
FAIRWAY_AGENT_REPORT                seconds between two reports; 5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairway_runtime.errors import InvalidConfiguration

GATEWAY = "gateway"
NAMESPACE = "Fairway"
"""Of metrics in CloudWatch: what permissions, alarms and scaling name as well."""
_NEEDED = (
    "FAIRWAY_APP", "FAIRWAY_ENVIRONMENT", "FAIRWAY_SERVICE", "FAIRWAY_CONFIG_BUCKET",
    "FAIRWAY_IDENTITY_FUNCTION",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Everything that the environment says."""

    app: str
    environment: str
    service: str
    version: str
    bucket: str
    identity_function: str
    table: str
    namespace: str
    envoy: str
    state: Path
    handouts: Path
    probe: Path
    drain_delay: float
    task: str
    poll: float
    report: float

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> AgentSettings:
        """Read the settings; InvalidConfiguration names every missing or wrong variable."""
        service = variables.get("FAIRWAY_SERVICE", "")
        app, environment = (
            variables.get("FAIRWAY_APP", ""),
            variables.get("FAIRWAY_ENVIRONMENT", ""),
        )
        version = "" if service == GATEWAY else variables.get("FAIRWAY_VERSION", "")
        numbers = {
            name: _seconds(variables.get(name, default))
            for name, default in (
                ("FAIRWAY_DRAIN_DELAY", "12"),
                ("FAIRWAY_AGENT_POLL", "2"),
                ("FAIRWAY_AGENT_REPORT", "5"),
            )
        }
        problems = [f"{name} is not set" for name in _NEEDED if not variables.get(name)]
        problems += ["FAIRWAY_VERSION is not set"] if service != GATEWAY and not version else []
        problems += [f"{name} must be seconds" for name, value in numbers.items() if value is None]
        if problems:
            raise InvalidConfiguration(
                "; ".join(problems),
                where="environment variables",
                remedy="set them for the container of the sidecar",
            )
        return cls(
            app=app,
            environment=environment,
            service=service,
            version=version,
            bucket=variables["FAIRWAY_CONFIG_BUCKET"],
            identity_function=variables["FAIRWAY_IDENTITY_FUNCTION"],
            table=variables.get("FAIRWAY_TELEMETRY_TABLE", ""),
            namespace=variables.get("FAIRWAY_METRICS_NAMESPACE", NAMESPACE),
            envoy=variables.get("FAIRWAY_ENVOY") or "envoy",
            state=state_folder(variables),
            handouts=Path(variables.get("FAIRWAY_AGENT_HANDOUTS") or "/fairway"),
            probe=Path(variables.get("FAIRWAY_PROBE") or "/bin/busybox"),
            drain_delay=numbers["FAIRWAY_DRAIN_DELAY"] or 0.0,
            task=variables.get("FAIRWAY_TASK", ""),
            poll=numbers["FAIRWAY_AGENT_POLL"] or 0.0,
            report=numbers["FAIRWAY_AGENT_REPORT"] or 0.0,
        )

    @property
    def is_gateway(self) -> bool:
        """Whether there is no app beside it."""
        return self.service == GATEWAY

    @property
    def mesh_key(self) -> str:
        """The document with Envoy's files."""
        own = f"{self.service}/{self.version}" if self.version else self.service
        return f"mesh/{own}/envoy.json"

    @property
    def handouts_key(self) -> str:
        """The document with what the app reads."""
        return f"handouts/{self.service}/{self.version}.json"

    @property
    def config(self) -> Path:
        """The folder that Envoy reads."""
        return self.state / "envoy"

    @property
    def admin(self) -> Path:
        """Envoy's admin socket."""
        return self.state / "admin.sock"

    @property
    def marker(self) -> Path:
        """A file that is there while everything is well; `fairway-agent health` looks for it."""
        return self.state / "healthy"


def state_folder(variables: Mapping[str, str]) -> Path:
    """The agent's own folder."""
    return Path(variables.get("FAIRWAY_AGENT_STATE") or "/tmp/fairway")  # noqa: S108 - tmpfs


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 3600 else None
