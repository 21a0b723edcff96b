"""Each rule of a request, one after the other."""

from datetime import datetime, timedelta

import pytest

from services.releases.domain import commands as said
from services.releases.domain.agreeing import MOST_APPROVALS
from services.releases.domain.executing import MOST_GRANTS
from services.releases.domain.people import Person
from services.releases.domain.policy import Matching
from services.releases.domain.standing import MOST_SINGLE_LANES
from services.releases.domain.windows import Span
from shared.kernel.acts import SINGLES, SINGLES_WITHIN, payload
from shared.kernel.digest import digest
from shared.kernel.values import changed
from tests.unit.releases.places import (
    DAY,
    DIGEST,
    HOUR,
    MINUTE,
    OTHER,
    PEOPLE,
    POLICY,
    RULES,
    SECOND,
    START,
    Place,
    approved,
    ask,
    by,
    granted,
    redeem,
)


def test_two_others_agree_and_it_runs_once() -> None:
    place = granted()
    assert place.told(redeem()) == ""
    assert place.told(said.Outcome(by("ana", "http"), "x-j-1-k-1", 0)) == ""
    assert place.kinds() == ["requested", "approval", "approval", "approved", "granted", "executing", "outcome"]
    assert place.request.state == "succeeded"


@pytest.mark.parametrize(
    ("person", "via", "code"),
    [
        ("ana", "chat", "self_approval"),
        ("ana", "http", "self_approval"),
        ("davi", "http", "self_approval"),
        ("bia", "chat", "self_approval"),
        ("eva", "chat", "not_an_approver"),
        ("robot", "http", "self_approval"),
        ("stranger-1", "http", "not_an_approver"),
        ("caio", "pigeon", "via_not_allowed"),
    ],
)
def test_whom_it_concerns_and_who_has_no_business_does_not_agree(person: str, via: str, code: str) -> None:
    """Ana asked by a robot, Davi wrote it, and so did Bia."""
    place = Place()
    people = [each if each.id != "davi" else changed(each, groups=("owners", "sre")) for each in PEOPLE.person]
    more = people[0].model_copy(update={"id": "gil", "subjects": (), "chat": (), "ci": ()})
    place.rules = changed(RULES, people=changed(PEOPLE, person=(*people, more)))
    place.told(ask(person="robot", initiator="ana", authors=("davi", "bia")))
    assert place.told(said.Approve(by(person, via), DIGEST)) == code
    assert place.told(said.Deny(by(person, via), DIGEST, "")) == code
    assert [(each.actor, each.facts["code"]) for each in place.entries if each.kind == "refused"] == [(person, code)]
    assert place.request.approvals == ()


def test_a_second_press_does_nothing() -> None:
    place = Place()
    place.told(ask())
    assert place.all_told(*[said.Approve(by("bia"), DIGEST)] * 3) == ["", "", ""]
    assert place.kinds() == ["requested", "approval"]


def test_seats_are_matched_whatever_the_order() -> None:
    for first, second in (("caio", "bia"), ("bia", "caio")):
        place = Place()
        place.all_told(ask(), said.Approve(by(first), DIGEST), said.Approve(by(second), DIGEST))
        assert place.request.state == "approved"


def test_what_nobody_could_approve_is_refused_when_it_is_asked() -> None:
    place = Place()
    refusal = place.command(ask(authors=("caio", "davi"))).refusal
    assert refusal is not None
    assert refusal.code == "unsatisfiable"
    assert "owners needs 1, who may: nobody" in refusal.detail
    assert place.kinds() == []


