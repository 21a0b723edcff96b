import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

WEBHOOK = Webhook(os.environ["WEBHOOK_SECRET"])
app = FastAPI()
done: set[str] = set()


@app.options("/hook")
async def agree(request: Request) -> Response:
    """CloudEvents' validation: yes, you may send here."""
    origin = request.headers.get("webhook-request-origin", "")
    return Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


@app.post("/hook")
async def receive(request: Request) -> Response:
    try:
        event = WEBHOOK.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    if (copy := request.headers["webhook-id"]) not in done:  # it may come twice: keep this in your database
        print(event["type"], event["id"], event["data"], flush=True)
        done.add(copy)
    return Response(status_code=204)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
