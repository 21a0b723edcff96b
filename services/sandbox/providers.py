"""Who stands outside: a new provider is a folder and an entry here."""

from services.sandbox.mail.provider import MAIL
from services.sandbox.miles.provider import MILES
from services.sandbox.provider import Provider
from services.sandbox.receiver.provider import RECEIVER
from services.sandbox.sabre.provider import SABRE
from services.sandbox.slack.provider import SLACK
from services.sandbox.stripe.provider import STRIPE

PROVIDERS: tuple[Provider, ...] = (SABRE, STRIPE, MAIL, MILES, SLACK, RECEIVER)
