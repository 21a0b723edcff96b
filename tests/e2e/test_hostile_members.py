"""A member whose subject is as odd as OpenID Connect allows buys like everybody else."""

import string
import uuid

import pytest

from tests.e2e.expectations import assert_bought
from tests.e2e.shop import Shop
from tests.e2e.test_operators import said
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

ODD = "/../a\\b \"c\" 'd' %2F%00 [red]e[/] <f>,g;h=i&j?k#l:m@n {o} $p `q` ~ *.# "


async def test_a_subject_of_255_odd_characters_buys_with_miles_and_is_found_by_operators(
    shop: Shop, stack: Stack
) -> None:
    subject = (ODD + uuid.uuid4().hex + string.punctuation * 8)[:255]
    assert len(subject) == 255
    member = await shop.member(subject=subject)
    done = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
    await assert_bought(shop, member, done, miles=30_000)
    entries = await shop.entries(done["id"])
    assert entries
    assert {entry["member_id"] for entry in entries} == {subject}
    operator = await shop.operator()

    async def told() -> bool:
        found = await operator.get("/sandbox/mail/messages", params={"reference": done["id"]})
        return len(found.json()["messages"]) == 1

    await eventually(told)
    listed = (await said(stack, "purchases", "list", "--limit", "1"))["checkouts"]
    assert [(each["id"], each["member_id"]) for each in listed] == [(done["id"], subject)]
    assert (await said(stack, "purchases", "show", done["id"]))["member_id"] == subject
    differences = (await said(stack, "audit"))["differences"]
    assert [each for each in differences if each["reference"] in (done["id"], subject)] == []
