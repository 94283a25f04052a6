"""The plain Python collector that ingest.js measures beside candor-central: the same endpoint and
bearer token, a JSONL file as its store, one line an event. What it leaves out makes it faster, not
slower: events are parsed but not validated and have no results of their own in the answer, nothing is
de-duplicated, nothing is synced, and an answer does not wait for the disk. With
FASTAPI_COLLECTOR_STORE=raw it only counts the events and appends the body's text as it came, which for
an array is not JSONL any more: the least that a Python collector can do. Run by uvicorn with two
workers, each with a file of its own."""

import gzip
import json
import os

from fastapi import FastAPI, Request
from fastapi.responses import Response

DIRECTORY = os.environ["FASTAPI_COLLECTOR_DIR"]
AUTHORIZATION = "Bearer " + os.environ["FASTAPI_COLLECTOR_TOKEN"]

RAW = os.environ.get("FASTAPI_COLLECTOR_STORE") == "raw"

app = FastAPI()
store = open(os.path.join(DIRECTORY, f"{os.getpid()}.jsonl"), "ab")


@app.on_event("shutdown")
def close_store():
    store.close()


@app.get("/api/v1/health")
async def health():
    return {"status": "ok"}


@app.post("/api/v1/events")
async def events(request: Request):
    if request.headers.get("authorization") != AUTHORIZATION:
        return Response(status_code=401)
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if request.headers.get("content-type") == "application/x-ndjson":
        batch = [json.loads(line) for line in body.decode().rstrip("\n").split("\n")]
    else:
        batch = json.loads(body)
    if RAW:
        store.write(body.rstrip(b"\n") + b"\n")
    else:
        store.write("".join(json.dumps(event) + "\n" for event in batch).encode())
    return Response(
        content=b'{"accepted":%d}' % len(batch), status_code=202, media_type="application/json"
    )
