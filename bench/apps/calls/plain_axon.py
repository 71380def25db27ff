"""What axon does, by the same code, without the library: it reasons, logs a line and answers."""

import json
import os
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from axon.reasoning import Model, ModelKey, prompt_of

model = Model(ModelKey(os.environ["AXON_MODEL_KEY"].encode()))


async def reason(request):
    """`POST /reason`, as axon answers it."""
    conclusion = model.reason(prompt_of(json.loads(await request.body())))
    line = {"event": "reasoned", "subject": conclusion.subject, "words": conclusion.words}
    print(json.dumps(line), flush=True)
    known = {"status": "alive", "service": "axon", "release": "", "correlation_id": ""}
    return JSONResponse(known | {"result": asdict(conclusion)})


app = Starlette(routes=[Route("/reason", reason, methods=["POST"])])
