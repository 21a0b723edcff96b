import base64
import json
import os
import sys
import time

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, Request, Response

# as GET /v1/hub/targets/{bus}/{target}/keys shows them, separated by spaces; none of them is a secret
KEYS = [
    Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_")))
    for text in os.environ["WEBHOOK_PUBLIC_KEYS"].split()
]
TOLERANCE = 300
app = FastAPI()
done: set[str] = set()


@app.options("/hook")
async def agree(request: Request) -> Response:
    """CloudEvents' validation: yes, you may send here."""
    origin = request.headers.get("webhook-request-origin", "")
    return Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


@app.post("/hook")
async def receive(request: Request) -> Response:
    body = await request.body()
    if not is_signed(request, body):
        return Response(status_code=401)
    event = json.loads(body)
    if (copy := request.headers["webhook-id"]) not in done:  # it may come twice: keep this in your database
        print(event["type"], event["id"], event["data"], flush=True)
        done.add(copy)
    return Response(status_code=204)


def is_signed(request: Request, body: bytes) -> bool:
    """By one of the keys, and not long ago; while keys change there are two signatures."""
    headers = request.headers
    try:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        fresh = abs(time.time() - int(headers["webhook-timestamp"])) <= TOLERANCE
        told = [each.partition(",") for each in headers["webhook-signature"].split(" ")]
        signatures = [base64.b64decode(text) for scheme, _, text in told if scheme == "v1a"]
    except (KeyError, ValueError):
        return False
    return fresh and any(verifies(key, signature, content) for key in KEYS for signature in signatures)


def verifies(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
