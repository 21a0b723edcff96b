"""The price of a cart, paid in money and miles."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cart.domain.cart import Cart, WrongField, remove_item, total_money, use_miles
from shared.kernel.values import changed
from tests.unit.cart.carts import a_bag, a_cart, a_flight, a_seat, brl

AMOUNTS = st.integers(0, 10_000_000)
FLIGHTS = st.lists(st.tuples(AMOUNTS, AMOUNTS, st.integers(100, 1_000_000)), min_size=0, max_size=4)
EXTRAS = st.lists(AMOUNTS, max_size=3)


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    flights = [a_flight(*sums, offer_id=f"o-{number}") for number, sums in enumerate(draw(FLIGHTS), 1)]
    seats = [a_seat(price, f"s-{number}") for number, price in enumerate(draw(EXTRAS))] if flights else []
    cart = a_cart(*flights, *seats)
    return changed(cart, use_miles=draw(st.integers(0, cart.most_miles)))


@pytest.mark.parametrize(
    ("miles", "money"),
    [(0, 119_990 + 5_000 + 3_500), (20_000, 79_994 + 5_000 + 3_500), (59_999, 2 + 5_000 + 3_500), (60_000, 8_500)],
)
def test_examples_by_hand(miles: int, money: int) -> None:
    """1,199.90 of fares, or 60,000 miles: 20,000 miles pay a third, and what is left is rounded up."""
    cart = a_cart(a_flight(119_990, 5_000, 60_000), a_seat(3_500), use_miles=miles)
    assert cart.total().money == brl(money)
    assert cart.total().miles == miles


def test_fares_of_several_flights_are_rounded_once() -> None:
    """Two halves of 5 minor units: 10 x 1/2 is 5, where twice ceil(2.5) would be 6."""
    cart = a_cart(a_flight(5, 0, 100, "o-1"), a_flight(5, 0, 100, "o-2"), use_miles=100)
    assert cart.total().money == brl(5)


def test_an_empty_cart_costs_nothing() -> None:
    assert a_cart().total().money == brl(0)


@given(carts())
def test_the_total_is_the_exact_share_rounded_up(cart: Cart) -> None:
    fares = sum(flight.price.amount for flight in cart.flights)
    rest = sum(flight.taxes.amount for flight in cart.flights) + sum(extra.price.amount for extra in cart.extras)
    share = Fraction(cart.most_miles - cart.use_miles, cart.most_miles) if cart.most_miles else Fraction(1)
    exact = fares * share + rest
    assert exact <= cart.total().money.amount < exact + 1


@given(carts(), st.data())
def test_more_miles_never_cost_more_money(cart: Cart, data: st.DataObject) -> None:
    fewer = data.draw(st.integers(0, cart.use_miles))
    assert cart.total().money.amount <= total_money(cart, fewer).amount


@given(carts(), st.data())
def test_removing_anything_leaves_a_cart_whose_miles_fit(cart: Cart, data: st.DataObject) -> None:
    while cart.items:
        gone = data.draw(st.sampled_from(cart.items))
        after = remove_item(cart, gone.id)
        assert gone.id not in {item.id for item in after.items}
        assert 0 <= after.use_miles <= min(cart.use_miles, after.most_miles)
        assert {extra.offer_id for extra in after.extras} <= {flight.offer_id for flight in after.flights}
        assert after.revision == cart.revision + 1
        assert after.total().money.amount >= 0
        cart = after
    assert cart.total() == a_cart().total()


@given(carts(), st.integers())
def test_miles_are_taken_up_to_what_the_fares_cost_and_no_further(cart: Cart, miles: int) -> None:
    if 0 <= miles <= cart.most_miles:
        assert use_miles(cart, miles).use_miles == miles
    else:
        with pytest.raises(WrongField) as refusal:
            use_miles(cart, miles)
        assert refusal.value.pointer == "/use_miles"


def test_a_bag_is_always_paid_in_money() -> None:
    cart = a_cart(a_flight(100_000, 0, 24_000), a_bag(14_000), use_miles=24_000)
    assert cart.total().money == brl(14_000)
