"""What must stand in everybody's books when a purchase has ended."""

from tests.e2e.shop import MILES, Json, Member, Shop

TICKET, EMD = "ticket", "emd"


async def assert_bought(shop: Shop, member: Member, checkout: Json, *, miles: int, had: int = MILES) -> None:
    """Captured once and exactly, exactly these documents issued, the miles redeemed once, nothing held."""
    assert checkout["status"] == "completed", checkout
    assert {step["status"] for step in checkout["steps"]} <= {"done", "skipped"}
    books = await shop.books(checkout["id"])
    price = checkout["total"]["money"]["amount"]
    taken = [(row["captured"], row["refunded"], row["voided"]) for row in books["charges"] if row["captured"]]
    assert taken == ([(price, 0, 0)] if price else [])
    held = [row for row in books["charges"] if row["authorized"] - row["captured"] - row["voided"]]
    assert held == []
    ours = sorted(document["number"] for document in (*checkout["tickets"], *checkout["documents"]))
    theirs = sorted(document["number"] for document in books["tickets"] if document["status"] == "issued")
    assert ours == theirs
    kinds = [document["kind"] for document in books["tickets"] if document["status"] == "issued"]
    assert (kinds.count(TICKET), kinds.count(EMD)) == (len(checkout["tickets"]), len(checkout["documents"]))
    ticketed = [booking["locator"] for booking in books["bookings"] if booking["status"] == "ticketed"]
    assert ticketed == checkout["locators"]
    assert [row["redeemed"] - row["reversed"] for row in books["miles"]] == ([miles] if miles else [])
    balance = await member.balance()
    assert (balance["available"], balance["held"]) == (had - miles, 0)


async def assert_undone(
    shop: Shop, member: Member, checkout: Json, *, code: str | None = None, had: int = MILES, lost: int = 0
) -> None:
    """Nothing is in force, nothing is held, the miles are back. `lost` bookings may be open that nobody told us of."""
    assert checkout["status"] == "refused", checkout
    assert checkout["refusal"] is not None
    if code is not None:
        assert checkout["refusal"]["code"] == code
    books = await shop.books(checkout["id"])
    assert [row for row in books["charges"] if row["authorized"] - row["voided"] - row["refunded"]] == []
    assert [document for document in books["tickets"] if document["status"] == "issued"] == []
    assert len([booking for booking in books["bookings"] if booking["status"] != "cancelled"]) == lost
    assert [row for row in books["miles"] if row["redeemed"] != row["reversed"]] == []
    balance = await member.balance()
    assert (balance["available"], balance["held"]) == (had, 0)
