"""moto over HTTP with our additions, as a process: `python -m tests.aws.moto_server PORT`.

Started by `moto_rig`. moto's own server takes no plug-ins, hence this one: it installs
`moto_plugins`, serves on 127.0.0.1 (port 0: any free one), says on standard output where it
listens, and ends when its standard input does, so that it never outlives who started it. Calls that
moto does not know, and calls that it failed at, are written to standard error, one line each.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

SETTINGS = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # nobody looks for them; loading takes a second
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_ACM_VALIDATION_WAIT": "0",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
"""Read by moto when it is imported."""
_ONE_AT_A_TIME = threading.Lock()
"""moto's dictionaries change while another request goes over them, under the load of Terraform."""


def main(port: int) -> None:
    """Serve until standard input ends."""
    os.environ.update(SETTINGS)
    server = _server(port)
    threading.Thread(target=_end_with_input, daemon=True).start()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


def _server(port: int) -> Any:
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from tests.aws import moto_plugins
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log_request(self, *args: Any, **kwargs: Any) -> None:
            """Say nothing of each request."""

    default_user_config["lambda"]["use_docker"] = False
    default_user_config["batch"]["use_docker"] = False
    moto_plugins.install()
    app = _complaining(DomainDispatcherApplication(create_backend_app))
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)


def _complaining(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            page = status[:3] == "404" and "text/html" in dict(headers).get("Content-Type", "")
            unknown = page and environ["REQUEST_METHOD"] != "HEAD"
            if status[:1] == "5" or unknown:  # a page is Flask's own: moto knows no such path
                print(json.dumps(_called(environ) | {"status": status}), file=sys.stderr)
            return start(status, headers, *args)

        try:
            with _ONE_AT_A_TIME:
                return list(app(environ, begin))
        except Exception as error:  # noqa: BLE001 -- whatever moto stumbles over
            print(json.dumps(_called(environ) | {"error": repr(error)}), file=sys.stderr)
            return _refused(start, repr(error))

    return answer


def _refused(start: Callable[..., Any], words: str) -> Iterable[bytes]:
    """An answer that clients take for final: after an internal error they would ask 25 times."""
    start("400 Bad Request", [("Content-Type", "text/xml"), ("X-Amzn-ErrorType", "NotEmulated")])
    error = f"<Error><Code>NotEmulated</Code><Message>{words}</Message></Error>"
    return [f"<ErrorResponse>{error}</ErrorResponse>".encode()]


def _called(environ: dict[str, Any]) -> dict[str, Any]:
    signed = environ.get("HTTP_AUTHORIZATION", "").split("/")
    return {
        "service": signed[3] if len(signed) > 3 else "",
        "target": environ.get("HTTP_X_AMZ_TARGET", ""),
        "call": f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
    }


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
