"""Which commands there are: name, module, one-line summary, example.

`main` lists them from here without importing any of them, so that `fairway --help` stays fast; a
test compares every summary with the command's own docstring. `docs/commands.md` follows this order.
"""

from __future__ import annotations

from dataclasses import dataclass

START = "Start"
RUN = "Run and watch"
DELIVER = "Deliver"
GOVERN = "Govern"
SHARE = "Share"
HELP = "This machine"


@dataclass(frozen=True, slots=True)
class Entry:
    """One top-level command. `module` is imported only when the command is used.

    `reads_app` commands also take `--file` and `--env`.
    """

    name: str
    module: str
    panel: str
    summary: str
    example: str
    reads_app: bool = True
    hidden: bool = False


CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "init",
        "init",
        START,
        "Write an app file for what is in this folder.",
        "fairway init --from compose.yaml",
        reads_app=False,
    ),
    Entry(
        "validate",
        "validate",
        START,
        "Check the app file and its policies; report every problem at once.",
        "fairway validate --env prod",
    ),
    Entry(
        "schema",
        "schema",
        START,
        "Print the JSON Schema of the app file, for editors.",
        "fairway schema > fairway.schema.json",
        reads_app=False,
    ),
    Entry("up", "up", RUN, "Start the app on this machine.", "fairway up -d"),
    Entry("down", "down", RUN, "Stop everything that `up` started.", "fairway down"),
    Entry(
        "status", "status", RUN, "Show what runs, where, and how it is.", "fairway status --json"
    ),
    Entry(
        "logs",
        "logs",
        RUN,
        "Show what the services said, in their output and by OTLP.",
        "fairway logs orbit -f --level warning",
    ),
    Entry("console", "console", RUN, "Open the console in the browser.", "fairway console"),
    Entry(
        "traces",
        "traces",
        RUN,
        "Show the traces of requests, the newest last.",
        "fairway traces orbit --outcome error --slower 200ms",
    ),
    Entry(
        "trace",
        "trace",
        RUN,
        "Show one trace as a waterfall, with what was decided at each hop.",
        "fairway trace 4bf92f35",
    ),
    Entry(
        "metrics",
        "metrics",
        RUN,
        "Show which metrics there are, or one of them over time.",
        "fairway metrics http_server_request_duration_seconds --by version",
    ),
    Entry(
        "slo",
        "slo",
        RUN,
        "Show what is left of the error budgets, and how fast they burn.",
        "fairway slo --json",
    ),
    Entry("open", "open", RUN, "Open a service in the browser.", "fairway open orbit"),
    Entry(
        "restart", "restart", RUN, "Replace every replica of a service.", "fairway restart orbit"
    ),
    Entry("scale", "scale", RUN, "Change how many replicas run.", "fairway scale orbit=3 axon=2"),
    Entry(
        "run",
        "run",
        RUN,
        "Run one command, or a job, with a service's environment.",
        "fairway run orbit -- python -m orbit.migrate",
    ),
    Entry(
        "call",
        "call",
        RUN,
        "Send a signed, traced call through the mesh and show how it was decided.",
        'fairway call orbit /dispatch --as web --intent dispatch --data \'{"task": "think"}\'',
    ),
    Entry(
        "load",
        "load",
        RUN,
        "Send requests through the gateway at a constant rate, and count what failed.",
        'fairway load orbit dispatch --rate 50 --duration 30s --data \'{"prompt": "why?"}\'',
    ),
    Entry(
        "plan",
        "plan",
        DELIVER,
        "Show what a deployment would change, and why.",
        "fairway plan prod --out plan.json",
    ),
    Entry(
        "bootstrap",
        "bootstrap",
        DELIVER,
        "Make what an environment on AWS needs before its first deployment.",
        "fairway bootstrap prod",
    ),
    Entry(
        "render",
        "render",
        DELIVER,
        "Write the Terraform of an environment on AWS, as it follows from the app file.",
        "fairway render prod -o out",
    ),
    Entry(
        "cost",
        "cost",
        DELIVER,
        "Estimate what a month of an environment costs.",
        "fairway cost prod --details",
    ),
    Entry(
        "deploy",
        "deploy",
        DELIVER,
        "Deploy the app as it is in its folder, and follow the deployment to its end.",
        "fairway deploy prod --plan plan.json",
    ),
    Entry(
        "follow",
        "follow",
        DELIVER,
        "Follow a deployment to its end; the exit codes are those of `deploy`.",
        "fairway follow --env prod",
    ),
    Entry(
        "approve",
        "approve",
        DELIVER,
        "Agree to a deployment that waits for approval.",
        "fairway approve --env prod",
    ),
    Entry(
        "reject",
        "reject",
        DELIVER,
        "Refuse a deployment that waits for approval, with the reason.",
        'fairway reject --env prod --reason "not on a Friday"',
    ),
    Entry(
        "promote",
        "promote",
        DELIVER,
        "Go on to the next stage without waiting for a verdict.",
        "fairway promote --fully",
    ),
    Entry(
        "pause",
        "pause",
        DELIVER,
        "Hold a deployment at its present weights.",
        'fairway pause --reason "looks odd"',
    ),
    Entry(
        "resume",
        "resume",
        DELIVER,
        "Let a paused deployment go on.",
        "fairway resume",
    ),
    Entry(
        "abort",
        "abort",
        DELIVER,
        "End a deployment and go back to the release before it.",
        'fairway abort --reason "wrong branch"',
    ),
    Entry(
        "override",
        "override",
        DELIVER,
        "Let a deployment pass the approval or the window that holds it, in an emergency.",
        'fairway override --env prod --reason "the fix for the outage"',
    ),
    Entry(
        "rollback",
        "rollback",
        DELIVER,
        "Bring an earlier release back: services, configuration and policies.",
        "fairway rollback prod 7",
    ),
    Entry(
        "deployments",
        "deployments",
        DELIVER,
        "List the deployments of an environment, the newest first.",
        "fairway deployments prod --status rolled_back",
    ),
    Entry(
        "deployment",
        "deployment",
        DELIVER,
        "Look at one deployment.",
        "fairway deployment show",
    ),
    Entry(
        "history",
        "history",
        DELIVER,
        "List the releases of an environment, the newest first; `*` marks the one in force.",
        "fairway history prod",
    ),
    Entry(
        "show",
        "show",
        DELIVER,
        "Show one release: its services, policies and digests.",
        "fairway show prod 7",
    ),
    Entry(
        "diff",
        "diff",
        DELIVER,
        "Show what differs between two releases: app file, sources and policies.",
        "fairway diff prod 6 7",
    ),
    Entry(
        "drift",
        "drift",
        DELIVER,
        "Compare what runs with what was deployed.",
        "fairway drift prod --fix",
    ),
    Entry(
        "eject",
        "eject",
        DELIVER,
        "Leave a folder from which Terraform goes on without Fairway.",
        "fairway eject prod -o infrastructure",
    ),
    Entry(
        "webhooks",
        "webhooks",
        DELIVER,
        "See what webhooks and other listeners could not be told, and tell it again.",
        "fairway webhooks redeliver --env prod",
    ),
    Entry(
        "login",
        "login",
        DELIVER,
        "Keep your token for the server of shared environments.",
        "fairway login https://fairway.example.com < token.txt",
        reads_app=False,
    ),
    Entry(
        "secrets",
        "secrets",
        GOVERN,
        "Set, list and rotate secrets.",
        "fairway secrets set AXON_MODEL_KEY < key.txt",
    ),
    Entry(
        "policy",
        "policy",
        GOVERN,
        "Test, version, activate and audit policies.",
        "fairway policy test",
    ),
    Entry(
        "explain",
        "explain",
        GOVERN,
        "Say why something is as it is: the permissions of a service on AWS.",
        "fairway explain iam orbit --env prod",
    ),
    Entry(
        "server",
        "server",
        SHARE,
        "Run the control plane of shared environments.",
        "fairway server --database postgresql://fairway@db/fairway",
        reads_app=False,
    ),
    Entry(
        "token",
        "token",
        SHARE,
        "Issue, list and revoke the tokens of a shared control plane.",
        "fairway token issue ci --role deployer",
        reads_app=False,
    ),
    Entry(
        "doctor",
        "doctor",
        HELP,
        "Say what is missing on this machine, and how to get it.",
        "fairway doctor",
    ),
    Entry("version", "version", HELP, "Print the version.", "fairway version", reads_app=False),
    Entry(
        "control-plane",
        "control_plane",
        HELP,
        "Run the control plane in the background, for `up -d`.",
        "fairway up -d",
        hidden=True,
    ),
)
