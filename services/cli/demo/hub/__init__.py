"""`milesaga demo --hub`: partners' events from their tills to everybody who wants them."""

from rich.console import Console

from services.cli.demo.hub.scenes import HubScenes
from services.cli.demo.stack import Stack
from services.cli.printing import styled

ENVIRONMENT = {"ARCHIVE_SEGMENT_SECONDS": "2"}
"""Segments are closed soon, so that they can be verified at the end."""


def perform(stack: Stack, out: Console) -> None:
    """Play every scene over a stack that is started here. Raises Unexpected and what a stack raises."""
    out.print("Starting RabbitMQ, all services and the sandbox, which has the partners' endpoints ...")
    took = stack.start()
    out.print(f"ready {stack.url} after {took:.1f} s; log: {stack.log}")
    with HubScenes(stack, out) as scenes:
        for number, (title, play) in enumerate(scenes.all(), 1):
            out.print(styled(f"\n{number}. {title}", "bold"))
            play()
