"""What may be put into a cart, who may change it when, and what a purchase may do with it."""

from datetime import datetime, timedelta

import pytest

from services.cart.domain import cart as rules
from services.cart.domain import purchase
from services.cart.domain.cart import LOGS_KEPT_WHOLE, MOST_PURCHASES, CannotChange, Cart, WrongField
from services.cart.domain.items import BagChoice, SeatChoice
from services.cart.ports import OffersUnavailable
from shared.contracts.cart import CartLocked, LockCart, UnlockCart
from shared.contracts.offers import BagQuote, Price, SeatQuote
from shared.contracts.steps import StepUndone
from shared.kernel.errors import NotSent, Refused
from shared.kernel.money import Money
from shared.kernel.values import changed
from shared.worker.work import Saying, StepLog
from tests.unit.cart.carts import ANA, BOB, LATER, NOW, TOMORROW, a_bag, a_cart, a_flight, a_quote, a_seat, brl

FILLED = a_cart(a_flight(100_000, 10_000, 24_000))
SAME = Price(price=brl(100_000), taxes=brl(10_000), miles=24_000)


def test_a_flight_stands_in_the_cart_as_it_was_quoted() -> None:
    cart = rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, BOB], NOW)
    [flight] = cart.flights
    assert (flight.price, flight.taxes, flight.miles) == (brl(100_000), brl(10_000), 24_000)
    assert flight.passengers == (ANA, BOB)
    assert flight.offer_expires_at == LATER
    assert cart.revision == 2


def test_a_passenger_born_tomorrow_is_refused() -> None:
    unborn = changed(BOB, birth_date="2026-11-22")
    with pytest.raises(WrongField) as refusal:
        rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, unborn], NOW)
    assert refusal.value.pointer == "/passengers/1/birth_date"


@pytest.mark.parametrize(
    ("origin", "now", "today"),
    [
        ("GRU", "2026-11-22T02:30:00+00:00", "2026-11-21"),
        ("AKL", "2026-11-21T12:00:00+00:00", "2026-11-22"),
        ("HNL", "2026-11-22T09:59:00+00:00", "2026-11-21"),
        ("LIS", "2026-11-22T00:00:00+00:00", "2026-11-22"),
    ],
)
def test_nobody_is_born_after_the_day_that_it_is_where_the_flight_departs(origin: str, now: str, today: str) -> None:
    quote = a_quote()
    quote = changed(quote, segments=(changed(quote.segments[0], origin=origin),))
    tomorrow = (datetime.fromisoformat(today) + timedelta(days=1)).date().isoformat()
    for born, why in ((today, "must be that of an adult"), (tomorrow, "must be a date of birth")):
        child = changed(BOB, birth_date=born)
        with pytest.raises(WrongField) as refusal:
            rules.add_flight(a_cart(), "i-1", quote, [ANA, child], datetime.fromisoformat(now))
        assert refusal.value.detail.startswith(why)


@pytest.mark.parametrize(
    ("born", "taken"),
    [("2015-01-20", True), ("2015-01-21", False), ("2014-12-31", True), ("2025-01-20", False), ("2026-11-21", False)],
)
def test_only_adults_fly_by_their_age_where_and_when_the_first_segment_departs(born: str, taken: bool) -> None:
    """It departs on the 20th in Sao Paulo, when it is the 21st in UTC."""
    young = changed(BOB, birth_date=born)
    if taken:
        assert rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, young], NOW).flights
        return
    with pytest.raises(WrongField) as refusal:
        rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, young], NOW)
    assert refusal.value.pointer == "/passengers/1/birth_date"


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"document": "FX9"},
        {"given_name": "ANA", "surname": " souza"},
        {"given_name": "Aná", "surname": "Sou'za"},
    ],
)
def test_the_same_person_twice_is_refused_at_the_second(again: dict[str, str]) -> None:
    with pytest.raises(WrongField) as refusal:
        rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, changed(ANA, **again)], NOW)
    assert refusal.value.pointer == "/passengers/1"


def test_parent_and_child_of_one_name_are_two_people() -> None:
    junior = changed(ANA, birth_date="2012-05-01", document="FX9")
    assert rules.add_flight(a_cart(), "i-1", a_quote(), [ANA, junior], NOW).flights


