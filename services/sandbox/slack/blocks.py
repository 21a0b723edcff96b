"""What Slack takes as blocks (Block Kit's reference): the limits that a message with strangers' text runs into."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.slack.errors import SlackError

MOST_IN_MESSAGE, MOST_IN_MODAL = 50, 100
MOST_BUTTONS, MOST_FIELDS = 25, 10
LONGEST_TEXT, LONGEST_FIELD, LONGEST_HEADER, LONGEST_LABEL = 3000, 2000, 150, 75
LONGEST_ID, LONGEST_VALUE = 255, 2000
KINDS = ("section", "header", "context", "actions", "divider", "input")


def checked(blocks: Any, most: int = MOST_IN_MESSAGE) -> list[dict[str, Any]]:
    """The blocks of a message or modal. Raises SlackError `invalid_blocks` that says which is wrong."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    wrong = [f"[ERROR] must have at most {most} items [json-pointer:/blocks]"] if len(blocks) > most else []
    for number, block in enumerate(blocks):
        wrong += [f"[ERROR] {reason} [json-pointer:/blocks/{number}]" for reason in _wrong(block)]
    if wrong:
        raise SlackError("invalid_blocks", *wrong)
    return blocks


def buttons(blocks: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """What can be pressed, by `action_id`, each with its block's id."""
    return {
        element["action_id"]: (str(block.get("block_id", f"b{number}")), element)
        for number, block in enumerate(blocks)
        if block["type"] == "actions"
        for element in block["elements"]
    }


def _wrong(block: Mapping[str, Any]) -> list[str]:
    match block.get("type"):
        case "section":
            fields = block.get("fields", [])
            found = [] if fields or "text" in block else ["missing required field: text"]
            found += _text(block["text"], LONGEST_TEXT) if "text" in block else []
            found += ["no more than 10 items allowed"] if len(fields) > MOST_FIELDS else []
            return found + [reason for each in fields for reason in _text(each, LONGEST_FIELD)]
        case "header":
            return _text(block.get("text"), LONGEST_HEADER, only="plain_text")
        case "context":
            elements = block.get("elements") or []
            few = [] if 0 < len(elements) <= MOST_FIELDS else ["must have 1 to 10 elements"]
            return few + [reason for each in elements for reason in _text(each, LONGEST_TEXT)]
        case "actions":
            return _actions(block.get("elements"))
        case kind if kind in KINDS:
            return []
        case kind:
            return [f"unsupported type: {kind}"]


def _actions(elements: Any) -> list[str]:
    if not isinstance(elements, list) or not 0 < len(elements) <= MOST_BUTTONS:
        return [f"must have 1 to {MOST_BUTTONS} elements"]
    found = []
    for each in elements:
        if each.get("type") != "button":
            found.append(f"unsupported type: {each.get('type')}")
            continue
        found += _text(each.get("text"), LONGEST_LABEL, only="plain_text")
        if not 0 < len(str(each.get("action_id", ""))) <= LONGEST_ID:
            found.append(f"action_id must have 1 to {LONGEST_ID} characters")
        if len(str(each.get("value", ""))) > LONGEST_VALUE:
            found.append(f"must be no more than {LONGEST_VALUE} characters")
    ids = [each.get("action_id") for each in elements]
    return found + (["`action_id` already exists"] if len(set(ids)) < len(ids) else [])


def _text(text: Any, longest: int, only: str | None = None) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in ((only,) if only else ("plain_text", "mrkdwn")):
        return [f"must be a {only or 'text'} object"]
    said = text.get("text")
    return [] if isinstance(said, str) and 0 < len(said) <= longest else [f"text must have 1 to {longest} characters"]
