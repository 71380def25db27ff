"""`fairway policy`: the policies beside the app file, their versions, and what they decided.

`test`, `validate` and `simulate` need only the app file. The others work on the stored policy sets:
through the control plane when one runs, else on the files.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fairway.cli.desk import ask, user
from fairway.cli.failures import render_problem
from fairway.cli.invocation import current
from fairway.cli.output import coloured_diff, painter, say, say_json, table, when
from fairway.cli.place import workspace_of
from fairway.cli.policies import check_policies, run_tests, seen_problems, simulate_call
from fairway.cli.policy_text import context_of, principal_of
from fairway.cli.telling.filters import since_of
from fairway.control.recorded import AuditQuery, PolicySetSummary
from fairway.errors import InvalidAppFile, InvalidInput

app = typer.Typer(add_completion=False, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Version = Annotated[int, typer.Argument(min=1, help="The version of a policy set.")]
Expected = Annotated[
    int | None,
    typer.Option(help="Refuse if this is not the version as you know it (optimistic)."),
]
Source = Annotated[
    Path | None,
    typer.Option("--policies", metavar="FILE", help="Cedar text; absent: the app's policies."),
]
Description = Annotated[str, typer.Option("--message", "-m", help="Why, for the history.")]


@app.callback()
def policy() -> None:
    """Test, version, activate and audit policies."""


@app.command("validate", epilog="Example: fairway policy validate")
def validate_policies(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the policies beside the app file; report every problem at once.

    Exit code 2 when there is one.
    """
    invocation = current(context)
    checked = check_policies(workspace_of(invocation), invocation.environment)
    if as_json:
        say_json({"valid": True, "warnings": checked.warnings})
        return
    for warning in checked.warnings:
        sys.stderr.write(f"{render_problem(warning, painter(sys.stderr), 'warning')}\n\n")
    files = len(checked.folder.policies) if checked.folder else 0
    say(f"{painter().green('valid')} {files or 'no'} policy file{'' if files == 1 else 's'}")


@app.command("test", epilog="Example: fairway policy test")
def test_policies(context: typer.Context, as_json: AsJson = False) -> None:
    """Run `*.test.yaml` beside the policies, and name the policies that no case exercises.

    Exit code 1 when a case fails, 2 when a file is wrong.
    """
    invocation = current(context)
    workspace = workspace_of(invocation)
    report = run_tests(workspace, invocation.environment)
    if report.findings.problems:
        raise InvalidAppFile(seen_problems(report.findings.problems, workspace.folder))
    if as_json:
        say_json({"passed": report.passed, "cases": report.results, "uncovered": report.uncovered})
    else:
        _show_report(report)
    if not report.passed:
        raise typer.Exit(1)


def _show_report(report: Any) -> None:
    paint = painter()
    for result in report.results:
        mark = paint.green("✓") if result.passed else paint.red("✗")
        say(f"{mark} {result.name}")
        if result.problem:
            place = f"{result.place.file}:{result.place.line}:{result.place.column}"
            say(f"    {result.problem}\n    {paint.dim(place)}")
    failed = sum(not result.passed for result in report.results)
    say(f"\n{len(report.results)} cases, {failed} failed")
    if report.uncovered:
        say(f"{paint.yellow('not exercised:')} {', '.join(report.uncovered)}")


