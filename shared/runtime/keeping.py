"""What a service keeps: its database, its documents, and the messages saved with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from shared.bus.dispatch import NO_TAKERS, NOBODY_TOLD, HandlerTable, Misread, Taker
from shared.bus.outbox import Outbox
from shared.contracts.messages import Message
from shared.runtime.every import Every
from shared.runtime.health import NOTHING
from shared.runtime.service import Runtime, Service, Task
from shared.store import installation, sweeping
from shared.store.documents import Collection, CollectionSpec
from shared.store.repository import M, Repository
from shared.store.share import Share
from shared.store.sweeping import Sweeper
from shared.telemetry.figures import Figure
from shared.web.routes import Routes
from shared.worker.compaction import Keep, keep_all
from shared.worker.participant import CALL_TIMEOUT, SETTLE, Participant
from shared.worker.work import W


class Keeping:
    """One for each service, made by its composition root, which gets its documents, its worker and itself from it."""

    def __init__(self, runtime: Runtime, service: str) -> None:
        self._runtime = runtime
        self._service = service
        self._speaks = False
        self.store = runtime.store(service)
        self._installation = self.store.collection(installation.SPEC)
        self.outbox = Outbox(f"milesaga/{service}", runtime.publisher, runtime.clock, runtime.ids)

    def documents(
        self,
        spec: CollectionSpec,
        model: type[M],
        *,
        wake: Callable[[M], datetime | None] = lambda _: None,
        silent: bool = False,
    ) -> Repository[M]:
        """Documents under their `id`. `silent` ones cause no messages, so that the relay need not look at them."""
        return Repository(self.collection(spec, silent=silent), model, key=attrgetter("id"), wake=wake)

    def collection(self, spec: CollectionSpec, *, silent: bool = False) -> Collection:
        """Documents that are no models: as many as there are, and as small."""
        collection = self.store.collection(spec)
        if not silent:
            self.outbox.watch(collection)
            self._speaks = True
        return collection

    def participant(
        self,
        documents: Repository[W],
        *,
        new: Callable[[str], W] | None = None,
        call_timeout: timedelta = CALL_TIMEOUT,
        settle: timedelta = SETTLE,
        keep: Keep[W] = keep_all,
    ) -> Participant[W]:
        """Who carries out commands on the documents. `new` makes one that is seen for the first time; of its id alone
        where it is not given. `keep` says what of a document's log is stored."""
        return Participant(
            documents,
            self.outbox,
            self._runtime.clock,
            new=new or (lambda id_: documents.model(id=id_)),
            call_timeout=call_timeout,
            settle=settle,
            keep=keep,
            after_restore=self._runtime.settings.after_restore,
        )

    def sweeping(self, documents: Repository[M], share: Share) -> Every:
        """The task that deletes documents when they are due."""
        sweeper = Sweeper(documents, self._runtime.clock, share)
        return Every(sweeping.PAUSE, sweeper.once, full=sweeping.PAGE, name="sweeping")

    def service(
        self,
        *,
        table: HandlerTable | None = None,
        misread: Mapping[type[Message], Misread] = NOBODY_TOLD,
        takers: Mapping[str, Taker] = NO_TAKERS,
        router: Routes | None = None,
        tasks: Sequence[Task] = (),
        closing: Sequence[Task] = (),
        figures: Sequence[Figure] = (),
        ready: Mapping[str, Task] = NOTHING,
        prefetch: int | None = None,
    ) -> Service:
        """The service, composed."""
        return Service(
            name=self._service,
            table=table or {},
            misread=misread,
            takers=takers,
            router=router,
            store=self.store,
            outbox=self.outbox if self._speaks else None,
            tasks=tasks,
            closing=closing,
            figures=figures,
            ready=ready,
            prefetch=prefetch,
            installation=partial(installation.installation, self._installation, self._runtime.ids),
        )