def test_whose_approval_is_needed_is_heard_however_many_have_agreed() -> None:
    """Else a crowd of one group would keep the other's from being counted, and each would be told that it was."""
    crowd = tuple(Person(id=f"p{number}", groups=("sre",)) for number in range(MOST_APPROVALS + 5))
    people = changed(PEOPLE, person=(*crowd, *PEOPLE.person))
    place = Place(changed(RULES, people=people))
    assert place.told(ask(person="bia")) == ""
    for each in crowd:
        assert place.told(said.Approve(by(each.id), DIGEST)) == ""
    assert len(place.request.approvals) == MOST_APPROVALS, "who is not needed any more is not noted"
    assert place.told(said.Approve(by("davi"), DIGEST)) == ""
    assert place.request.state == "approved"


def test_one_person_does_not_take_two_seats() -> None:
    place = Place()
    refusal = place.command(ask(authors=("bia", "davi"))).refusal
    assert refusal is not None
    assert "1 people (caio) cannot fill 2 seats" in refusal.detail


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ask(environment="moon"), "no_policy"),
        (ask(person="robot"), "initiator_required"),
        (ask(window=Span(end=START - SECOND)), "in_the_past"),
        (ask(replaces="r-0"), "closed"),
    ],
)
def test_what_cannot_be_asked(command: said.Ask, code: str) -> None:
    assert Place().told(command) == code


def test_the_same_ask_again_is_the_first_one() -> None:
    place = Place()
    assert place.all_told(ask(), ask()) == ["", ""]
    assert place.told(ask(asked="sha256:else")) == "idempotency_key_reused"
    assert place.kinds() == ["requested"]


def test_one_request_waits_in_a_lane_and_a_newer_one_takes_its_place() -> None:
    place = approved()
    refusal = place.command(ask("r-2")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.told) == ("request_open", {"request": "r-1"})
    assert place.told(ask("r-2", replaces="r-1")) == ""
    assert place.kinds()[-2:] == ["superseded", "requested"]
    assert (place.request.state, place.request.superseded_by) == ("superseded", "r-2")
    assert place.told(said.Approve(by("bia"), DIGEST)) == "closed"
    assert place.told(ask("r-3", replaces="r-1")) == "request_open"


def test_what_was_not_named_is_not_approved() -> None:
    place = Place()
    place.told(ask())
    assert place.told(said.Approve(by("bia"), OTHER)) == "payload_changed"
    assert place.told(said.Deny(by("bia"), OTHER, "")) == "payload_changed"
    assert place.request.approvals == ()


def test_whoever_objects_before_the_grant_wins_and_after_the_redemption_comes_too_late() -> None:
    place = approved()
    assert place.told(said.Deny(by("davi"), DIGEST, "no")) == ""
    assert place.request.state == "denied"
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "closed"
    place = granted()
    assert place.told(said.Deny(by("davi"), DIGEST, "no")) == ""
    assert place.request.state == "revoked"
    assert place.told(redeem()) == "grant_void"
    place = granted()
    place.told(redeem())
    assert place.told(said.Deny(by("davi"), DIGEST, "no")) == "already_executing"
    assert place.told(said.Revoke(by("davi"), "no")) == "already_executing"


def test_the_grant_is_the_askers() -> None:
    place = approved()
    assert place.told(said.AskForGrant(by("bia"), DIGEST, "j-1")) == "not_the_requester"
    assert place.told(said.AskForGrant(by("ana"), OTHER, "j-1")) == "payload_changed"
    assert place.told(said.Withdraw(by("bia"))) == "not_the_requester"


def test_approvals_are_counted_again_when_the_grant_is_asked_for() -> None:
    place = approved()
    place.told(said.Deactivate(by("eva"), "bia", "left"))
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "not_approved"
    assert place.told(said.Approve(by("davi"), DIGEST)) == ""
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "", "caio for sre, davi for owners"


def test_whoever_lost_his_power_asks_approves_and_runs_nothing() -> None:
    place = granted()
    place.told(said.Deactivate(by("eva"), "ana", "left"))
    assert place.told(redeem()) == "grant_void"
    assert place.told(ask("r-2", "ana", "night")) == "inactive"
    place.told(said.Deactivate(by("eva"), "caio", "left"))
    assert place.told(said.Approve(by("caio"), DIGEST)) == "inactive"


