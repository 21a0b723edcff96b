"""Sabre's Booking Management: bookings, tickets and EMDs."""

from services.ticketing.adapters.sabre.airline import SabreAirline, SabreOffice
from services.ticketing.adapters.sabre.line import TOKENS, SabreLine

__all__ = ["TOKENS", "SabreAirline", "SabreLine", "SabreOffice"]
