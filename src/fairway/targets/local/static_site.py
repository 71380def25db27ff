"""The server behind services of kind `static`: `python -m fairway.targets.local.static_site ROOT`.

Started by the supervisor as a replica like any other, with `$HOST` and `$PORT`. Serves files with
ETag, ranges and conditional requests, `index.html` for folders and `404.html` for what is missing.
Guarantees: nothing outside the folder and no dotfile (`.env`, `.git`) is ever served, except
`/.well-known/`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from fairway.errors import InvalidInput
from fairway.targets.local.ports import LOOPBACK


class Site(StaticFiles):
    """A folder as an ASGI application."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InvalidInput(
                "folder-missing",
                "the folder of the static site does not exist",
                where=str(root),
                remedy="correct `root` in the app file, or build the site first",
            )
        super().__init__(directory=root, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`, or 404 for what must stay private."""
        hidden = [part for part in Path(path).parts if part.startswith(".")]
        if hidden and hidden != [".well-known"]:
            raise HTTPException(404)
        return await super().get_response(path, scope)


def main() -> None:
    """Serve the folder given as the only argument until SIGTERM."""
    try:
        site = Site(Path(sys.argv[1]))
    except InvalidInput as error:
        sys.exit(str(error))
    app = Starlette(routes=[Mount("/", site)])  # turns what `Site` raises into answers
    host = os.environ.get("HOST", LOOPBACK)
    uvicorn.run(app, host=host, port=int(os.environ["PORT"]), lifespan="off")


if __name__ == "__main__":
    main()
