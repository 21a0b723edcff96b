"""What people and programs send. Unknown fields are refused."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt

from shared.kernel.acts import LARGEST_BODY
from shared.web.bodies import Body, Moment

DIGEST = r"^sha256:[0-9a-f]{64}$"
EXAMPLE = "sha256:" + "5" * 64
Digest = Annotated[
    str, Field(pattern=DIGEST, description="Of the payload, as the request shows it", examples=[EXAMPLE])
]
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Reason = Annotated[str, Field(max_length=2000, description="Why, for people", examples=["release 4.2"])]
Why = Annotated[str, Field(min_length=1, max_length=2000, description="Why, for people", examples=["not on a Friday"])]


class WindowBody(Body):
    """When it may be begun."""

    start: Annotated[
        Moment | None, Field(alias="from", description="Not before", examples=["2027-01-20T22:00:00Z"])
    ] = None
    end: Annotated[
        Moment | None, Field(alias="until", description="Before this", examples=["2027-01-21T04:00:00Z"])
    ] = None


class AskBody(Body):
    """What is to be done, and why."""

    action: Annotated[Word, Field(description="What", examples=["deploy"])]
    environment: Annotated[Word, Field(description="Where", examples=["production"])]
    target: Annotated[Word, Field(description="Of what", examples=["checkout"])]
    payload: Annotated[
        dict[str, Any],
        Field(
            max_length=100,
            description="All that decides what will run: artifacts with digests, arguments, files with their SHA-256, "
            "parameters, links. No fractions. Its digest is what is approved",
            examples=[{}],
        ),
    ]
    body: Annotated[
        str | None,
        Field(
            max_length=LARGEST_BODY,
            description="Of a request of our own API that takes a grant: the text of its body, whose SHA-256 is "
            "payload.body. Whoever agrees reads it; null where it has none",
            examples=[None],
        ),
    ] = None
    reason: Reason
    initiator_token: Annotated[
        str | None,
        Field(
            max_length=8192,
            description="Who is behind a robot, by an identity token of its continuous integration; who is in it "
            "does not approve",
            examples=[None],
        ),
    ] = None
    authors: Annotated[
        tuple[Word, ...],
        Field(max_length=50, description="Who wrote it, by id, login or subject: they do not approve", examples=[[]]),
    ] = ()
    window: Annotated[
        WindowBody | None,
        Field(description="When it may be begun; null for whenever the rule allows", examples=[None]),
    ] = None
    replaces: Annotated[
        Word | None, Field(description="The request that waits for the same, and ends by this one", examples=[None])
    ] = None


class SingleBody(Body):
    """One act of a gated kind, that is done as usual work."""

    action: Annotated[Word, Field(description="What", examples=["dead.retry_all"])]
    environment: Annotated[Word, Field(description="Where", examples=["production"])]
    target: Annotated[Word, Field(description="Of what", examples=["payment"])]
    act: Annotated[Word, Field(description="Which: a letter's handle", examples=["4f2a90c1d7be"])]


class DecisionBody(Body):
    """Approve or deny exactly what the digest names."""

    decision: Annotated[Literal["approve", "deny"], Field(description="Which", examples=["approve"])]
    digest: Digest
    reason: Reason = ""


class GrantBody(Body):
    digest: Digest


class RedeemBody(Body):
    """A grant, and what is about to be run with it."""

    grant: Annotated[str, Field(min_length=1, max_length=4096, description="As it was given", examples=["eyJhbGciOi"])]
    digest: Digest
    target: Annotated[Word, Field(description="Of what", examples=["checkout"])]


class OutcomeBody(Body):
    exit_code: Annotated[StrictInt, Field(ge=0, le=255, description="0 where it went well", examples=[0])]
    summary: Annotated[str, Field(max_length=2000, description="For people", examples=["12 pods replaced"])] = ""


class RevokeBody(Body):
    reason: Why


class BreakBody(Body):
    """Go ahead without anybody's approval. It is loud, and others look at it afterwards."""

    digest: Digest
    incident: Annotated[Word, Field(description="Where it is recorded", examples=["INC-4711"])]
    reason: Why


class ReviewBody(Body):
    verdict: Annotated[Literal["accepted", "rejected"], Field(description="Was it right?", examples=["accepted"])]
    reason: Why


class FrozenBody(Body):
    """What is meant; a * stands for any run of characters."""

    action: Annotated[Word, Field(description="What", examples=["*"])] = "*"
    environment: Annotated[Word, Field(description="Where", examples=["production"])] = "*"
    target: Annotated[Word, Field(description="Of what", examples=["*"])] = "*"


class FreezeBody(Body):
    match: Annotated[FrozenBody, Field(description="What is frozen", examples=[{"environment": "production"}])]
    start: Annotated[
        Moment | None, Field(alias="from", description="From when, else now", examples=["2027-12-20T00:00:00Z"])
    ] = None
    end: Annotated[
        Moment | None, Field(alias="until", description="To before when", examples=["2028-01-03T00:00:00Z"])
    ] = None
    reason: Why


class DeactivateBody(Body):
    reason: Why
