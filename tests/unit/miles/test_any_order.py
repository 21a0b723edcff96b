"""Whatever is done in whatever order, the ledger keeps its books."""

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.miles.domain import rules
from services.miles.domain.account import Account
from services.miles.domain.journal import AVAILABLE, EXPIRED, HELD, REDEEMED
from shared.kernel.errors import Refused
from tests.unit.miles.ledgers import CALENDAR, NOW, balances, end_of_grace, past_of

purchases = st.sampled_from(["p1", "p2", "p3", "p4"])
amounts = st.integers(min_value=1, max_value=60)
graces = st.sampled_from([None, timedelta(days=10)])
new_lots = st.lists(
    st.builds(
        rules.NewLot,
        miles=st.integers(min_value=0, max_value=100),
        expires_on=st.dates(date(2026, 11, 1), date(2027, 6, 1)),
    ),
    max_size=3,
)


class AnyOrder(RuleBasedStateMachine):
    """A member's account, and somebody who orders at random; `asked` is what each purchase was promised."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(id="ana")
        self.now = NOW
        self.held: dict[str, int] = {}
        self.redeemed: dict[str, int] = {}

    @rule(days=st.integers(min_value=1, max_value=90))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(lots=new_lots)
    def an_operator_replaces_the_account(self, lots: list[rules.NewLot]) -> None:
        self.account = rules.replace(self.account, "member", lots, self.now, CALENDAR)

    @rule(purchase=purchases, miles=amounts)
    def hold(self, purchase: str, miles: int) -> None:
        before = self.account.available(self.now)
        past = past_of(self.account, purchase)
        try:
            self.account = rules.hold(self.account, past, purchase, miles, self.now)
        except Refused:
            assert "release" in past or "hold" in past or miles > before
            return
        if "hold" not in past:
            assert self.account.available(self.now) == before - miles
            self.held[purchase] = miles

    @rule(purchase=purchases, grace=graces)
    def release(self, purchase: str, grace: timedelta | None) -> None:
        self.account = rules.release(
            self.account, past_of(self.account, purchase), purchase, self.now, end_of_grace(grace, self.now)
        )
        self.held.pop(purchase, None)

    @rule(purchase=purchases, miles=amounts)
    def redeem(self, purchase: str, miles: int) -> None:
        past = past_of(self.account, purchase)
        miles = self.held.get(purchase, miles)
        try:
            self.account = rules.redeem(self.account, past, purchase, miles, self.now)
        except Refused:
            assert purchase not in self.held or "reversal" in past
            return
        if "redemption" not in past:
            self.redeemed[purchase] = self.held.pop(purchase)

    @rule(purchase=purchases, grace=graces)
    def reverse(self, purchase: str, grace: timedelta | None) -> None:
        self.account = rules.reverse(
            self.account, past_of(self.account, purchase), purchase, self.now, end_of_grace(grace, self.now)
        )
        self.redeemed.pop(purchase, None)

    @rule(purchase=purchases, miles=amounts)
    def accrue(self, purchase: str, miles: int) -> None:
        past = past_of(self.account, purchase)
        if self.account.opened_at is not None:
            until = CALENDAR.end_of_month_after(3, self.now)
            self.account = rules.accrue(self.account, past, purchase, miles, self.now, expires_at=until)

    @rule()
    def expire(self) -> None:
        self.account = rules.expire(self.account, self.now)
        assert self.account.available(self.now) == self.account.free

    @invariant()
    def held_is_within_remaining(self) -> None:
        assert all(0 <= lot.held <= lot.remaining <= lot.amount for lot in self.account.lots)

    @invariant()
    def the_entries_say_what_the_lots_say(self) -> None:
        books = balances(self.account.recent)
        assert books[AVAILABLE] == self.account.free
        assert books[HELD] == self.account.held == sum(self.held.values())
        assert books[REDEEMED] == sum(self.redeemed.values())
        assert books[EXPIRED] >= 0
        assert sum(books.values()) == 0

    @invariant()
    def the_statement_adds_up(self) -> None:
        running = 0
        for transaction in self.account.recent:
            for entry in transaction.entries:
                running += entry.miles
                assert entry.balance_after == running >= 0

    @invariant()
    def every_transaction_is_there_once(self) -> None:
        assert [t.sequence for t in self.account.recent] == list(range(1, self.account.sequence + 1))
        assert len({t.id for t in self.account.recent}) == self.account.sequence


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
