"""The providers' books that the audit compares with ours: a file and an entry each."""

from typing import Final

from services.cli.audited.airline import AirlineBook
from services.cli.audited.book import Book
from services.cli.audited.card import CardBook
from services.cli.audited.miles import MilesBook

BOOKS: Final[tuple[type[Book], ...]] = (CardBook, AirlineBook, MilesBook)
