"""The log over HTTP: leaves, checkpoints, proofs, receipts, all of it."""

from base64 import b64encode
from typing import Annotated, Any, Final

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from services.releases.cases.proving import NoSuchSize, Proving
from services.releases.http.calling import APPROVE, ASK, READ, RequestId
from services.releases.http.views import ShownCheckpoint, ShownEntries, ShownKeys, ShownProof, ShownReceipt
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.bodies import WholeNumber
from shared.web.docs import READING, answers
from shared.web.problems import invalid_parameter, not_found
from shared.web.routes import Routes

MOST: Final = 256
LARGEST: Final = 2**53
Number = Annotated[WholeNumber, Query(ge=0, le=LARGEST, description="The number of a leaf.", examples=[0])]
Size = Annotated[WholeNumber, Query(ge=0, le=LARGEST, description="Leaves of the log.", examples=[1])]


def routes(router: Routes, proofs: Proving, jwks: dict[str, Any], authenticator: Authenticator) -> None:
    """`/v1/releases/log`, and the public key of grants."""
    reader = authenticator.requires_one(READ)
    _log(router, proofs, reader)
    _proofs(router, proofs, reader)

    @router.get(
        "/v1/releases/jwks.json",
        dependencies=[authenticator.requires_one((READ[0], ASK, APPROVE, READ[1]))],
        response_model=None,
        responses=answers(ShownKeys, *READING),
    )
    async def keys() -> Response:
        """The key that grants are signed by (RFC 8037): for whoever checks one by himself."""
        return answer(ShownKeys.model_validate(jwks))


def _log(router: Routes, proofs: Proving, reader: Any) -> None:
    @router.get(
        "/v1/releases/log", dependencies=[reader], response_model=None, responses=answers(ShownEntries, *READING)
    )
    async def entries(
        first: Annotated[
            WholeNumber,
            Query(alias="from", ge=0, le=LARGEST, description="The number of the first leaf.", examples=[0]),
        ] = 0,
        limit: Annotated[WholeNumber, Query(ge=1, le=MOST, description="Leaves, at most.", examples=[100])] = 100,
    ) -> Response:
        """Leaves of the log, in their order."""
        leaves, size = await proofs.leaves(first, limit)
        return answer(ShownEntries(first=first, size=size, leaves=[each.decode() for each in leaves]))

    @router.get(
        "/v1/releases/log/checkpoint",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownCheckpoint, *READING),
    )
    async def checkpoint() -> Response:
        """How far the log has come, signed as of now."""
        return answer(ShownCheckpoint(checkpoint=await proofs.now(), key=proofs.key))

    @router.get("/v1/releases/log/bundle", dependencies=[reader], response_model=None, responses=_FILE)
    async def bundle() -> StreamingResponse:
        """All of it in a file, to be verified without us: `milesaga release log verify --bundle`."""
        return StreamingResponse(proofs.bundle(), media_type="application/jsonl")


_FILE: Final[Any] = {
    200: {
        "description": "JSON lines: leaves, checkpoints, free texts",
        "content": {"application/jsonl": {"schema": {"type": "string", "description": "One JSON object a line"}}},
    },
    **{status: told for status, told in answers(ShownEntries, *READING).items() if status != 200},  # noqa: PLR2004 - HTTP's
}


def _proofs(router: Routes, proofs: Proving, reader: Any) -> None:
    @router.get(
        "/v1/releases/log/proof", dependencies=[reader], response_model=None, responses=answers(ShownProof, *READING)
    )
    async def inclusion(index: Number, size: Size) -> Response:
        """That a leaf is in the log of that size."""
        try:
            leaf, proof = await proofs.inclusion(index, size)
        except NoSuchSize as error:
            raise invalid_parameter("size", "the log has no such leaf, or is not so long") from error
        return answer(ShownProof(leaf=leaf.decode(), proof=_written(proof)))

    @router.get(
        "/v1/releases/log/consistency",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownProof, *READING),
    )
    async def consistency(
        first: Annotated[
            WholeNumber, Query(alias="from", ge=0, le=LARGEST, description="Leaves of the older log.", examples=[1])
        ],
        second: Annotated[
            WholeNumber, Query(alias="to", ge=0, le=LARGEST, description="Leaves of the newer log.", examples=[1])
        ],
    ) -> Response:
        """That the newer log begins with all of the older one."""
        try:
            return answer(ShownProof(proof=_written(await proofs.consistency(first, second))))
        except NoSuchSize as error:
            raise invalid_parameter("to", "the log is not so long, or the older is longer") from error

    @router.get(
        "/v1/releases/log/receipts/{request_id}",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownReceipt, *READING),
    )
    async def receipt(request_id: RequestId) -> Response:
        """All that the log tells of a request, proved: it needs neither us nor the log."""
        found = await proofs.receipt(request_id)
        if found is None:
            raise not_found("request")
        return answer(ShownReceipt.model_validate(found.body()))


def _written(proof: list[bytes]) -> list[str]:
    return [b64encode(each).decode() for each in proof]
