"""Beginning a purchase, by HTTP or by message: the same rules, the same id for the same member and key."""

import hashlib
from dataclasses import dataclass

from services.checkout.domain.announcing import START, refused_event
from services.checkout.domain.checkout import Checkout, Purchase, checkout_id
from services.checkout.ports import Carts
from services.checkout.saga import CHECKOUT
from shared.contracts.cart import CartAtCheckout
from shared.contracts.checkout import CardPayment, CustomerContact, Payment
from shared.contracts.steps import Refusal
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.saga.engine import new_record
from shared.saga.orchestrator import Orchestrator
from shared.saga.record import Entry, Record, Status
from shared.store.documents import Conflict
from shared.store.repository import Repository


class CannotStart(Exception):
    """The purchase is refused at once; nothing was recorded. `pointer` names the field, where it is one's fault."""

    def __init__(self, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer


class KeyReused(CannotStart):
    """The member used the key before, for something else."""

    def __init__(self) -> None:
        super().__init__("idempotency_key_reused", "This key was used before with another body")


@dataclass(frozen=True)
class Wish:
    """What a member wants to buy, how to pay, where to be told, and the key that makes it happen once."""

    member_id: str
    key: str
    cart_id: str
    payment: Payment | None
    contact: CustomerContact

    @property
    def checkout_id(self) -> str:
        return checkout_id(self.member_id, self.key)

    def hash(self) -> str:
        parts = (self.cart_id, self.payment.model_dump_json() if self.payment else "", self.contact.model_dump_json())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Starter:
    """Begins purchases."""

    def __init__(
        self,
        repository: Repository[Checkout],
        orchestrator: Orchestrator[Checkout],
        carts: Carts,
        clock: Clock,
        *,
        earn_rate: int,
    ) -> None:
        self._repository = repository
        self._orchestrator = orchestrator
        self._carts = carts
        self._clock = clock
        self._earn_rate = earn_rate

    async def start(self, wish: Wish) -> Checkout:
        """Begin the purchase, or find it begun. Raises CannotStart, CartsUnavailable."""
        known = await self.find(wish)
        if known is not None:
            return known
        cart = await self._carts.find(wish.cart_id)
        self._check(wish, cart)
        await self._check_in_hand(wish)
        try:
            return await self._orchestrator.begin(self._new(wish, cart))
        except Conflict:  # the same key at the same moment, at another replica
            return await self.find(wish) or await self.start(wish)

    async def find(self, wish: Wish) -> Checkout | None:
        """The purchase begun under this key. Raises KeyReused."""
        stored = await self._repository.load(wish.checkout_id)
        if stored is None:
            return None
        if stored.value.request_hash != wish.hash():
            raise KeyReused
        return stored.value

    async def is_known(self, member_id: str, key: str) -> bool:
        """Was a purchase begun, or refused, under this key?"""
        return await self._repository.load(checkout_id(member_id, key)) is not None

    async def record_refusal(self, wish: Wish, refused: CannotStart) -> Checkout:
        """Store that a purchase asked for by message never began, so that the same message hears the same."""
        now = self._clock.now()
        refusal = Refusal(step=START, code=refused.code, detail=refused.detail)
        ended = Entry(at=now, step="", status=Status.REFUSED, of=Status.REFUSED, detail=refused.code)
        record = changed(new_record(CHECKOUT), status=Status.REFUSED, refusal=refusal, timeline=(ended,))
        checkout = self._document(wish, None, record)
        await self._orchestrator.store(checkout, [refused_event(checkout)])
        return checkout

    async def _check_in_hand(self, wish: Wish) -> None:
        """Refuse a cart whose purchase was accepted already, though the command that locks it is still on its way.

        Of two requests at the same moment both may pass: then the lock decides.
        """
        buying = await self._repository.find("by_cart_in_hand", (wish.cart_id,), limit=2)
        if any(stored.value.id != wish.checkout_id for stored in buying):
            raise _locked()

    def _check(self, wish: Wish, cart: CartAtCheckout | None) -> None:
        if cart is None or cart.member_id != wish.member_id:
            raise CannotStart("cart_not_found", "There is no such cart", "/cart_id")
        if cart.status in ("locked", "purchased"):
            raise _locked()
        if cart.status == "expired":
            raise CannotStart("cart_expired", "The cart has expired")
        if cart.items == 0:
            raise CannotStart("cart_empty", "The cart is empty: add a flight first", "/cart_id")
        if cart.expired_offers:
            raise CannotStart("offer_expired", "An offer in the cart has expired: remove it and search again")
        self._check_payment(wish, cart)

    def _check_payment(self, wish: Wish, cart: CartAtCheckout) -> None:
        if wish.payment is None:
            if cart.total.money.amount > 0:
                detail = f"A payment is required: {cart.total.money} are left to pay"
                raise CannotStart("payment_required", detail, "/payment")
        elif not isinstance(wish.payment, CardPayment):
            raise CannotStart("not_available", "Pix is not available yet: pay by card", "/payment/method")
        elif wish.payment.installments != 1:
            raise CannotStart("not_available", "Installments are not available yet: send 1", "/payment/installments")

    def _new(self, wish: Wish, cart: CartAtCheckout | None) -> Checkout:
        return self._document(wish, cart, new_record(CHECKOUT))

    def _document(self, wish: Wish, cart: CartAtCheckout | None, record: Record) -> Checkout:
        now = self._clock.now()
        return Checkout(
            id=wish.checkout_id,
            key=wish.key,
            request_hash=wish.hash(),
            created_at=now,
            updated_at=now,
            record=record,
            state=Purchase(
                member_id=wish.member_id,
                cart_id=wish.cart_id,
                payment=wish.payment,
                contact=wish.contact.contact(),
                quoted=cart.total if cart else None,
                revision=cart.revision if cart else None,
                earn_rate=self._earn_rate,
            ),
        )


def _locked() -> CannotStart:
    return CannotStart("cart_locked", "The cart is being bought, or was bought")
