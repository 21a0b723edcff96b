"""Every code that a problem may have, and what to do about it: one table for the OpenAPI document and the page."""

from typing import Final, NamedTuple


class Meaning(NamedTuple):
    """With which status the code comes, what it means, what the caller does."""

    statuses: tuple[int, ...]
    means: str
    remedy: str


AGAIN: Final = "Send the same request again, after the seconds that Retry-After says."
LOG_IN: Final = "Get a new token from the issuer, and send it as `Authorization: Bearer ...`."
FIELD: Final = "Change what `errors` points at."

CODES: Final[dict[str, Meaning]] = {
    "malformed_json": Meaning(
        (400,),
        "The body is no JSON text in UTF-8, or others could read it otherwise: a name stands twice, a number is none.",
        "Send valid JSON; `errors` points at the place.",
    ),
    "bad_request": Meaning((400,), "The request cannot be read.", "Send well-formed HTTP."),
    "idempotency_key_missing": Meaning((400,), "A purchase needs a key.", "Send an Idempotency-Key of your choice."),
    "idempotency_key_malformed": Meaning(
        (400,), "The key has other characters than visible ASCII, or over 255.", "Make a key such as a UUID."
    ),
    "if_match_malformed": Meaning((400,), "If-Match has no entity tags.", "Send the ETag as it came, or `*`."),
    "if_none_match_malformed": Meaning((400,), "If-None-Match has no entity tags.", "Send the ETag as it came."),
    "unauthorized": Meaning((401,), "The request has no bearer token.", LOG_IN),
    "invalid_token": Meaning((401,), "The token has expired, or is not from the issuer for this API.", LOG_IN),
    "bad_signature": Meaning(
        (401,), "A webhook is not signed by whom it claims, or not now.", "Look at the secret, the app and the clocks."
    ),
    "missing_scope": Meaning((403,), "The token does not allow this.", "Ask the issuer for the scope that is named."),
    "not_found": Meaning((404,), "It is not there, or is somebody else's.", "Look at the id, and whose token it is."),
    "cart_not_found": Meaning((404,), "The member has no such cart.", "Buy one of the member's own carts."),
    "timer_not_found": Meaning((404,), "The purchase has no such timer now.", "List the timers."),
    "method_not_allowed": Meaning((405,), "The resource has no such method.", "Use one that Allow names."),
    "attribute_missing": Meaning((400,), "An event lacks an attribute that every event has.", FIELD),
    "type_not_allowed": Meaning(
        (403,), "The partner does not publish events of this type.", "Ask the operator for `publishes`."
    ),
    "unknown_partner": Meaning(
        (403,), "The token's subject is no partner's client.", "Ask the operator for `clients`."
    ),
    "operators_only": Meaning(
        (403,), "Services, other types and others' events on a bus are for operators.", "Ask an operator to apply it."
    ),
    "rule_too_costly": Meaning((422,), "The rules of a bus take too long together.", "Make the named rule simpler."),
    "rule_without_anchor": Meaning(
        (422,), "Too many rules of a bus name no exact value.", "Name a type, or another exact value, in the rule."
    ),
    "not_empty": Meaning(
        (409,), "Copies wait in queues that would be taken away.", "Let them be delivered, or discard them."
    ),
    "no_webhook": Meaning((409,), "The target is no webhook: nothing is signed for it.", "Name one that is."),
    "unopenable": Meaning(
        (503,),
        "What a webhook is signed by was sealed by a master key that is not given.",
        "Ask the operator, who sees it by `milesaga hub sealing`.",
    ),
    "too_many_buses": Meaning(
        (409,), "No further name of a bus may be taken, by the partner or at all.", "Change a bus that there is."
    ),
    "too_many_left": Meaning(
        (409,),
        "Too many targets were left out of a bus lately, whose queues are there for some hours.",
        "Give targets names that the bus has had, or wait.",
    ),
    "queues_going": Meaning((409,), "The target's queue is being taken away at this moment.", AGAIN),
    "broker_unavailable": Meaning((503,), "The broker does not answer.", AGAIN),
    "client_taken": Meaning((409,), "A client belongs to another partner.", "Use a client of the partner's own."),
    "event_id_reused": Meaning((409,), "The id belongs to another event.", "Give each event an id of its own."),
    "in_flight": Meaning((409,), "Another request with this event is being answered.", AGAIN),
    "incompatible": Meaning(
        (409,), "The schema is not proved to be compatible with the one in force.", "Make the next version of the type."
    ),
    "event_too_large": Meaning((413,), "The event has more than 256 KiB.", "Send less."),
    "schema_violation": Meaning((422,), "Data is not as its type's schema has it.", FIELD),
    "unknown_type": Meaning((422,), "No such type is registered.", "Register the type, or use a registered one."),
    "rate_limited": Meaning((429,), "More events came than the partner may send.", AGAIN),
    "overloaded": Meaning((503,), "More events come than are written at the moment.", AGAIN),
    "archive_unavailable": Meaning((503,), "The archive does not answer.", AGAIN),
    "self_approval": Meaning((403,), "Nobody decides on what he asked for, or wrote.", "Ask somebody else."),
    "not_an_approver": Meaning((403,), "This person is in none of the groups that decide.", "Ask one of `eligible`."),
    "inactive": Meaning((403,), "This person has no power any more.", "Ask somebody else."),
    "via_not_allowed": Meaning((403,), "The rule wants another way for this decision.", "Use a way that it names."),
    "not_the_requester": Meaning((403,), "This is the asker's, or the redeemer's.", "Let whoever asked do it."),
    "initiator_required": Meaning((403,), "A robot must show whom it acts for.", "Ask as a person."),
    "review_overdue": Meaning(
        (403,), "What this person did with broken glass is still to be reviewed.", "Have others review it first."
    ),
    "closed": Meaning((409,), "The request has come to its end.", "Read it; ask anew."),
    "payload_changed": Meaning((409,), "What was named is not what was asked for.", "Ask for what shall run."),
    "already_executing": Meaning((409,), "It runs already.", "Read the request."),
    "expired": Meaning((409,), "Nobody agreed, or used it, in time.", "Ask anew."),
    "not_approved": Meaning((409,), "Not all seats are filled by people who may still agree.", "Wait for them."),
    "frozen": Meaning((409,), "A freeze holds.", "Wait for its end, or break the glass."),
    "outside_window": Meaning((409,), "It is not the time for it.", "Ask again after Retry-After seconds, if given."),
    "grant_used": Meaning((409,), "The grant was redeemed already.", "Run nothing; ask anew."),
    "grant_void": Meaning((409,), "It is no grant, or is good no longer.", "Ask for another grant."),
    "grant_expired": Meaning((409,), "The grant's ten minutes are over.", "Ask for another grant."),
    "too_many_grants": Meaning((409,), "Grants were given for it again and again, and none used.", "Ask anew."),
    "grant_required": Meaning(
        (409,), "Another person must agree to exactly this request.", "Ask for what detail says."
    ),
    "request_open": Meaning((409,), "A request for the same waits.", "See Location; or say `replaces`."),
    "unsatisfiable": Meaning((422,), "There are not enough people who could agree.", "See who is missing in `detail`."),
    "no_policy": Meaning((422,), "No rule is for this, so nobody may do it.", "Have a rule made."),
    "in_the_past": Meaning((422,), "Its time is over, or never comes.", FIELD),
    "too_many_waiting": Meaning((429,), "Too much waits.", "Withdraw what nobody needs."),
    "gate_unreachable": Meaning((503,), "Nobody says whether it may be done, so it is not.", AGAIN),
    "policy_outdated": Meaning((503,), "This process has older files than the log knows.", AGAIN),
    "hub_unavailable": Meaning((503,), "The hub does not answer.", AGAIN),
    "unknown_target": Meaning(
        (422,), "A target is not there, is another partner's, or cannot be replayed to.", "Name targets as BUS/TARGET."
    ),
    "name_taken": Meaning((409,), "Another request has this name.", "Choose another name."),
    "asked_otherwise": Meaning(
        (409,),
        "What has this name differs in what may be changed.",
        "`errors` name the fields, and what makes each as asked.",
    ),
    "not_possible": Meaning((409,), "Not from the state in which it is.", "Read it: its state says what it is."),
    "already_ended": Meaning((409,), "The purchase has come to its end.", "Read it: its status is final."),
    "busy": Meaning((409, 503), "Others change the same thing at this moment.", AGAIN),
    "cart_closed": Meaning((409,), "The cart has expired or was bought.", "Open another cart."),
    "cart_expired": Meaning((409,), "The cart has expired.", "Open another cart."),
    "cart_full": Meaning((409,), "The cart holds as many flights as it can.", "Open another cart."),
    "cart_locked": Meaning(
        (409,), "The cart is being bought, or was bought.", "Look at the purchase; open another cart."
    ),
    "duplicate_item": Meaning((409,), "This is in the cart already.", "Remove the other item first."),
    "nothing_awaited": Meaning((409,), "No step of the purchase waits for an answer.", "Read the purchase."),
    "offer_expired": Meaning((409, 410), "The price was promised until a time that has gone by.", "Search again."),
    "request_in_flight": Meaning((409,), "The first request with this key is being answered.", AGAIN),
    "too_late": Meaning((409,), "The time in which the purchase could be cancelled has gone by.", "Ask the airline."),
    "precondition_failed": Meaning((412,), "It was changed since it was read.", "Read it, and decide again."),
    "body_too_large": Meaning((413,), "The body is larger than 256 KiB.", "Send less."),
    "unsupported_media_type": Meaning((415,), "The body is no application/json in UTF-8.", "Set Content-Type."),
    "unsupported_content_encoding": Meaning((415,), "The body is compressed.", "Send it without Content-Encoding."),
    "invalid_request": Meaning((422,), "A field or parameter is not as this document says.", FIELD),
    "bag_not_available": Meaning((422,), "The offer does not sell so many pieces.", "Choose one of the offer's bags."),
    "cart_empty": Meaning((422,), "There is nothing in the cart.", "Add a flight."),
    "currency_mismatch": Meaning(
        (422,), "A price is in another currency than the cart.", "Use a cart of that currency."
    ),
    "idempotency_key_reused": Meaning((422,), "The key belongs to another body.", "Make a new key for each purchase."),
    "not_available": Meaning((422,), "The field is documented, its feature not built yet.", "Send its neutral value."),
    "offer_not_in_cart": Meaning(
        (422,), "Seats and bags go with a flight of the cart.", "Add the offer's flight first."
    ),
    "offer_unknown": Meaning((422,), "There is no such offer.", "Search again."),
    "payment_required": Meaning((422,), "Something is left to pay in money.", "Send a payment."),
    "seat_not_available": Meaning((422,), "The offer does not sell that seat.", "Choose one of the offer's seats."),
    "precondition_required": Meaning(
        (428,), "The change must say what it changes.", "Send If-Match: the ETag, or `*`."
    ),
    "too_many_streams": Meaning(
        (429,), "Too many event streams, or requests that wait, are open.", "End one, or try again later."
    ),
    "too_many_jobs": Meaning((429,), "As many jobs as one may have are not over yet.", "Try again when one has ended."),
    "cursor_expired": Meaning(
        (410,),
        "What followed the cursor of a feed is kept no longer.",
        "Go on with `oldest`: what is between is gone.",
    ),
    "being_read": Meaning((429,), "Somebody else has all of the archive read at this moment.", AGAIN),
    "segment_damaged": Meaning(
        (500,), "A segment of the archive is not as it was written, or is gone.", "Restore the one that is named."
    ),
    "internal": Meaning((500,), "Something went wrong here; it has been logged.", AGAIN),
    "airline_unavailable": Meaning((503,), "The airlines' distribution system does not answer.", AGAIN),
    "carts_unavailable": Meaning((503,), "The carts cannot be read.", AGAIN),
    "clock_off": Meaning((503,), "This process's clock cannot be trusted, so it changes nothing.", AGAIN),
    "draining": Meaning((503,), "This process is stopping.", AGAIN),
    "issuer_unavailable": Meaning((503,), "The tokens' issuer does not answer.", AGAIN),
    "not_ready": Meaning((503,), "A store, or a worker's broker, does not answer; the detail names it.", AGAIN),
    "offers_unavailable": Meaning((503,), "The offers cannot be read.", AGAIN),
    "starting": Meaning((503,), "This process is starting.", AGAIN),
    "unavailable": Meaning((503,), "The data is out of reach for the moment.", AGAIN),
}


def of_status(status: int) -> list[str]:
    """The codes that come with a status."""
    return [code for code, meaning in CODES.items() if status in meaning.statuses]