def test_a_cart_holds_eight_flights() -> None:
    cart = a_cart()
    for number in range(8):
        cart = rules.add_flight(cart, f"i-{number}", a_quote(f"o-{number}"), [ANA, BOB], NOW)
    with pytest.raises(CannotChange) as refusal:
        rules.add_flight(cart, "i-9", a_quote("o-9"), [ANA, BOB], NOW)
    assert refusal.value.code == "cart_full"


def test_two_passengers_take_two_seats_and_bags_of_their_own() -> None:
    cart = FILLED
    cart = rules.add_seat(cart, "s-1", a_quote(), SeatChoice(segment=0, passenger=0, seat="12A"))
    cart = rules.add_seat(cart, "s-2", a_quote(), SeatChoice(segment=0, passenger=1, seat="12B"))
    cart = rules.add_bag(cart, "b-1", a_quote(), BagChoice(passenger=0, pieces=1))
    cart = rules.add_bag(cart, "b-2", a_quote(), BagChoice(passenger=1, pieces=2))
    assert [extra.price for extra in cart.extras] == [brl(3500), brl(0), brl(14_000), brl(33_000)]


def test_a_seat_or_bag_sold_in_another_currency_than_the_carts_is_refused() -> None:
    dollars = Money(amount=3500, currency="USD")
    quote = changed(
        a_quote(), seats=(SeatQuote(segment=0, seat="12A", price=dollars),), bags=(BagQuote(pieces=1, price=dollars),)
    )
    with pytest.raises(WrongField) as seat:
        rules.add_seat(FILLED, "s-1", quote, SeatChoice(segment=0, passenger=0, seat="12A"))
    with pytest.raises(WrongField) as bag:
        rules.add_bag(FILLED, "b-1", quote, BagChoice(passenger=0, pieces=1))
    assert [(one.value.pointer, one.value.code) for one in (seat, bag)] == [
        ("/seat", "currency_mismatch"),
        ("/pieces", "currency_mismatch"),
    ]


def test_a_flight_taxed_in_another_currency_than_the_carts_is_refused() -> None:
    quote = changed(a_quote(), taxes=Money(amount=1, currency="USD"))
    with pytest.raises(WrongField) as refusal:
        rules.add_flight(a_cart(), "i-1", quote, [ANA, BOB], NOW)
    assert (refusal.value.pointer, refusal.value.code) == ("/offer_id", "currency_mismatch")


def test_an_offer_ends_at_its_moment() -> None:
    rules.check_alive(a_quote(), LATER - timedelta(microseconds=1))
    with pytest.raises(CannotChange):
        rules.check_alive(a_quote(), LATER)
    with pytest.raises(CannotChange):
        rules.check_alive(changed(a_quote(), expired=True), NOW)


@pytest.mark.parametrize(
    ("state", "status_now", "status_later"),
    [("open", "open", "expired"), ("locked", "locked", "locked"), ("purchased", "purchased", "purchased")],
)
def test_only_an_open_cart_expires(state: str, status_now: str, status_later: str) -> None:
    cart = changed(FILLED, state=state)
    assert (cart.status(NOW), cart.status(TOMORROW)) == (status_now, status_later)


def test_a_deleted_cart_keeps_its_fences_and_nothing_personal() -> None:
    command = LockCart(purchase_id="p-1", step="lock", cart_id="c-1", member_id="ana")
    answer = Saying.of(CartLocked.to(command, order=purchase.order_of(FILLED)))
    cart = FILLED.with_log("p-1/lock/", StepLog(attempt=1, answer=answer, fenced_through=1))
    left = rules.deleted(cart, NOW)
    assert left.member_id is None
    assert left.steps["p-1/lock/"].fenced_through == 1
    assert "Souza" not in left.model_dump_json()


def logged(cart: Cart, slot: str, log: StepLog) -> Cart:
    """The cart as a participant stores it."""
    return rules.bounded(cart, cart.with_log(slot, log))


def tried(cart: Cart, number: int) -> Cart:
    """The cart after a purchase that locked it and gave it back."""
    command = LockCart(purchase_id=f"p-{number}", step="lock", cart_id="c-1", member_id="ana")
    undo = UnlockCart(purchase_id=f"p-{number}", step="lock", cart_id="c-1")
    answer = Saying.of(CartLocked.to(command, order=purchase.order_of(cart)))
    cart = logged(cart, f"p-{number}/lock/", StepLog(attempt=1, answer=answer))
    fence = StepLog(attempt=1, answer=answer, fenced_through=1, fenced_by=Saying.of(undo))
    cart = logged(cart, f"p-{number}/lock/", fence)
    return logged(cart, f"p-{number}/lock/:undo", StepLog(attempt=1, answer=Saying.of(StepUndone.to(undo))))