def test_power_comes_back_by_a_newer_file_alone() -> None:
    place = approved()
    place.told(said.Deactivate(by("eva"), "bia", "left"))
    place.rules = changed(RULES, people=changed(PEOPLE, version=2), people_digest="sha256:people-2")
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "policy_outdated", "the log does not know the file"
    assert place.told(said.ReadRules()) == ""
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == ""


def test_older_files_decide_nothing() -> None:
    place = approved()
    older = place.rules
    place.rules = changed(RULES, policy=changed(POLICY, version=2), policy_digest="sha256:policy-2")
    place.told(said.ReadRules())
    place.rules = older
    assert place.all_told(said.Approve(by("davi"), DIGEST), said.ReadRules(), ask("r-2")) == ["policy_outdated"] * 3
    place.rules = changed(RULES, policy=changed(POLICY, version=2), policy_digest="sha256:policy-3")
    assert place.told(said.ReadRules()) == "policy_outdated", "a file that changed has another version"


def test_a_grant_is_redeemed_once_for_what_it_names() -> None:
    place = granted()
    assert place.told(redeem(digest=OTHER)) == "payload_changed"
    assert place.told(redeem(target="portal")) == "payload_changed"
    assert place.told(redeem("j-0")) == "grant_void"
    assert place.all_told(redeem(), redeem()) == ["", ""], "the same attempt has the same answer"
    assert place.told(redeem(digest=OTHER)) == "payload_changed"
    assert place.told(redeem(key="k-2")) == "grant_used"
    assert place.kinds().count("executing") == 1


def test_a_grant_is_good_for_ten_minutes_and_another_may_be_asked_for() -> None:
    place = granted().later(10 * MINUTE)
    assert place.told(redeem()) == "grant_expired"
    assert place.request.state == "approved"
    assert place.told(redeem()) == "grant_void"
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-2")) == ""
    assert place.told(redeem("j-2")) == ""


def test_a_second_grant_voids_the_first() -> None:
    place = granted()
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-2")) == ""
    assert place.told(redeem("j-1")) == "grant_void"
    assert place.told(redeem("j-2")) == ""


def test_grants_that_are_never_used_come_to_an_end_and_leave_nothing_behind() -> None:
    """Each is an entry of the log for good; a pipeline that asks again and again would fill it."""
    place = granted()
    size = len(place.request.model_dump_json())
    for number in range(2, MOST_GRANTS + 1):
        assert place.told(said.AskForGrant(by("ana", "http"), DIGEST, f"j-{number}")) == ""
    assert len(place.request.model_dump_json()) < size + 20
    entries = len(place.entries)
    assert place.told(said.AskForGrant(by("ana", "http"), DIGEST, "j-more")) == "too_many_grants"
    assert len(place.entries) == entries
    assert place.told(redeem(f"j-{MOST_GRANTS}")) == "", "the newest is good all the same"


def test_an_ask_and_an_approval_expire_each_in_its_time() -> None:
    place = Place()
    place.told(ask())
    assert place.later(HOUR).told(said.Approve(by("bia"), DIGEST)) == "expired"
    place = approved().later(30 * MINUTE)
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "expired"
    place = approved().later(29 * MINUTE)
    place.told(said.AskForGrant(by("ana"), DIGEST, "j-1"))
    assert place.request.grant_until == START + 30 * MINUTE, "no grant outlives the approval"
    assert place.later(MINUTE).all_told(said.Tick()) == [""]
    assert place.kinds()[-2:] == ["grant_lapsed", "expired"]


@pytest.mark.parametrize("starts", [timedelta(), MINUTE])
def test_a_freeze_stops_the_grant_and_the_redemption(starts: timedelta) -> None:
    freeze = said.SetFreeze(by("eva"), "f-1", Matching(environment="production"), START + starts, START + HOUR, "")
    place = approved()
    place.told(freeze)
    assert place.later(MINUTE).told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "frozen"
    place = granted()
    place.told(freeze)
    assert place.later(MINUTE).told(redeem()) == "frozen"
    place.told(said.Thaw(by("eva"), "f-1"))
    assert place.told(redeem()) == ""


