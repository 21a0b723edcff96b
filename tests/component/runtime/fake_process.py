"""`milesaga run` with a service of our own in payment's place and idle ones elsewhere. What it does goes to a journal.

Settings: JOURNAL (a file), RELEASE (a file: handlers wait until it is there, and
with the suffix `.unwell` the service says that it can do no work), TASK_FAILURES (how often its task dies).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.cli import run, serving
from shared.bus.outbox import Outbox
from shared.contracts.cloudevents import Envelope
from shared.contracts.payment import VoidAuthorization
from shared.contracts.steps import StepUndone
from shared.kernel.ids import derived
from shared.runtime.host import Compose
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import Settings, read
from shared.store.documents import CollectionSpec, Document
from shared.web.routes import Routes


class FakeSettings(Settings):
    journal: Path
    release: Path
    task_failures: int = Field(default=0, ge=0)


class Journal:
    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, line: str) -> None:
        with self._file.open("a") as out:
            out.write(line + "\n")
            out.flush()
            os.fsync(out.fileno())


def compose(runtime: Runtime) -> Service:
    settings = read(FakeSettings)
    journal = Journal(settings.journal)
    store = runtime.store("payment")
    outbox = Outbox("tests/payment", runtime.publisher, runtime.clock, runtime.ids)
    documents = outbox.watch(store.collection(CollectionSpec("documents")))
    failures = iter(range(settings.task_failures))

    async def void(command: VoidAuthorization, envelope: Envelope) -> None:
        journal.write(f"begun {command.purchase_id}")
        while not settings.release.exists():  # noqa: ASYNC110 - the test makes the file
            await asyncio.sleep(0.02)
        answer = outbox.entry(StepUndone.to(command), envelope)
        document_id = derived(command.purchase_id, envelope.id)
        await documents.save(Document(document_id, {}), [answer])
        await outbox.send(documents, document_id, [answer])
        journal.write(f"done {command.purchase_id}")

    async def failing_task() -> None:
        journal.write("task started")
        if next(failures, None) is not None:
            raise RuntimeError("a card number, say")
        await asyncio.Event().wait()

    async def closed() -> None:
        journal.write("closed")

    async def well() -> None:
        if settings.release.with_suffix(".unwell").exists():
            raise RuntimeError("not well")

    return Service(
        "payment",
        {VoidAuthorization: void},
        _router(runtime),
        store,
        outbox,
        tasks=[failing_task],
        closing=[closed],
        ready={"health": well},
    )


def _router(runtime: Runtime) -> Routes:
    router = Routes("fake")

    @router.get("/v1/fake")
    @router.post("/v1/fake")
    async def answer() -> dict[str, str]:
        return {"said": "yes"}

    @router.get("/v1/fake/{name}/stream")
    async def stream(name: str) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            yield f"data: {name}\n\n"
            await runtime.draining.wait()
            yield "data: end\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return router


def composition(name: str) -> Compose:
    """Payment is ours; the other services do nothing."""
    return compose if name == "payment" else lambda _: Service(name)


if __name__ == "__main__":
    serving.composition = composition
    typer.run(run.run)
