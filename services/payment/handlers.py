"""The bus edge: each of payment's commands, carried out at the gateway."""

from dataclasses import dataclass

from services.payment.domain import Authorization, Payment, Standing
from services.payment.ports import CardOrder, Gateway
from shared.bus.dispatch import HandlerTable
from shared.contracts.envelope import StepUndone
from shared.contracts.payment import (
    AuthorizeCard,
    CapturePayment,
    CardAuthorized,
    PaymentCaptured,
    RefundPayment,
    VoidAuthorization,
)
from shared.kernel.errors import OutcomeUnknown, Refused
from shared.saga.participant import Done, Effect, Participant, Repeatable


def table(participant: Participant[Payment], gateway: Gateway) -> HandlerTable:
    """Payment's handlers."""
    steps = Steps(gateway)
    return {
        AuthorizeCard: participant.handler(Effect(call=steps.authorise, find=steps.find_authorization)),
        VoidAuthorization: participant.handler(Repeatable(steps.void)),
        CapturePayment: participant.handler(Effect(call=steps.capture, find=steps.find_capture)),
        RefundPayment: participant.handler(Repeatable(steps.refund)),
    }


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command does at the gateway. Undoing reads first and acts on what it reads, so it can be repeated."""

    gateway: Gateway

    async def authorise(self, payment: Payment, command: AuthorizeCard, key: str) -> Done:
        order = CardOrder(
            reference=command.purchase_id,
            attempt=command.attempt,
            amount=command.amount,
            token=command.card_token,
            installments=command.installments,
        )
        return await self._authorized(payment, command, await self.gateway.authorise(order, key))

    async def find_authorization(self, payment: Payment, command: AuthorizeCard, _key: str) -> Done | None:
        """Looked up by our reference: repeating the call under its key could replay an error for a day."""
        found = [a for a in await self.gateway.find(command.purchase_id) if a.attempt == command.attempt]
        for standing in (Standing.AUTHORIZED, Standing.CAPTURED):
            for authorization in found:
                if authorization.standing is standing:
                    return await self._authorized(payment, command, authorization)
        return await self._authorized(payment, command, found[0]) if found else None

    async def void(self, payment: Payment, command: VoidAuthorization) -> Done:
        """Let go of every authorisation of the purchase, also of one whose answer never arrived."""
        found = {a.id: a for a in await self.gateway.find(command.purchase_id)}
        if payment.authorization and payment.authorization not in found:
            found[payment.authorization] = await self.gateway.read(payment.authorization)
        refunded = False
        for authorization in found.values():
            refunded |= await self._let_go(authorization)
        return Done(StepUndone.to(command), payment.let_go(refunded=refunded) if found else {})

    async def capture(self, payment: Payment, command: CapturePayment, key: str) -> Done:
        _check_held(payment, command)
        return _captured(payment, command, await self.gateway.capture(payment.authorization, command.amount, key))

    async def find_capture(self, payment: Payment, command: CapturePayment, _key: str) -> Done | None:
        _check_held(payment, command)
        authorization = await self.gateway.read(payment.authorization)
        if authorization.standing is Standing.AUTHORIZED:
            return None
        return _captured(payment, command, authorization)

    async def refund(self, payment: Payment, command: RefundPayment) -> Done:
        """Held money stays held: undoing the authorisation lets go of it."""
        if not payment.authorization:
            return Done(StepUndone.to(command))
        authorization = await self.gateway.read(payment.authorization)
        if authorization.standing is Standing.PENDING:
            raise OutcomeUnknown("the gateway is still working on it")
        if authorization.standing is not Standing.CAPTURED:
            return Done(StepUndone.to(command))
        return Done(StepUndone.to(command), payment.let_go(refunded=await self._let_go(authorization)))

    async def _authorized(self, payment: Payment, command: AuthorizeCard, found: Authorization) -> Done:
        match found.standing:
            case Standing.AUTHORIZED | Standing.CAPTURED:
                answer = CardAuthorized.to(command, amount=found.amount, masked=found.masked)
                return Done(answer, payment.authorized(found))
            case Standing.FAILED:
                raise Refused(found.failure or "card_declined", "the card's issuer declined")
            case Standing.REQUIRES_ACTION:
                await self.gateway.void(found.id)
                raise _authentication_required()
            case Standing.CANCELED:
                # An undo fences the step before it cancels, so only an authentication not asked for was cancelled here.
                raise _authentication_required()
            case Standing.PENDING:
                raise OutcomeUnknown("the gateway is still working on it")

    async def _let_go(self, authorization: Authorization) -> bool:
        """Void or refund, as it stands. Was it a refund?"""
        match authorization.standing:
            case Standing.AUTHORIZED | Standing.REQUIRES_ACTION:
                await self.gateway.void(authorization.id)
            case Standing.CAPTURED:
                if not await self.gateway.refunded(authorization.id):
                    await self.gateway.refund(authorization.id)
                return True
            case Standing.PENDING:
                raise OutcomeUnknown("the gateway is still working on it")
            case Standing.CANCELED | Standing.FAILED:
                pass
        return False


def _check_held(payment: Payment, command: CapturePayment) -> None:
    if not payment.can_capture(command.amount):
        raise Refused("capture_refused", f"{command.amount} is not held; the payment is {payment.status}")


def _captured(payment: Payment, command: CapturePayment, authorization: Authorization) -> Done:
    match authorization.standing:
        case Standing.CAPTURED:
            return Done(PaymentCaptured.to(command, amount=command.amount), payment.captured())
        case Standing.CANCELED | Standing.FAILED:
            raise Refused("capture_refused", "the gateway does not hold the money any more")
        case _:
            raise OutcomeUnknown(f"the authorisation is {authorization.standing}")


def _authentication_required() -> Refused:
    return Refused("authentication_required", "the card's issuer asks the cardholder to authenticate")
