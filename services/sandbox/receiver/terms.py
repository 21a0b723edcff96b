"""How one endpoint is to behave, as a test or a partner's developer says it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

MOST_ANSWERS = 100
NAME = r"^[a-z0-9][a-z0-9-]{0,60}$"


class Answer(BaseModel):
    """What is answered instead of 204, to whom, how often and until when. The first of an endpoint's that applies wins.

    `status` is HTTP's; 0 never answers: the line stays open until the sender has had enough. `times` counts requests,
    `seconds` from the moment in which this was said; null is for ever. `delay` passes before the answer, in seconds.
    `retry_after` becomes the header as it is written, so seconds or an HTTP date. `event_id` is of the one CloudEvent
    that is meant; null is all of them. `share` is of the requests that it would apply to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = Field(default=204, ge=0, le=599)
    times: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0, le=86_400)
    delay: float = Field(default=0, ge=0, le=3_600)
    retry_after: str | None = Field(default=None, pattern=r"^[ -~]{1,60}$")
    event_id: str | None = Field(default=None, max_length=255)
    share: float = Field(default=1.0, gt=0, le=1)
    location: str | None = Field(default=None, pattern=r"^[!-~]{1,2000}$", description="For a redirect")

    @model_validator(mode="after")
    def _is_an_answer(self) -> "Answer":
        if 0 < self.status < 200:  # noqa: PLR2004 - what comes before is no answer
            raise ValueError("status is 0, or 200 to 599")
        return self


class Terms(BaseModel):
    """What an endpoint knows of its sender. Nothing known: every signature is taken, and nothing is called verified.

    `secrets` are Standard Webhooks' `whsec_...`, `public_keys` its `whpk_...`; a request that none of them verifies is
    answered 401. `handshake` is what `OPTIONS` gets, `rate` the requests a minute that it allows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: tuple[Annotated[str, Field(pattern=r"^whsec_[A-Za-z0-9+/=]+$")], ...] = Field(default=(), max_length=10)
    public_keys: tuple[Annotated[str, Field(pattern=r"^whpk_[A-Za-z0-9+/=]+$")], ...] = Field(default=(), max_length=10)
    handshake: Literal["allow", "refuse"] = "allow"
    rate: int | None = Field(default=None, ge=1)
    answers: tuple[Answer, ...] = Field(default=(), max_length=MOST_ANSWERS)


class Standing(BaseModel):
    """One of the answers, and how it stands: requests it met, and when its time is over."""

    answer: Answer
    hits: int = 0
    until: AwareDatetime | None = None