def lifting(named: str) -> Place:
    """With a freeze on all, and agreement to an act that is called its end."""
    place = Place()
    place.told(said.SetFreeze(by("eva"), "f-1", Matching(), None, None, ""))
    place.told(ask(action="releases.lift_freeze", target="f-1", digest=named))
    place.told(said.Approve(by("bia"), named))
    return place


def test_no_freeze_holds_against_its_own_end() -> None:
    ends = digest(payload("DELETE", "/v1/releases/freezes/f-1", "", b""))
    place = lifting(ends)
    assert place.told(said.AskForGrant(by("ana"), ends, "j-1")) == ""
    assert place.told(redeem(digest=ends, target="f-1")) == ""


@pytest.mark.parametrize("path", ["/v1/releases/freezes/f-2", "/v1/miles/accounts/ana"])
def test_what_is_only_called_the_end_of_a_freeze_waits_for_it(path: str) -> None:
    """Else a deployment under that name would pass every freeze."""
    other = digest(payload("DELETE", path, "", b""))
    assert lifting(other).told(said.AskForGrant(by("ana"), other, "j-1")) == "frozen"
    assert lifting(DIGEST).told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == "frozen"


def test_what_was_approved_before_its_window_waits_for_the_opening() -> None:
    place = Place()
    place.all_told(ask(environment="night"), said.Approve(by("bia"), DIGEST), said.Approve(by("caio"), DIGEST))
    refusal = place.command(said.AskForGrant(by("ana"), DIGEST, "j-1"), "r-1").refusal
    assert refusal is not None
    assert (refusal.code, refusal.told) == ("outside_window", {"retry_after": 1801})
    assert place.request.use_until == START + 40 * MINUTE, "ten minutes from the opening"
    assert place.later(39 * MINUTE).told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == ""


def test_no_grant_outlives_its_window() -> None:
    place = Place().later(45 * MINUTE)
    place.all_told(ask(environment="night"), said.Approve(by("bia"), DIGEST), said.Approve(by("caio"), DIGEST))
    assert place.told(said.AskForGrant(by("ana"), DIGEST, "j-1")) == ""
    assert place.request.grant_until == START + 50 * MINUTE


def test_how_it_ended_is_told_by_whoever_began_it_and_after_its_silence_by_anybody_who_looked() -> None:
    place = granted()
    place.told(redeem())
    assert place.told(said.Outcome(by("bia"), "x-j-1-k-1", 0)) == "not_the_requester"
    place.later(15 * MINUTE).told(said.Tick())
    assert place.told(said.Deactivate(by("davi"), "caio", "")) == ""
    assert place.told(said.Outcome(by("caio"), "x-j-1-k-1", 0)) == "inactive"
    assert place.told(said.Outcome(by("stranger"), "x-j-1-k-1", 0)) == "inactive"
    assert place.told(said.Outcome(by("bia"), "x-j-1-k-1", 0)) == ""
    assert (place.request.state, place.entries[-1].actor) == ("succeeded", "bia")
    assert place.told(said.Outcome(by("ana"), "x-j-1-k-1", 1)) == "closed"


def test_silence_is_neither_success_nor_failure() -> None:
    place = granted()
    place.told(redeem())
    place.later(15 * MINUTE).told(said.Tick())
    assert place.request.state == "unknown"
    assert place.told(said.Outcome(by("ana"), "x-other", 0)) == "not_found"
    assert place.all_told(*[said.Outcome(by("ana"), "x-j-1-k-1", 3)] * 2) == ["", ""]
    assert (place.request.state, place.request.exit_code) == ("failed", 3)