@app.command(
    "simulate", epilog="Example: fairway policy simulate Client::web orbit dispatch -c hour=23"
)
def simulate(
    context: typer.Context,
    principal: Annotated[str, typer.Argument(help="Service::orbit, Client::web, Gateway::public.")],
    service: Annotated[str, typer.Argument(help="The service that would be called.")],
    intent: Annotated[str, typer.Argument(help="What it would be asked.")],
    given: Annotated[
        list[str] | None, typer.Option("--context", "-c", metavar="KEY=VALUE", help="Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide one call by the policies beside the app file, without sending anything.

    Exit code 0 either way: a denial is an answer.
    """
    invocation = current(context)
    asked = (principal_of(principal), (service, intent), context_of(given or []))
    decision = simulate_call(workspace_of(invocation), invocation.environment, *asked)
    if as_json:
        say_json(decision._asdict())
        return
    paint = painter()
    verdict = paint.green("ALLOWED") if decision.allowed else paint.red("DENIED")
    say(f"{verdict} {principal} → {service} {intent}: {decision.reason}")
    if decision.policies:
        say(f"policies {', '.join(decision.policies)}")


@app.command("list", epilog="Example: fairway policy list")
def list_sets(context: typer.Context, as_json: AsJson = False) -> None:
    """List the stored policy sets, the newest first; `*` marks the active one."""
    found = ask(current(context), lambda records: records.policy_sets())
    if as_json:
        say_json(found)
        return
    rows = [
        ("*" if s.active else "", str(s.version), s.author, when(s.created_at), s.description)
        for s in found
    ]
    say(table(("", "VERSION", "AUTHOR", "CREATED", "DESCRIPTION"), rows, painter()))


@app.command("show", epilog="Example: fairway policy show 3 > policies.cedar")
def show(context: typer.Context, version: Version, as_json: AsJson = False) -> None:
    """Print the Cedar text of a stored policy set."""
    found = ask(current(context), lambda records: records.policy_set(version))
    if as_json:
        say_json(found)
    else:
        say(found.policies.rstrip("\n"))


@app.command("create", epilog='Example: fairway policy create -m "no calls at night"')
def create(
    context: typer.Context,
    source: Source = None,
    description: Description = "",
    expected: Expected = None,
    as_json: AsJson = False,
) -> None:
    """Store the policies as a new version. It decides nothing until it is activated."""
    text = _text(context, source)
    made = ask(
        current(context),
        lambda records: records.create_policy_set(
            text, author=user(), description=description, expected=expected
        ),
    )
    _stored(made, as_json)


@app.command("update", epilog="Example: fairway policy update 3 --policies stricter.cedar")
def update(
    context: typer.Context,
    version: Version,
    source: Source = None,
    description: Description = "",
    expected: Expected = None,
    as_json: AsJson = False,
) -> None:
    """Store a new version made from an older one, which stays as it is."""
    text = _text(context, source)
    made = ask(
        current(context),
        lambda records: records.update_policy_set(
            version, text, author=user(), description=description, expected=expected
        ),
    )
    _stored(made, as_json)


@app.command("delete", epilog="Example: fairway policy delete 2")
def delete(context: typer.Context, version: Version, as_json: AsJson = False) -> None:
    """Forget a version that was never active."""
    ask(current(context), lambda records: records.delete_policy_set(version, author=user()))
    if as_json:
        say_json({"deleted": version})
    else:
        say(f"deleted policy set {version}")


@app.command("diff", epilog="Example: fairway policy diff 2 3")
def diff(context: typer.Context, before: Version, after: Version, as_json: AsJson = False) -> None:
    """Show what changes from one version to another."""
    found = ask(current(context), lambda records: records.diff_policy_sets(before, after))
    if as_json:
        say_json(found)
        return
    for word, names in (
        ("added", found.added), ("removed", found.removed), ("changed", found.changed),
    ):  # fmt: skip
        if names:
            say(f"{word}: {', '.join(names)}")
    say(coloured_diff(found.text, painter()) if found.text else "no difference")


@app.command("activate", epilog="Example: fairway policy activate 3 --expected 2")
def activate(
    context: typer.Context, version: Version, expected: Expected = None, as_json: AsJson = False
) -> None:
    """Let a version decide, everywhere, without dropping a request."""
    done = ask(
        current(context),
        lambda records: records.activate_policy_set(version, author=user(), expected=expected),
    )
    _activated(done, as_json)


@app.command("rollback", epilog="Example: fairway policy rollback")
def rollback(
    context: typer.Context,
    to: Annotated[
        int | None, typer.Option("--to", help="A version; absent: the one before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let the version decide that was active before."""
    done = ask(current(context), lambda records: records.roll_back_policies(author=user(), to=to))
    _activated(done, as_json)


@app.command("audit", epilog="Example: fairway policy audit --verdict deny --since 1h")
def audit(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="Only calls of this service.")] = None,
    intent: Annotated[str | None, typer.Option(help="Only this intent.")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="Only these: allow or deny.", metavar="VERDICT")
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Younger than: 5m, 2h, a date.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Older than: 5m, 2h, a date.")] = "",
    limit: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many entries.")
    ] = 50,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every hash chain against its anchors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was decided and which policies were changed; with `--verify` prove it whole.

    Exit code 1 when `--verify` finds a changed, removed or cut entry.
    """
    invocation = current(context)
    now = time.time()
    query = AuditQuery(
        service, intent, _verdict(verdict), since_of(since, now), since_of(until, now), limit
    )
    entries = ask(invocation, lambda records: records.audit(query))
    chains = ask(invocation, lambda records: records.verify_audit()) if verify else ()
    if as_json:
        say_json({"entries": entries, "chains": chains if verify else None})
    else:
        _show_audit(entries, chains)
    if not all(chain.whole for chain in chains):
        raise typer.Exit(1)


def _show_audit(entries: Any, chains: Any) -> None:
    paint = painter()
    for entry in entries:
        verdict = {"allow": paint.green("allow"), "deny": paint.red("deny ")}.get(entry.verdict)
        asked = f"{entry.caller} → {entry.service} {entry.intent}: " if entry.service else ""
        ids = " ".join(part for part in (entry.decision_id, entry.correlation_id) if part)
        said = f"{verdict or 'note '} {asked}{entry.reason}"
        say(f"{paint.dim(when(entry.at))} {said} {paint.dim(ids)}")
    if not entries:
        say("no entry matches")
    for chain in chains:
        mark = paint.green("whole") if chain.whole else paint.red("broken")
        say(f"chain {chain.writer}: {mark}, {chain.entries} entries {chain.problem}".rstrip())


def _verdict(text: str | None) -> Literal["allow", "deny"] | None:
    match text:
        case None | "allow" | "deny":
            return text
        case _:
            raise InvalidInput(
                "invalid-verdict",
                f"{text!r} is not a verdict",
                where="--verdict",
                remedy="choose allow or deny",
            )


def _text(context: typer.Context, source: Path | None) -> str:
    """The text of a file as it is (the store validates it), or of the app's checked policies."""
    if source is None:
        invocation = current(context)
        return check_policies(workspace_of(invocation), invocation.environment).text
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "unreadable-file",
            f"the policies cannot be read: {error}",
            where=str(source),
            remedy="name a file with Cedar text",
        ) from error


def _stored(made: PolicySetSummary, as_json: bool) -> None:
    if as_json:
        say_json(made)
    else:
        say(
            f"stored policy set {made.version}; activate it: fairway policy activate {made.version}"
        )


def _activated(done: Any, as_json: bool) -> None:
    if as_json:
        say_json(done)
        return
    instead = f" instead of {done.previous}" if done.previous else ""
    took = f" after {done.seconds * 1000:.0f}ms" if done.seconds else ""
    say(f"policy set {done.version} decides{instead}{took} (release {done.release})")
