"""Numbers that the manifests are made with, and where each comes from."""

from typing import Final

from shared.runtime.description import Description

DRAIN_SECONDS: Final = 90
"""Longer than the longest handler: issuing tickets may take twice 30 s; a test compares it with the settings."""
LEAVING_SECONDS: Final = 10
"""What a process may need after the drain: see `shared/runtime/host.py`."""
ROUTE_SECONDS: Final = 5
"""Before the signal: so long a Service may still send requests to a pod that is going."""
GRACE_SECONDS: Final = ROUTE_SECONDS + DRAIN_SECONDS + LEAVING_SECONDS + 15

CPU: Final = "250m"
MEMORY: Final = "128Mi"
MEMORY_LIMIT: Final = "384Mi"
KEPT: Final = "20Gi"
"""Of a service that has files of its own: what they are for a month at some dozen events a second."""
"""At rest a process is 92 to 100 MB. No limit of CPU: throttling makes time-outs of it."""

FEWEST: Final = 1
FEWEST_IN_PRODUCTION: Final = 2
"""One zone may fail."""
MOST: Final = 20

MESSAGES_PER_REPLICA: Final = 20
"""Waiting or in hand; a process takes 200 at once."""
MESSAGES_A_SECOND_PER_REPLICA: Final = 100
SUSPECTS_PER_REPLICA: Final = 5
REQUESTS_A_SECOND_PER_REPLICA: Final = 50
POSTS_A_SECOND_PER_REPLICA: Final = 300
"""To partners' endpoints: less than half of what a process can, see docs/capacity.md."""
COPIES_PER_REPLICA: Final = 1_000
LINE: Final = 250
"""More of one target's copies count for no more: one process has it, and others could only take other targets away."""

POLLING_SECONDS: Final = 1
IDLE_SECONDS: Final = 15
"""From the last trigger that was active to zero."""
CALM_SECONDS: Final = 10
"""What has been asked for in the last seconds still counts when replicas are taken away."""

CANARY_WEIGHTS: Final = tuple(range(10, 100, 10))
CANARY_SECONDS: Final = 60
LOOK_SECONDS: Final = 20
"""Between two looks of an analysis."""
WINDOW_SECONDS: Final = 60
"""What is looked at; a few times what lies between two scrapes."""
FIRST_LOOKS: Final = 6
"""At a version's first tenth, where its service is judged by more than all are: two windows, nearly."""


def fewest(service: Description) -> int:
    return 0 if service.may_rest else FEWEST
