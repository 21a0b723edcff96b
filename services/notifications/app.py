"""The notifications service, composed."""

from datetime import timedelta
from email.utils import parseaddr

from services.notifications.adapters.smtp import Lines, LineTerms, SmtpMailer, SmtpServer
from services.notifications.adapters.templates import MailTemplates
from services.notifications.cases.telling import Telling
from services.notifications.domain.notice import Notice
from services.notifications.handlers import table
from services.notifications.service import SERVICE
from services.notifications.settings import NotificationsSettings, SandboxSmtpSettings, SmtpSettings
from shared.outside.gate import Gate
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec

MARGIN = timedelta(seconds=5)
"""Beyond the mailer's own timeout."""
SETTLE = timedelta(seconds=5)
"""Given to a mail server to finish with a mail after the line broke."""
IDLE_PAUSE = 1.0
"""Seconds between two looks for lines that nobody needs any more."""


def compose(runtime: Runtime) -> Service:
    settings = read(NotificationsSettings)
    smtp = read_beside(SmtpSettings, SandboxSmtpSettings, sandbox=runtime.settings.sandbox)
    own = SmtpServer.of(smtp.url, smtp.ca_file) if smtp.url else None

    def server() -> SmtpServer:
        """The sandbox's port is known only when it listens, and is another after a restart."""
        return own or SmtpServer(*runtime.smtp())

    kept = LineTerms(at_once=smtp.calls_at_once, idle_seconds=smtp.idle_seconds, mails=smtp.mails_per_line)
    lines = Lines(kept, smtp.timeout_seconds)
    mailer = SmtpMailer(
        server,
        settings.sender,
        Gate(SERVICE.name, "smtp", smtp.terms, runtime.meter),
        lines,
        timeout_seconds=smtp.timeout_seconds,
    )
    message_domain = parseaddr(settings.sender)[1].rsplit("@", 1)[1]
    telling = Telling(MailTemplates(settings.issuer, settings.zone), mailer, runtime.clock, message_domain)
    keeping = Keeping(runtime, SERVICE.name)
    notices = keeping.documents(CollectionSpec(SERVICE.documents[0]), Notice)
    call_timeout = timedelta(seconds=smtp.timeout_seconds) + MARGIN
    participant = keeping.participant(notices, call_timeout=call_timeout, settle=SETTLE)
    return keeping.service(
        table=table(participant, telling),
        tasks=(Every(IDLE_PAUSE, lines.close_idle, name="mail lines"),),
        closing=(lines.close,),
    )