def test_broken_glass_runs_at_once_and_is_reviewed() -> None:
    place = Place()
    place.told(ask(person="eva"))
    assert place.told(said.BreakTheGlass(by("ana"), DIGEST, "INC-1", "", "j-1")) == "not_an_approver"
    place.told(said.SetFreeze(by("eva"), "f-1", Matching(), None, None, ""))
    assert place.told(said.BreakTheGlass(by("eva"), DIGEST, "INC-1", "", "j-1")) == ""
    assert place.told(redeem()) == ""
    assert place.kinds()[-3:] == ["broke_glass", "granted", "executing"]
    assert place.told(said.Look(by("eva"), "accepted", "")) == "self_approval"
    place.later(2 * HOUR).told(said.Tick())
    assert (place.request.review, place.kinds()[-1]) == ("overdue", "review_overdue")
    place.told(ask("r-2", "ana"))
    assert place.told(said.BreakTheGlass(by("eva"), DIGEST, "INC-2", "", "j-2"), "r-2") == "review_overdue"
    assert place.told(said.Look(by("bia"), "accepted", "")) == ""
    assert place.request.review == "accepted"
    assert place.told(said.BreakTheGlass(by("eva"), DIGEST, "INC-2", "", "j-2"), "r-2") == ""


def test_one_rejection_is_enough() -> None:
    place = Place()
    place.all_told(ask(person="ana"), said.BreakTheGlass(by("eva"), DIGEST, "INC-1", "", "j-1"))
    assert place.all_told(said.Look(by("bia"), "rejected", ""), said.Look(by("caio"), "accepted", "")) == ["", "closed"]
    assert place.request.review == "rejected"
    assert not place.standing.reviews


def test_freezes_have_an_end_and_a_name() -> None:
    place = Place()
    freeze = said.SetFreeze(by("eva"), "f-1", Matching(), None, START + DAY, "")
    assert place.all_told(freeze, freeze) == ["", ""]
    assert place.kinds() == ["frozen"]
    assert place.told(said.SetFreeze(by("eva"), "f-2", Matching(), None, START, "")) == "in_the_past"
    assert place.told(said.Thaw(by("eva"), "f-9")) == "not_found"
    assert place.told(said.Deactivate(by("eva"), "nobody", "")) == "not_found"


def test_times_in_the_log_are_read_again() -> None:
    place = approved()
    assert isinstance(place.request.use_until, datetime)
    assert place.request.wake_at() == START + 30 * MINUTE


def single(target: str = "payment", person: str = "ana", action: str = "releases.lift_freeze") -> said.DoSingly:
    return said.DoSingly(by(person, "http"), action, "production", target, "letter-1")


def test_single_acts_are_on_record_and_more_of_them_take_others() -> None:
    """Whoever does them, and however the target is written."""
    place = Place()
    told = [place.told(single("Payment" if n % 2 else "payment", person=("ana", "bia")[n % 2])) for n in range(12)]
    assert told == [""] * SINGLES + ["grant_required"] * 2
    assert place.kinds() == ["single"] * SINGLES
    assert place.entries[1].facts["act"] == "letter-1"
    assert place.told(single("checkout")) == "", "another target"
    assert place.later(SINGLES_WITHIN - SECOND).told(single()) == "grant_required"
    assert place.later(SECOND).told(single()) == ""


def test_nothing_is_single_without_a_rule_or_power_nor_under_ever_new_names() -> None:
    place = Place()
    assert place.told(single(action="dead.retry_all")) == "no_policy"
    place.command(said.Deactivate(by("eva"), "ana", ""))
    assert place.told(single()) == "inactive"
    told = [place.told(single(f"t-{n}", person="bia")) for n in range(MOST_SINGLE_LANES + 1)]
    assert told == [""] * MOST_SINGLE_LANES + ["grant_required"]
    place.later(DAY).command(single(person="bia"))
    assert list(place.standing.singles) == ["releases.lift_freeze\nproduction\npayment"], "the others are forgotten"
