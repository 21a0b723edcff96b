"""What partners and operators are shown of targets."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.web.bodies import Shown
from shared.web.pages import NextCursor

State = Literal["healthy", "limited", "failing", "paused", "gone", "unverified", "blocked"]


class ShownLane(Shown):
    """A key whose copies wait behind one that is dead."""

    lane: Annotated[str, Field(description="The copies' `lane`", examples=["coles:4711:5f0c2b7a91d4"])]
    laneseq: Annotated[int, Field(description="The `laneseq` of the dead one")]
    delivery_id: Annotated[str | None, Field(description="Its `webhook-id`; null where nothing blocks the lane")]
    since: Annotated[datetime, Field(description="Since when")]


class Skipped(Shown):
    """How far a lane has come now."""

    lane: Annotated[str, Field(description="The copies' `lane`")]
    done: Annotated[int, Field(description="The last `laneseq` that is delivered or skipped")]


class ShownTarget(Shown):
    """A target, and how it stands."""

    bus: Annotated[str, Field(description="Its bus")]
    name: Annotated[str, Field(description="Its name there")]
    partner: Annotated[str, Field(description="The bus's owner")]
    revision: Annotated[int, Field(description="Of the bus")]
    kind: Annotated[Literal["webhook", "queue", "service", "feed"], Field(description="Where copies go")]
    state: Annotated[State, Field(description="How it stands")]
    since: Annotated[datetime | None, Field(description="Since when; null where it is healthy, or has not begun")]
    fault: Annotated[str | None, Field(description="The last one that stopped it, in a word")]
    rate: Annotated[
        float | None, Field(description="Requests a second, at most: by its file or its endpoint; null for no bound")
    ]
    waiting: Annotated[int | None, Field(description="Copies in its queue; null where none can be seen")]
    in_flight: Annotated[
        int | None,
        Field(
            description="Requests to its endpoint that are under way, over all processes: each tells the others every"
            " 2 s; null where it is no webhook"
        ),
    ]
    oldest_seconds: Annotated[
        float | None,
        Field(
            description="For how long the oldest copy waits that its endpoint has not taken, from its event's"
            " acceptance; a replayed one from its first try. At least so long: what lies in a queue that nobody reads"
            " counts from the first look. Null where nothing has looked yet, and where it is no webhook"
        ),
    ]
    dead: Annotated[int | None, Field(description="Dead letters of it; as above")]
    blocked: Annotated[list[ShownLane], Field(description="Keys that stand before a dead copy; some of them")]


class ShownTargets(Shown):
    """Targets, by their buses."""

    targets: Annotated[list[ShownTarget], Field(description="With their states")]
    next_cursor: NextCursor = None


class ShownAgreement(Shown):
    """How an endpoint answered."""

    agrees: Annotated[bool, Field(description="Whether it may be sent events")]
    status: Annotated[int | None, Field(description="HTTP's; null where there was no answer")]
    fault: Annotated[str | None, Field(description="What went wrong, in a word")]
