"""`fairway call`: one signed, traced call through the mesh, and how it was decided."""

from __future__ import annotations

import json
import secrets
import time
from typing import Annotated, Any

import typer

from fairway.cli.calling.body import body_of
from fairway.cli.calling.hops import Hop, complete, trace_path
from fairway.cli.invocation import current
from fairway.cli.log_files import access_files, audit_records, lines_with
from fairway.cli.output import Painter, painter, say, say_json
from fairway.cli.place import state_of
from fairway.control.calling.plan import CallPlan, Ids, Wish, plan_call
from fairway.control.calling.send import Reply, port_of, read_bundle, send_as, send_public
from fairway.errors import InvalidInput
from fairway.targets.local.layout import StateDir
from fairway_runtime.policy.bundle import PolicyBundle

app = typer.Typer(add_completion=False)
_DENIED = (401, 403)
_REFUSED_EXIT = 6
_HOPS_SECONDS = 1.0
"""How long to wait for the Envoys to write their access logs, after the reply is there."""


@app.command()
def call(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="The service to call.")],
    path: Annotated[str, typer.Argument(help="Path and query; absent: the intent's.")] = "",
    caller: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The client or service to call as.")
    ] = "",
    intent: Annotated[str, typer.Option(help="The intent that this call must be.")] = "",
    method: Annotated[
        str, typer.Option("--method", "-X", help="Absent: that of the intent, else GET or POST.")
    ] = "",
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="The body; @file reads one, - is stdin.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until giving up.")] = 30.0,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 6 when it was denied.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print reply and path as JSON.")] = False,
) -> None:
    """Send a signed, traced call through the mesh and show how it was decided.

    With `--as` the call goes over mutual TLS straight to the service's sidecar; without, through
    the gateway as anyone could call. Works also while the control plane is down.
    """
    state = state_of(current(context))
    bundle = read_bundle(state)
    ids = Ids(secrets.token_hex(16), secrets.token_hex(16), secrets.token_hex(8))
    headers = tuple(header or ())
    wish = Wish(service, path, caller, intent, method, headers, body_of(data))
    plan = plan_call(wish, bundle, ids)
    reply = _send(plan, state, bundle, timeout)
    hops = _path(state, plan, ids.correlation)
    if as_json:
        say_json(_report(plan, reply, hops, ids))
    else:
        _show(plan, reply, hops, ids, verbose=bool(current(context).verbose))
    if fail and reply.status in _DENIED:
        raise typer.Exit(_REFUSED_EXIT)


def _send(plan: CallPlan, state: StateDir, bundle: PolicyBundle, timeout: float) -> Reply:
    if plan.caller:
        return send_as(plan, state, bundle, timeout)
    if not bundle.services[plan.callee].public:
        clients = ", ".join(bundle.clients) or "none is declared"
        raise InvalidInput(
            "not-public",
            f"'{plan.callee}' has no public route, so somebody must call it",
            where="--as",
            remedy=f"name a client ({clients}) or a service with --as",
        )
    return send_public(plan, port_of(state, "gateway"), timeout)


def _path(state: StateDir, plan: CallPlan, correlation: str) -> tuple[Hop, ...]:
    """The hops, as soon as the Envoys have written them; what is there after a second, else."""
    deadline = time.monotonic() + _HOPS_SECONDS
    while True:
        access = lines_with(access_files(state), correlation)
        if complete(access, plan.callee, public=not plan.caller) or time.monotonic() > deadline:
            decisions = [r for r in audit_records(state, correlation) if r["kind"] == "decision"]
            return trace_path(access, decisions)
        time.sleep(0.03)


def _report(plan: CallPlan, reply: Reply, hops: tuple[Hop, ...], ids: Ids) -> dict[str, Any]:
    return {
        "status": reply.status,
        "allowed": reply.status not in _DENIED,
        "caller": plan.caller or "public",
        "service": plan.callee,
        "intent": plan.intent,
        "method": plan.method,
        "path": plan.path,
        "signed": reply.signed,
        "milliseconds": round(reply.seconds * 1000, 2),
        "correlation_id": ids.correlation,
        "trace_id": ids.trace,
        "hops": hops,
        "headers": reply.headers,
        "body": _decoded(reply.body),
    }


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _show(plan: CallPlan, reply: Reply, hops: tuple[Hop, ...], ids: Ids, *, verbose: bool) -> None:
    paint = painter()
    how = "signed, mutual TLS" if reply.signed else ("mutual TLS" if plan.caller else "public")
    intent = f"intent {plan.intent}" if plan.intent else "no declared intent"
    say(f"{paint.bold(plan.caller or 'public')} → {paint.bold(plan.callee)}  "
        f"{plan.method} {plan.path}  {paint.dim(f'{intent}, {how}')}")  # fmt: skip
    for hop in hops:
        say(_hop_line(hop, paint))
    if not hops:
        say(paint.dim("  (the Envoys have not written their access logs yet)"))
    took = paint.dim(f"in {reply.seconds * 1000:.1f}ms")
    say(f"\n{_verdict(reply.status, paint)} {reply.status} {reply.reason} {took}")
    if verbose:
        say("".join(f"{paint.dim(name + ':')} {value}\n" for name, value in reply.headers.items()))
    if reply.body:
        say(_pretty(reply.body))
    say(f"\n{paint.dim('correlation')} {ids.correlation}")
    say(f"{paint.dim('logs       ')} fairway logs --correlation {ids.correlation}")


def _verdict(status: int, paint: Painter) -> str:
    """What governance said; a request that it let through may still be a wrong one (4xx)."""
    if status in _DENIED:
        return paint.red("DENIED")
    if status >= 500:
        return paint.yellow("FAILED")
    if status >= 400:
        return paint.yellow("ALLOWED, but")
    return paint.green("ALLOWED")


def _hop_line(hop: Hop, paint: Painter) -> str:
    mark = {"allowed": paint.green("✓"), "denied": paint.red("✗"), "failed": paint.yellow("!")}
    took = f" {hop.milliseconds:.1f}ms" if hop.milliseconds is not None else ""
    facts = [hop.reason]
    if hop.by == "library":
        unnamed = [policy for policy in hop.policies if policy not in hop.reason]
        facts += [f"policies {', '.join(unnamed)}"] if unnamed else []
        facts += [f"policy set {hop.policy_set}", f"decision {hop.decision_id}"]
    where = f"{hop.caller} → {hop.callee}".ljust(24)
    verdict = hop.verdict.ljust(8)
    return (
        f"  {mark[hop.verdict]} {hop.by:<8} {where} {verdict}{paint.dim('; '.join(facts) + took)}"
    )


def _pretty(body: bytes) -> str:
    decoded = _decoded(body)
    return (
        decoded if isinstance(decoded, str) else json.dumps(decoded, indent=2, ensure_ascii=False)
    )
