"""Partners' endpoints as one of the providers: `/sandbox/receiver/{name}`."""

from random import Random

from services.sandbox.provider import Provider, StandIn, Surroundings
from services.sandbox.receiver.http import Receivers, router
from services.sandbox.receiver.records import SCHEMA


class ReceiverStandIn(StandIn):
    def __init__(self, around: Surroundings) -> None:
        receivers = Receivers(around.memory, around.now, Random())  # noqa: S311 - mishaps, no secrets
        self.routers = (router(receivers),)


RECEIVER = Provider(name="receiver", open=ReceiverStandIn, schema=SCHEMA, emptied=("webhooks",))
