"""The services there are: one entry each, and nothing else to be told anywhere."""

from typing import Final

from services.archive.service import SERVICE as ARCHIVE
from services.cart.service import SERVICE as CART
from services.checkout.service import SERVICE as CHECKOUT
from services.delivery.service import SERVICE as DELIVERY
from services.hub.service import SERVICE as HUB
from services.miles.service import SERVICE as MILES
from services.notifications.service import SERVICE as NOTIFICATIONS
from services.offers.service import SERVICE as OFFERS
from services.payment.service import SERVICE as PAYMENT
from services.releases.service import SERVICE as RELEASES
from services.ticketing.service import SERVICE as TICKETING
from shared.runtime.description import house

HOUSE: Final = house(OFFERS, CART, CHECKOUT, TICKETING, PAYMENT, MILES, NOTIFICATIONS, HUB, ARCHIVE, DELIVERY, RELEASES)
