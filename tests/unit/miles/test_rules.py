"""The ledger's rules, one by one."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.miles.domain import rules
from services.miles.domain.account import Account
from services.miles.domain.journal import AVAILABLE, HELD, REDEEMED
from services.miles.domain.validity import Calendar
from shared.kernel.errors import Refused
from shared.kernel.values import changed
from tests.unit.miles.ledgers import CALENDAR, NOW, an_account, end_of_grace, past_of

SOON = date(2026, 12, 31)
LATER = date(2027, 6, 30)
EARNED_UNTIL = datetime(2029, 12, 1, tzinfo=UTC)
AFTER_SOON = datetime(2027, 1, 2, tzinfo=UTC)


def held(account: Account, purchase: str, miles: int, now: datetime = NOW) -> Account:
    return rules.hold(account, past_of(account, purchase), purchase, miles, now)


def released(account: Account, purchase: str, now: datetime = NOW, grace: timedelta | None = None) -> Account:
    return rules.release(account, past_of(account, purchase), purchase, now, end_of_grace(grace, now))


def redeemed(account: Account, purchase: str, miles: int, now: datetime = NOW) -> Account:
    return rules.redeem(account, past_of(account, purchase), purchase, miles, now)


def reversed_(account: Account, purchase: str, now: datetime = NOW, grace: timedelta | None = None) -> Account:
    return rules.reverse(account, past_of(account, purchase), purchase, now, end_of_grace(grace, now))


def lots_of(account: Account) -> list[tuple[date, int, int]]:
    return [(CALENDAR.last_day(lot.expires_at), lot.remaining, lot.held) for lot in account.lots]


def lines_of(account: Account) -> list[tuple[str, int, int]]:
    return [(e.kind, e.miles, e.balance_after) for t in account.recent for e in t.entries]


def test_a_hold_takes_the_miles_that_expire_first_and_names_its_lines() -> None:
    account = held(an_account((500, LATER), (300, SOON)), "p1", 400)
    assert lots_of(account) == [(SOON, 300, 300), (LATER, 500, 100)]
    assert [line.miles for line in account.holds[0].lines] == [300, 100]
    assert account.available(NOW) == 400


def test_of_lots_that_expire_together_the_earlier_earned_goes_first() -> None:
    account = an_account((300, SOON))
    older = changed(account.lots[0], id="zz", earned_at=NOW - timedelta(days=9))
    account = changed(account, lots=(older, *account.lots))
    assert [line.lot for line in rules.hold(account, {}, "p1", 10, NOW).holds[0].lines] == ["zz"]


def test_a_hold_beyond_the_balance_is_refused_and_names_both_numbers() -> None:
    with pytest.raises(Refused, match="insufficient_miles: 801 miles asked for, 800 available"):
        held(an_account((500, LATER), (300, SOON)), "p1", 801)


def test_expired_miles_cannot_be_held_even_before_their_expiry_is_posted() -> None:
    account = an_account((500, LATER), (300, SOON))
    assert account.available(AFTER_SOON) == 500
    with pytest.raises(Refused, match="insufficient_miles"):
        held(account, "p1", 501, AFTER_SOON)


def test_a_hold_said_twice_is_one_hold() -> None:
    account = held(an_account((500, LATER)), "p1", 100)
    assert held(account, "p1", 100) is account


def test_a_second_hold_of_another_size_is_refused() -> None:
    account = held(an_account((500, LATER)), "p1", 100)
    with pytest.raises(Refused, match="other_hold"):
        held(account, "p1", 101)


def test_a_release_frees_the_lots_the_hold_came_from() -> None:
    before = an_account((500, LATER), (300, SOON))
    after = released(held(before, "p1", 400), "p1")
    assert after.lots == before.lots
    assert after.holds == ()


def test_a_release_that_comes_before_its_hold_forbids_it() -> None:
    account = released(an_account((500, LATER)), "p1")
    assert account.sequence == 2
    assert lines_of(account) == [("accrual", 500, 500)]
    with pytest.raises(Refused, match="fenced"):
        held(account, "p1", 100)


def test_a_release_forbids_the_hold_of_a_member_without_account() -> None:
    account = released(Account(id="bob"), "p1")
    assert account.opened_at is None
    with pytest.raises(Refused, match="fenced"):
        held(account, "p1", 100)


def test_a_released_hold_cannot_be_redeemed() -> None:
    account = released(held(an_account((500, LATER)), "p1", 100), "p1")
    with pytest.raises(Refused, match="not_held: 100 miles to redeem, 0 held"):
        redeemed(account, "p1", 100)


def test_redeeming_another_number_than_was_held_is_refused() -> None:
    account = held(an_account((500, LATER)), "p1", 100)
    with pytest.raises(Refused, match="not_held: 99 miles to redeem, 100 held"):
        redeemed(account, "p1", 99)


def test_a_redemption_debits_the_held_lots_and_shows_in_full_on_the_statement() -> None:
    account = redeemed(held(an_account((500, LATER), (300, SOON)), "p1", 400), "p1", 400)
    assert lots_of(account) == [(LATER, 400, 0)]
    assert lines_of(account) == [
        ("accrual", 800, 800),
        ("hold", -400, 400),
        ("release", 400, 800),
        ("redemption", -400, 400),
    ]
    redemption = account.recent[-1].entries[-1]
    assert (redemption.debit, redemption.credit) == (AVAILABLE, REDEEMED)
    assert (account.recent[-2].entries[0].debit, account.recent[-2].entries[0].credit) == (AVAILABLE, HELD)


def test_held_miles_are_redeemed_even_when_their_lot_expired_meanwhile() -> None:
    account = rules.expire(held(an_account((300, SOON)), "p1", 200), AFTER_SOON)
    assert lots_of(account) == [(SOON, 200, 200)]
    account = redeemed(account, "p1", 200, AFTER_SOON)
    assert account.lots == ()
    assert account.free == 0


def test_a_redemption_said_twice_is_one() -> None:
    account = redeemed(held(an_account((500, LATER)), "p1", 100), "p1", 100)
    assert redeemed(account, "p1", 100) is account


def test_a_release_after_the_redemption_changes_nothing() -> None:
    account = redeemed(held(an_account((500, LATER)), "p1", 100), "p1", 100)
    assert released(account, "p1") is account


def test_a_reversal_gives_the_same_lots_their_miles_and_their_expiry_back() -> None:
    before = an_account((500, LATER), (300, SOON))
    after = reversed_(redeemed(held(before, "p1", 400), "p1", 400), "p1")
    assert lots_of(after) == lots_of(before)
    assert [lot.id for lot in after.lots] == [lot.id for lot in before.lots]
    assert lines_of(after)[-1] == ("reversal", 400, 800)
    assert released(after, "p1") is after


def test_a_reversal_that_comes_before_its_redemption_forbids_it_and_leaves_the_hold() -> None:
    account = reversed_(held(an_account((500, LATER)), "p1", 100), "p1")
    assert account.held == 100
    with pytest.raises(Refused, match="fenced"):
        redeemed(account, "p1", 100)
    assert released(account, "p1").available(NOW) == 500


def test_a_reversal_said_twice_gives_back_once() -> None:
    account = reversed_(redeemed(held(an_account((500, LATER)), "p1", 100), "p1", 100), "p1")
    assert reversed_(account, "p1") is account


def test_a_reversed_redemption_is_not_done_again() -> None:
    account = reversed_(redeemed(held(an_account((500, LATER)), "p1", 100), "p1", 100), "p1")
    with pytest.raises(Refused, match="fenced"):
        redeemed(account, "p1", 100)


def test_miles_that_expired_meanwhile_are_lost_on_their_reversal_where_there_is_no_grace() -> None:
    account = redeemed(held(an_account((500, LATER), (300, SOON)), "p1", 400), "p1", 400)
    account = reversed_(account, "p1", AFTER_SOON)
    assert lots_of(account) == [(LATER, 500, 0)]
    assert lines_of(account)[-2:] == [("reversal", 400, 800), ("expiry", -300, 500)]


def test_miles_that_expired_meanwhile_live_on_for_the_days_of_grace() -> None:
    account = redeemed(held(an_account((300, SOON)), "p1", 300), "p1", 300)
    account = reversed_(account, "p1", AFTER_SOON, timedelta(days=30))
    assert lots_of(account) == [(date(2027, 2, 1), 300, 0)]
    assert lines_of(account)[-1] == ("reversal", 300, 300)


@pytest.mark.parametrize(("grace", "left"), [(None, 0), (timedelta(days=30), 200)])
def test_a_hold_released_after_its_lot_expired_follows_the_same_policy(grace: timedelta | None, left: int) -> None:
    account = rules.expire(held(an_account((300, SOON)), "p1", 200), AFTER_SOON)
    account = released(account, "p1", AFTER_SOON, grace)
    assert account.available(AFTER_SOON) == left


def test_expiry_skips_held_miles() -> None:
    account = rules.expire(held(an_account((300, SOON), (500, LATER)), "p1", 100), AFTER_SOON)
    assert lots_of(account) == [(SOON, 100, 100), (LATER, 500, 0)]
    assert lines_of(account)[-1] == ("expiry", -200, 500)
    assert rules.expire(account, AFTER_SOON) is account


def test_miles_earned_in_one_month_share_a_lot_that_ends_with_a_month() -> None:
    account = rules.accrue(an_account(), {}, "p1", 100, NOW, expires_at=EARNED_UNTIL)
    account = rules.accrue(account, {}, "p2", 50, NOW + timedelta(days=3), expires_at=EARNED_UNTIL)
    assert lots_of(account) == [(date(2029, 11, 30), 150, 0)]


def test_miles_are_accrued_once_per_purchase() -> None:
    account = rules.accrue(an_account(), {}, "p1", 100, NOW, expires_at=EARNED_UNTIL)
    assert rules.accrue(account, past_of(account, "p1"), "p1", 100, NOW, expires_at=EARNED_UNTIL) is account


def test_nothing_is_accrued_without_an_account() -> None:
    with pytest.raises(Refused, match="no_account"):
        rules.accrue(Account(id="bob"), {}, "p1", 100, NOW, expires_at=EARNED_UNTIL)


def test_replaced_lots_leave_by_entries_and_open_holds_stay() -> None:
    account = held(an_account((500, LATER)), "p1", 200)
    account = rules.replace(account, "gold", [rules.NewLot(50, SOON)], NOW, CALENDAR)
    assert account.tier == "gold"
    assert lots_of(account) == [(SOON, 50, 0), (LATER, 200, 200)]
    assert lines_of(account)[-2:] == [("transfer", -300, 0), ("accrual", 50, 50)]
    assert redeemed(account, "p1", 200).available(NOW) == 50


def test_replacing_an_account_by_what_it_is_changes_nothing() -> None:
    account = an_account((500, LATER))
    assert rules.replace(account, "member", [rules.NewLot(500, LATER)], NOW, CALENDAR) is account


def test_lots_never_differ_from_their_entries() -> None:
    with pytest.raises(rules.BooksDiffer):
        rules._post(an_account((500, LATER)), "expiry", None, NOW, [("expiry", 1, AVAILABLE, "programme:expired")])


@pytest.mark.parametrize(
    ("months", "earned", "last"),
    [
        (36, datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2029, 12, 31)),
        (1, datetime(2027, 1, 31, tzinfo=UTC), date(2027, 2, 28)),
        (120, datetime(2026, 1, 1, tzinfo=UTC), date(2036, 1, 31)),
    ],
)
def test_validity_ends_with_the_month(months: int, earned: datetime, last: date) -> None:
    assert CALENDAR.last_day(CALENDAR.end_of_month_after(months, earned)) == last


def test_miles_can_be_spent_through_their_last_day() -> None:
    account = an_account((500, SOON))
    assert account.available(CALENDAR.end_of(SOON) - timedelta(microseconds=1)) == 500
    assert account.available(CALENDAR.end_of(SOON)) == 0


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("America/Sao_Paulo", date(2026, 12, 31), datetime(2027, 1, 1, 3, tzinfo=UTC)),
        ("Asia/Tokyo", date(2026, 12, 31), datetime(2026, 12, 31, 15, tzinfo=UTC)),
        ("Africa/Cairo", date(2027, 4, 29), datetime(2027, 4, 29, 22, tzinfo=UTC)),
        ("UTC", date(2026, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_miles_are_good_through_the_last_evening_where_the_programme_is(zone: str, day: date, ends: datetime) -> None:
    """In Cairo the clocks skip the midnight after that day."""
    calendar = Calendar(ZoneInfo(zone))
    account = rules.replace(Account(id="ana"), "member", [rules.NewLot(500, day)], NOW, calendar)
    assert account.available(ends - timedelta(microseconds=1)) == 500
    assert account.available(ends) == 0
    assert calendar.last_day(account.lots[0].expires_at) == day


def test_the_month_in_which_miles_are_earned_is_the_programmes() -> None:
    calendar = Calendar(ZoneInfo("America/Sao_Paulo"))
    evening = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    assert calendar.end_of_month_after(36, evening) == datetime(2029, 12, 1, 3, tzinfo=UTC)
    assert calendar.end_after(timedelta(days=30), evening) == datetime(2026, 12, 31, 3, tzinfo=UTC)


def test_what_was_granted_by_another_calendar_keeps_its_moment_and_its_lot() -> None:
    """Else miles earned today would end with those of a lot that ends three hours earlier."""
    account = rules.accrue(an_account(), {}, "p1", 100, NOW, expires_at=EARNED_UNTIL)
    account = rules.accrue(account, {}, "p2", 50, NOW, expires_at=EARNED_UNTIL + timedelta(hours=3))
    assert [(lot.expires_at, lot.remaining) for lot in account.lots] == [
        (EARNED_UNTIL, 100),
        (EARNED_UNTIL + timedelta(hours=3), 50),
    ]
