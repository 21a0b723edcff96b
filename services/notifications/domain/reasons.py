"""Why a purchase was refused, in words for customers."""

from services.notifications.domain.locales import Language

_REASONS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "insufficient_miles": "Não há milhas suficientes na sua conta.",
        "card_declined": "O cartão foi recusado pelo emissor.",
        "insufficient_funds": "O cartão não tem saldo ou limite suficiente.",
        "invalid_token": "Os dados do cartão não são mais válidos.",
        "authentication_required": "O emissor do cartão pediu uma autenticação que não foi concluída.",
        "segment_unavailable": "Um dos voos não está mais disponível.",
        "seat_unavailable": "Um dos assentos escolhidos não está mais disponível.",
        "price_changed": "O preço mudou desde que a oferta foi escolhida.",
        "offer_expired": "A oferta expirou antes da compra.",
        "cart_empty": "O carrinho está vazio.",
        "cart_locked": "O carrinho já está em outra compra.",
    },
    "en": {
        "insufficient_miles": "There are not enough miles in your account.",
        "card_declined": "The card was declined by its issuer.",
        "insufficient_funds": "The card has not enough funds.",
        "invalid_token": "The card's details are no longer valid.",
        "authentication_required": "The card's issuer asked for an authentication that was not completed.",
        "segment_unavailable": "One of the flights is no longer available.",
        "seat_unavailable": "One of the chosen seats is no longer available.",
        "price_changed": "The price changed since the offer was chosen.",
        "offer_expired": "The offer expired before the purchase.",
        "cart_empty": "The cart is empty.",
        "cart_locked": "The cart is in another purchase already.",
    },
}
_OTHER: dict[Language, str] = {
    "pt-BR": "Um dos nossos parceiros não pôde concluir o pedido.",
    "en": "One of our partners could not complete the order.",
}


def reason(code: str | None, language: Language) -> str:
    """A sentence for the code of a refusal. The refusal's own detail is for programs and support, never for mail."""
    return _REASONS[language].get(code or "", _OTHER[language])
