"""Sabre's Booking Management: bookings, tickets and EMDs."""

from services.ticketing.adapters.sabre.airline import SabreAirline, SabreOffice
from services.ticketing.adapters.sabre.line import SabreLine
from services.ticketing.adapters.sabre.token import Credentials, Tokens

__all__ = ["Credentials", "SabreAirline", "SabreLine", "SabreOffice", "Tokens"]
