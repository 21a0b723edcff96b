"""Templates in files: `templates/<channel>/<language>/<template>.v<version>.txt` (subject and text) and `.html`.

HTML is escaped by the engine; a variable that a template misspells is an error, not an empty place.
"""

from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from services.notifications.domain import locales
from services.notifications.domain.locales import LANGUAGES, Language
from services.notifications.domain.reasons import reason
from services.notifications.domain.receipt import one_line, receipt
from services.notifications.ports import Written
from shared.contracts.notifications import NotifyCustomer
from shared.kernel.zones import day_in

FOLDER: Final = Path(__file__).parent.parent / "templates"
VERSIONS: Final = {"completed": 1, "refused": 1, "cancelled": 1, "needs_attention": 1}
"""The newest version of each template; older files stay as long as something refers to them."""


class MailTemplates:
    """Writes mails. `issuer` is who the receipt says issued the tickets, `zone` where its office is."""

    def __init__(self, issuer: str, zone: tzinfo) -> None:
        self._issuer = issuer
        self._zone = zone
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def write(self, notice: NotifyCustomer, language: Language, now: datetime) -> Written:
        name = f"email/{language}/{notice.template}.v{VERSIONS[notice.template]}"
        environment = self._environments[language]
        context = self._context(notice, language, now)
        plain = environment.get_template(f"{name}.txt")
        return Written(
            subject=one_line(_block(plain, "subject", context)),
            text=_block(plain, "text", context).strip() + "\n",
            html=environment.get_template(f"{name}.html").render(context),
        )

    def _context(self, notice: NotifyCustomer, language: Language, now: datetime) -> dict[str, Any]:
        found = receipt(notice)
        return {
            "language": language,
            "reference": one_line(notice.purchase_id),
            "issuer": self._issuer,
            "issued_on": day_in(self._zone, now),
            "receipt": found,
            "locator": ", ".join(found.locators) if found else "",
            "reason": reason(notice.refusal.code if notice.refusal else None, language),
        }


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = partial(locales.money, language=language)
    environment.filters["number"] = partial(locales.number_of, language=language)
    environment.filters["day"] = partial(locales.day, language=language)
    environment.filters["local_time"] = partial(locales.local_time, language=language)
    return environment


def _block(template: Template, name: str, context: dict[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(context)))
