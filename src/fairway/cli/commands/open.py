"""`fairway open`: a service's public address in the browser."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairway.cli import summary
from fairway.cli.invocation import current
from fairway.cli.output import say, say_json
from fairway.cli.place import connect
from fairway.errors import NotFound
from fairway.model.names import did_you_mean

app = typer.Typer(add_completion=False)


@app.command("open")
def open_service(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="A service with a public route; absent: the gateway.")
    ] = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the address, open nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as JSON.")] = False,
) -> None:
    """Open a service in the browser."""
    url = public_url(connect(current(context)).get("/api/v1/status"), service)
    if as_json:
        say_json({"url": url})
        return
    say(url)
    if not only_print:
        typer.launch(url)


def public_url(status: summary.Status, service: str | None) -> str:
    """The first public address of a service, or the gateway's; raises NotFound."""
    if service is None:
        urls = [status["gateway_url"]] if status["gateway_url"] else []
    else:
        urls = _named(status["services"], service)["urls"]
    if not urls:
        raise NotFound(
            "no-public-address",
            f"{service or 'the app'} has no public address",
            remedy="give the service a public route in the app file: public: /",
        )
    return str(urls[0])


def _named(services: list[dict[str, Any]], name: str) -> dict[str, Any]:
    names = [service["name"] for service in services]
    if name not in names:
        raise NotFound(
            "no-such-service",
            f"there is no service '{name}'",
            remedy=did_you_mean(name, names, "see `fairway status`"),
        )
    return services[names.index(name)]
