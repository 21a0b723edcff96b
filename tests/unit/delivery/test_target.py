"""What is known of targets: revisions, secrets, pauses."""

from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.adapters.sealing import MasterKeySealing
from services.delivery.domain.state import TargetState, paused, resumed
from services.delivery.domain.target import NOBODY, Sealed, Secrets, told, with_newer
from services.delivery.ports import Unopenable
from shared.contracts.buses import TargetTerms
from shared.contracts.delivery import ConfigureTargets

NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)
DAY = timedelta(days=1)
HOOK = TargetTerms(webhook="https://bi.example/hook")


def command(revision: int, *targets: str) -> ConfigureTargets:
    return ConfigureTargets(bus="fuel", revision=revision, partner="coles", targets=dict.fromkeys(targets, HOOK))


def test_an_older_revision_changes_nothing_in_whatever_order_they_come() -> None:
    known = told(None, command(3, "bi"))
    assert told(known, command(2, "bi", "old")) is known
    assert told(known, command(3, "bi", "old")) is known
    gone = told(known, command(4))
    assert (gone.revision, gone.targets) == (4, {})
    assert told(gone, command(3, "bi")) is gone


def sealed(name: str, at: datetime) -> Sealed:
    return Sealed(key="k", text=name, made_at=at)


def live(secrets: Secrets, at: datetime) -> list[str]:
    return [each.text for each in secrets.live(at)]


def test_two_secrets_sign_during_an_overlap_and_one_after_it() -> None:
    first = with_newer(None, "fuel/bi", sealed("a", NOW), NOW + DAY, 0)
    assert live(first, NOW) == ["a"]
    second = with_newer(first, "fuel/bi", sealed("b", NOW + DAY), NOW + 2 * DAY, 0)
    assert live(second, NOW + DAY) == ["b", "a"]
    assert live(second, NOW + 2 * DAY) == ["b"]


def test_another_rotation_does_not_lengthen_what_was_to_end() -> None:
    first = with_newer(None, "fuel/bi", sealed("a", NOW), NOW, 0)
    second = with_newer(first, "fuel/bi", sealed("b", NOW), NOW + DAY, 0)
    third = with_newer(second, "fuel/bi", sealed("c", NOW), NOW + 7 * DAY, 0)
    assert live(third, NOW) == ["c", "b", "a"]
    assert live(third, NOW + DAY) == ["c", "b"]


def test_of_secrets_that_are_rotated_again_and_again_the_newest_ten_sign() -> None:
    kept = with_newer(None, "fuel/bi", sealed("0", NOW), NOW, 0)
    for number in range(1, 40):
        kept = with_newer(kept, "fuel/bi", sealed(str(number), NOW), NOW + DAY, 0)
    assert live(kept, NOW) == [str(number) for number in range(39, 29, -1)]


def test_who_has_the_bus_no_more_knows_no_secret_that_is_signed_by() -> None:
    theirs = with_newer(None, "fuel/bi", sealed("a", NOW), NOW + DAY, 0)
    ours = with_newer(theirs, "fuel/bi", sealed("b", NOW), NOW + DAY, 4)
    assert live(ours, NOW) == ["b"]
    assert live(with_newer(ours, "fuel/bi", sealed("c", NOW), NOW + DAY, 4), NOW) == ["c", "b"]


def test_a_bus_is_its_owners_since_the_revision_that_gave_it() -> None:
    first = told(None, command(3, "bi"))
    assert told(first, command(4, "bi")).owned_since == first.owned_since == 3
    given = told(first, command(5, "bi").model_copy(update={"partner": "other"}))
    assert (given.partner, given.owned_since) == ("other", 5)
    gone = told(given, command(6).model_copy(update={"partner": NOBODY}))
    assert (gone.partner, gone.owned_since, gone.targets) == ("other", 5, {})


def test_without_an_overlap_the_secret_before_ends_at_once() -> None:
    first = with_newer(None, "fuel/bi", sealed("a", NOW), NOW, 0)
    assert live(with_newer(first, "fuel/bi", sealed("b", NOW), NOW, 0), NOW) == ["b"]


def test_a_secret_that_nobody_was_shown_ends_at_once() -> None:
    made = Secrets(id="fuel/bi", secrets=(sealed("unseen", NOW),))
    assert live(with_newer(made, "fuel/bi", sealed("a", NOW), NOW + DAY, 0), NOW) == ["a"]


def test_a_sealed_secret_is_opened_by_its_key_for_its_place_alone() -> None:
    sealing = MasterKeySealing("k" * 32)
    text = sealing.seal(b"secret", "fuel/bi")
    assert sealing.opened(sealing.key, text, "fuel/bi") == b"secret"
    assert sealing.seal(b"secret", "fuel/bi") != text
    with pytest.raises(Unopenable, match="for another place"):
        sealing.opened(sealing.key, text, "fuel/other")
    other = MasterKeySealing("l" * 32)
    with pytest.raises(Unopenable, match=f"by the master key {sealing.key}: give it as DELIVERY_FORMER_MASTER_KEY"):
        other.opened(sealing.key, text, "fuel/bi")
    with pytest.raises(Unopenable):
        other.opened(other.key, text, "fuel/bi")
    assert MasterKeySealing("l" * 32, "k" * 32).opened(sealing.key, text, "fuel/bi") == b"secret"


def test_a_pause_is_a_gap_from_its_beginning() -> None:
    agreed = TargetState(id="fuel/bi", verified=HOOK.webhook)
    held = paused(agreed, NOW)
    assert (held.shown(HOOK, NOW), held.may_send(HOOK)) == ("paused", False)
    assert paused(held, NOW + DAY) is held
    assert held.lost(NOW + DAY) == [(NOW, NOW + DAY)]
    again = resumed(held, NOW + DAY)
    assert (again.shown(HOOK, NOW), again.may_send(HOOK)) == ("healthy", True)
    assert again.lost(NOW + 2 * DAY) == [(NOW, NOW + DAY)]
    assert resumed(again, NOW + 2 * DAY) is again


def test_another_url_has_to_agree_anew() -> None:
    agreed = TargetState(id="fuel/bi", verified="https://bi.example/before")
    assert (agreed.shown(HOOK, NOW), agreed.may_send(HOOK)) == ("unverified", False)
