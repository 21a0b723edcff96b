"""The development overlay, applied as it is, as a stack that purchases are made over."""

import time
from functools import partial
from typing import Final

from services.cli.audit import audit
from services.cli.demo.portal import OutsideWorld
from services.cli.deploy.tree import REPOSITORY
from services.cli.reconciliation import Result
from services.house import HOUSE
from tests.cluster.kubectl import OVERLAY, Kubectl, is_ready
from tests.eventually import eventually_sync

READY_WITHIN: Final = 300.0
MAILBOX: Final = "/var/lib/milesaga/sandbox/mail"
STAYING: Final = tuple(each.name for each in HOUSE if not each.may_rest)
RESTING: Final = tuple(each.name for each in HOUSE if each.may_rest)
BESIDE: Final = ("gateway", "mongodb", "prometheus", "rabbitmq", "sandbox")


class ClusterStack:
    """Fulfils `Staged`: the demonstration's purchases are made over it."""

    crashing = "kill -9 of the checkout's pods"
    log = "kubectl logs"
    left = "The cluster goes on."

    def __init__(self, kubectl: Kubectl, url: str = "") -> None:
        self.kubectl = kubectl
        self.url = url
        self.ready_after = 0.0
        """Seconds that the first start took."""
        self.sold = 0
        """Purchases that had been made when a test began."""

    def audited(self) -> Result:
        return audit(OutsideWorld(self.url).api)

    def books_agree(self, purchases: int) -> None:
        """The audit finds no difference, and so many purchases more than before, all of them over."""
        found = self.audited()
        assert found.differences == ()
        assert (found.purchases - self.sold, found.open) == (purchases, ())

    def apply(self) -> None:
        self.kubectl("apply", f"--kustomize={REPOSITORY / OVERLAY}")

    def start(self) -> float:
        """Everything that stays up is ready; the seconds that took."""
        begun = time.monotonic()
        for name in (*STAYING, *BESIDE):
            eventually_sync(partial(self.ready, name), READY_WITHIN)
        return time.monotonic() - begun

    def ready(self, name: str) -> int:
        """How many pods of it are."""
        return sum(map(is_ready, self.kubectl.pods(name)))

    def crash(self) -> None:
        """At once: nobody is asked to finish anything."""
        for pod in self.kubectl.pods("checkout"):
            self.kubectl.kill(pod)

    def find_mail(self, name: str) -> str | None:
        found = self.kubectl("exec", "sandbox-0", "--", "find", f"{MAILBOX}/{name}", "-type", "f").strip()
        return f"{found} in sandbox-0" if found else None
