"""Mail over SMTP, by lines that are kept open for the next mail."""

from services.notifications.adapters.smtp.lines import Lines, LineTerms
from services.notifications.adapters.smtp.mailer import SmtpMailer, recipient
from services.notifications.adapters.smtp.server import SmtpServer

__all__ = ["LineTerms", "Lines", "SmtpMailer", "SmtpServer", "recipient"]
