"""What customers read."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from services.notifications.adapters.templates import VERSIONS, MailTemplates
from services.notifications.domain.locales import LANGUAGES, Language
from shared.contracts.journey import Passenger
from shared.contracts.notifications import Template
from shared.contracts.steps import Refusal
from tests.component.notifications.purchases import ANA, an_order, completed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TEMPLATES = MailTemplates("Milesaga Viagens", UTC)

RECEIPT_PT = """Sua compra está confirmada.
Guarde este comprovante: ele traz os bilhetes e tudo o que foi pago.

Compra p-1
Emitido por Milesaga Viagens em 21/11/2026
Localizadores: ABC123, XKJHYT0099811

PASSAGEIROS
- Ana Souza
  Bilhete eletrônico: 1271234567890
  Bilhete eletrônico: 0471234567890
  Bagagem despachada: 1 peça
  EMD da bagagem: 0475555555555
- Bruno D'Ávila
  Bilhete eletrônico: 1271234567891
  Bilhete eletrônico: 0471234567891
  Assento: 21A (TP 84)
  Bagagem despachada: nenhuma comprada; consulte a franquia da tarifa
  EMD do assento: 0474444444444

VOOS
- G3 1234 GOL, GIG - GRU
  Partida: 20/01/2027 18:05
  Chegada: 20/01/2027 19:10
  Classe: econômica (Y)
  Situação: confirmado
- TP 84 TAP Air Portugal, GRU - LIS
  Partida: 20/01/2027 23:15
  Chegada: 21/01/2027 12:15
  Classe: econômica (K)
  Situação: confirmado
Horários locais de cada aeroporto.

VALORES
Tarifas: R$ 7.199,54
Taxas: R$ 220,26
Assentos e bagagens: R$ 428,00
Pago em dinheiro: R$ 4.247,80
Pago em milhas: 30.000 milhas
Forma de pagamento: visa •••• 4242

RESTRIÇÕES
"""


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def read(html: str) -> Text:
    parser = Text()
    parser.feed(html)
    parser.close()
    return parser


def test_the_receipt_says_all_that_a_traveller_must_be_able_to_prove() -> None:
    written = TEMPLATES.write(completed(), "pt-BR", NOW)
    assert written.subject == "Sua compra está confirmada · ABC123, XKJHYT0099811"
    assert written.text.replace("\u00a0", " ").startswith(RECEIPT_PT)
    assert "ANAC" in written.text


def test_the_html_says_what_the_text_says() -> None:
    for language in LANGUAGES:
        written = TEMPLATES.write(completed(), language, NOW)
        shown = re.sub(r"\s+", " ", read(written.html).text).replace("\u2013", "-")
        for line in written.text.splitlines():
            told = re.sub(r"\s+", " ", line.strip(" -.")).strip()
            label, _, value = told.partition(": ")
            assert (value or label).casefold() in shown.casefold()


def test_in_english_money_and_times_are_written_as_english_has_them() -> None:
    text = TEMPLATES.write(completed(), "en", NOW).text.replace("\u00a0", " ")
    assert "Paid in money: BRL 4,247.80" in text
    assert "Paid in miles: 30,000 miles" in text
    assert "Departure: 20 Jan 2027 23:15" in text
    assert "Booking references: ABC123, XKJHYT0099811" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", VERSIONS)
def test_every_template_is_there_in_every_language(template: Template, language: Language) -> None:
    notice = completed(template=template, order=None, total=None, locators=(), tickets=(), documents=())
    written = TEMPLATES.write(notice, language, NOW)
    assert written.subject
    assert "p-1" in written.text
    assert f'<html lang="{language}">' in written.html


def test_a_refusal_is_told_in_words_and_never_by_its_detail() -> None:
    refusal = Refusal(step="authorize payment", code="card_declined", detail="do_not_honor 4242")
    for language, words in (("pt-BR", "O cartão foi recusado"), ("en", "The card was declined")):
        written = TEMPLATES.write(completed(template="refused", refusal=refusal), language, NOW)  # type: ignore[arg-type]
        assert words in written.text
        assert words in written.html
        assert "do_not_honor" not in written.text + written.html


def test_names_cannot_bring_markup_or_lines_of_their_own() -> None:
    mallory = Passenger(
        given_name="<script>alert(1)</script>",
        surname="X\r\nBcc: eve@example.com\r\n\r\nhello",
        birth_date="1990-01-01",
        document="1",
    )
    written = TEMPLATES.write(completed(order=an_order(mallory, ANA)), "pt-BR", NOW)
    assert "script" not in read(written.html).tags
    assert "<script>alert(1)</script> X Bcc: eve@example.com hello" in read(written.html).text
    assert "\nBcc" not in written.text


def test_a_locator_cannot_break_the_subject() -> None:
    written = TEMPLATES.write(completed(locators=("ABC\r\nBcc: eve@example.com",)), "pt-BR", NOW)
    assert written.subject == "Sua compra está confirmada · ABC Bcc: eve@example.com"


def test_a_flight_without_ticket_is_not_called_confirmed() -> None:
    text = TEMPLATES.write(completed(tickets=()), "en", NOW).text
    assert text.count("Status: pending") == 2


@pytest.mark.parametrize(
    ("zone", "day"), [("America/Sao_Paulo", "21/11/2026"), ("UTC", "22/11/2026"), ("Asia/Tokyo", "22/11/2026")]
)
def test_a_receipt_bears_the_day_that_it_is_in_the_office(zone: str, day: str) -> None:
    evening = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    written = MailTemplates("Milesaga", ZoneInfo(zone)).write(completed(), "pt-BR", evening)
    assert f"Emitido por Milesaga em {day}" in written.text
    assert day in written.html