def test_a_cart_keeps_the_logs_of_the_latest_purchases_whole_and_of_the_others_their_fences() -> None:
    cart = FILLED
    for number in range(90):
        cart = tried(cart, number)
    whole = [slot for slot, log in cart.steps.items() if log.answer is not None]
    assert len(whole) == LOGS_KEPT_WHOLE
    assert whole[-2:] == ["p-89/lock/", "p-89/lock/:undo"]
    assert [cart.log(f"p-{number}/lock/").fenced_through for number in range(90)] == [1] * 90
    assert cart.log("p-0/lock/") == StepLog(attempt=1, fenced_through=1)
    assert "p-0/lock/:undo" not in cart.steps, "what takes back nothing may be done again"


def test_the_purchase_that_has_the_cart_keeps_its_logs_whatever_others_try() -> None:
    log = StepLog(attempt=1, answer=Saying(type="cart.locked.v1", body={}))
    cart = FILLED.with_log("p-1/lock/", log, state="locked", locked_by="p-1")
    for number in range(10, 90):
        cart = tried(cart, number)
    assert cart.log("p-1/lock/") == log


def test_a_cart_that_was_tried_too_often_takes_no_new_purchase_and_goes_on_with_its_own() -> None:
    cart = FILLED
    for number in range(MOST_PURCHASES - 1):
        cart = tried(cart, number)
    assert not cart.worn_out_for("another")
    cart = tried(cart, MOST_PURCHASES - 1)
    assert cart.worn_out_for("another")
    assert not cart.worn_out_for("p-0")
    assert len(cart.model_dump_json()) < 60_000


def test_the_same_prices_let_the_purchase_through() -> None:
    purchase.check_prices(FILLED, {"o-1": SAME})


@pytest.mark.parametrize(
    "moved", [{"price": brl(100_001)}, {"price": brl(99_999)}, {"taxes": brl(10_001)}, {"miles": 24_100}]
)
def test_whatever_moved_refuses_the_purchase(moved: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        purchase.check_prices(FILLED, {"o-1": changed(SAME, **moved)})
    assert refusal.value.code == "price_changed"


def test_a_refusal_for_the_price_names_both_totals_and_fits_the_miles() -> None:
    """More miles than the fares cost now are not asked for."""
    cart = a_cart(a_flight(100_000, 10_000, 24_000), a_bag(14_000), use_miles=24_000)
    cheaper = Price(price=brl(50_000), taxes=brl(10_000), miles=12_000)
    with pytest.raises(Refused) as refusal:
        purchase.check_prices(cart, {"o-1": cheaper})
    assert refusal.value.detail == ("the price was BRL 240.00 and 24000 miles, and is now BRL 240.00 and 12000 miles")


def test_flights_that_are_gone_refuse_as_an_expired_offer() -> None:
    with pytest.raises(Refused) as refusal:
        purchase.check_prices(FILLED, {"o-1": None})
    assert refusal.value.code == "offer_expired"


def test_silence_of_the_offers_is_something_that_may_be_repeated() -> None:
    assert issubclass(OffersUnavailable, NotSent)


def test_a_lock_and_its_release_raise_the_revision_once_each() -> None:
    cart = changed(FILLED, **purchase.locked(FILLED, "p-1"))
    assert (cart.state, cart.locked_by, cart.revision) == ("locked", "p-1", 2)
    assert purchase.locked(cart, "p-1") == {}
    assert purchase.unlocked(cart, "p-2") == {}
    assert purchase.closed(cart, "p-2") == {}
    back = changed(cart, **purchase.unlocked(cart, "p-1"))
    assert (back.state, back.locked_by, back.revision) == ("open", None, 3)
    assert purchase.unlocked(back, "p-1") == {}


def test_a_purchased_cart_is_not_given_back() -> None:
    bought = changed(FILLED, **purchase.locked(FILLED, "p-1"))
    bought = changed(bought, **purchase.closed(bought, "p-1"))
    assert bought.state == "purchased"
    assert purchase.unlocked(bought, "p-1") == {}


def test_a_stored_cart_is_read_as_it_was() -> None:
    cart = a_cart(a_flight(1, 2, 300), a_seat(4), a_bag(5), use_miles=6)
    assert Cart.model_validate(cart.model_dump(mode="json")) == cart
