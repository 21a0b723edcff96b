"""The notifications service, composed."""

from datetime import timedelta
from email.utils import parseaddr

from services.notifications.adapters.smtp import SmtpMailer, SmtpServer
from services.notifications.adapters.templates import MailTemplates
from services.notifications.domain.notice import Notice
from services.notifications.handlers import NotificationHandlers, table
from services.notifications.settings import NotificationSettings
from shared.bus.outbox import Outbox
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import WrongSettings, read
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository


def compose(runtime: Runtime) -> Service:
    settings = read(NotificationSettings)
    if settings.smtp_url is None and not runtime.settings.sandbox:
        raise WrongSettings("SMTP_URL: is required where the sandbox is off")
    own = SmtpServer.of(settings.smtp_url, settings.smtp_ca_file) if settings.smtp_url else None

    def server() -> SmtpServer:
        """The sandbox's port is known only when it listens, and is another after a restart."""
        return own or SmtpServer(*runtime.smtp())

    store = runtime.store("notifications")
    outbox = Outbox("milesaga/notifications", runtime.publisher, runtime.clock, runtime.ids)
    notices = Repository(
        outbox.watch(store.collection(CollectionSpec("notices"))), Notice, key=lambda notice: notice.id
    )
    mailer = SmtpMailer(
        server,
        settings.mail_from,
        timeout_seconds=settings.smtp_timeout_seconds,
        connections=settings.smtp_connections,
    )
    domain = parseaddr(settings.mail_from)[1].rsplit("@", 1)[1]
    handlers = NotificationHandlers(MailTemplates(settings.mail_issuer), mailer, runtime.clock, domain)
    mail_timeout = timedelta(seconds=settings.smtp_timeout_seconds)
    return Service(
        name="notifications",
        table=table(handlers, notices, outbox, runtime.clock, mail_timeout=mail_timeout),
        store=store,
        outbox=outbox,
    )
