"""Rules decide which events a partner finds in its queues: applied, tried before, brought back."""

import asyncio
from collections import Counter

from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.partners import RECEIPT, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually
from tests.kit.stack import Stack


async def opened(shop: Shop, stack: Stack, *, by_itself: bool = False) -> tuple[Partner, Bus]:
    partner = await Partner.made(shop)
    writer = await Partner.client(shop, partner.name, "hub:read hub:write") if by_itself else partner.operator
    return partner, Bus(partner, writer, house_url(stack))


async def test_a_file_of_ten_lines_brings_events_to_a_queue(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack, by_itself=True)
    large = {"type": [RECEIPT], "data": {"total": {"amount": [{"numeric": [">=", 3000]}]}}}
    await bus.applied(a_rule(when=large))
    sent = await partner.send(receipt("large"), receipt("small", data={"total": {"amount": 2999}}))
    (copy,) = await bus.eventually_taken(1)
    assert (copy.hubid, copy.attributes["id"]) == (sent.json()["results"][0]["id"], "large")
    assert copy.body == b'{"total":{"amount":3000}}'
    assert (copy.partner, copy.rule, copy.attributes["type"]) == (partner.name, "all", RECEIPT)


async def test_a_dry_run_changes_nothing_and_a_roll_back_restores(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied(a_rule())
    other = bus.file(a_rule(to=("elsewhere",)), a_rule("off", mode="off"))
    planned = await bus.by.put(bus.path, json=other, params={"dry_run": True})
    assert planned.json()["queues"] == [f"target.{bus.name}.elsewhere", f"target.{bus.name}.elsewhere.dead"]
    await partner.send(receipt("as-before"))
    assert [each.attributes["id"] for each in await bus.eventually_taken(1)] == ["as-before"]
    await bus.applied(a_rule(), a_rule("off", mode="off"), a_rule("new", to=("elsewhere",)))
    await partner.send(receipt("both"))
    await bus.eventually_taken(1, "elsewhere")
    await bus.eventually_taken(1)
    back = await bus.by.post(f"{bus.path}/rollback", json={"revision": 1}, timeout=30)
    assert (back.status_code, back.json()["revision"], back.json()["active"]) == (200, 3, True), back.text
    await partner.send(receipt("restored"))
    assert [each.attributes["id"] for each in await bus.eventually_taken(1)] == ["restored"]
    assert await bus.taken("elsewhere") == []


async def test_two_rules_make_one_copy_and_a_shadow_makes_none(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied(
        a_rule("first", template={"amount": {"$": "/data/total/amount"}}),
        a_rule("second"),
        a_rule("shadow", to=("unseen",), mode="shadow"),
    )
    await partner.send(*(receipt(f"e{n}") for n in range(20)))
    copies = await bus.eventually_taken(20)
    assert Counter(each.attributes["id"] for each in copies) == {f"e{n}": 1 for n in range(20)}
    assert {(each.rule, each.body) for each in copies} == {("first", b'{"amount":3000}')}
    assert await bus.taken("unseen") == []


async def test_a_share_is_that_part_of_the_events(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await partner.operator.put(
        f"/v1/hub/partners/{partner.name}",
        json={"clients": [f"{partner.name}-tills"], "publishes": ["*"], "rate": {"burst": 10_000}},
    )
    await bus.applied(a_rule("tenth", share=10), a_rule("every", to=("all",)))
    for page in range(10):
        answer = await partner.send(*(receipt(f"e{page}-{n}") for n in range(500)))
        assert answer.status_code == 202, answer.text
    assert len(await bus.eventually_taken(5_000, "all")) == 5_000
    tenth = await bus.taken()
    assert 400 <= len(tenth) <= 600
    assert len({each.hubid for each in tenth}) == len(tenth)


async def test_a_template_that_fails_is_a_dead_letter_without_the_data(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied(a_rule(template={"store": {"$": "/data/store", "required": True}}))
    await partner.send(receipt("nowhere"), receipt("somewhere", data={"total": {"amount": 1}, "store": "s"}))
    assert [each.body for each in await bus.eventually_taken(1)] == [b'{"store":"s"}']
    assert [(each.attributes["id"], each.body) for each in await bus.eventually_taken(1, dead=True)] == [
        ("nowhere", b"")
    ]


async def test_a_queue_that_is_deleted_by_hand_is_there_again(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied()
    await bus.delete_queue()
    await partner.send(receipt("all the same"))
    await eventually(bus.holds_something, ARRIVES)
    assert [each.attributes["id"] for each in await bus.eventually_taken(1)] == ["all the same"]


async def test_a_bus_with_copies_stays_and_an_empty_one_goes(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied()
    await partner.send(receipt("waits"))

    await eventually(bus.holds_something, ARRIVES)
    kept = await bus.by.delete(bus.path)
    assert (kept.status_code, kept.json()["code"]) == (409, "not_empty")
    deleting = asyncio.create_task(bus.by.delete(bus.path, params={"drain": True}, timeout=60))
    await bus.eventually_taken(1)
    answer = await deleting
    assert answer.status_code == 204, answer.text
    assert (await bus.by.get(bus.path)).status_code == 404


async def test_a_partner_sees_its_own_events_alone(shop: Shop, stack: Stack) -> None:
    one, bus = await opened(shop, stack, by_itself=True)
    other, open_bus = await opened(shop, stack)
    await bus.applied(a_rule(when={"type": [{"prefix": ""}]}))
    await open_bus.applied(publishers=[one.name])
    await other.send(receipt("theirs"))
    await one.send(receipt("ours"))
    assert [each.partner for each in await bus.eventually_taken(1)] == [one.name]
    assert sorted(each.partner for each in await open_bus.eventually_taken(2)) == sorted([one.name, other.name])
    assert await bus.taken() == []


async def test_a_trace_shows_which_rules_asked_for_which_copies(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack, by_itself=True)
    await bus.applied(a_rule("first"), a_rule("second"), a_rule("shadow", to=("unseen",), mode="shadow"))
    await partner.send(receipt("traced"))

    async def traced() -> bool:
        answer = await bus.by.get(f"/v1/events/{partner.name}/traced")
        assert answer.status_code == 200, answer.text
        return len(answer.json()["targets"]) == 2

    await eventually(traced)
    legs = (await bus.by.get(f"/v1/events/{partner.name}/traced")).json()["targets"]
    assert {each["target"]: (each["rules"], each["revision"], each["state"]) for each in legs} == {
        "books": (["first", "second"], 1, "in_queue"),
        "unseen": (["shadow"], 1, "counted"),
    }
