"""What the events of the benchmark of the hub are, and how many there are of everything."""

from typing import Any, Final

TYPES: Final = 61
RULES: Final = 200
MONEY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer"}, "currency": {"type": "string"}},
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["receipt_id", "store", "total", "lines"],
    "properties": {
        "receipt_id": {"type": "string", "maxLength": 40},
        "store": {"type": "string", "pattern": "^[0-9]{4}$"},
        "total": MONEY,
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "amount"],
                "properties": {
                    "sku": {"type": "string"},
                    "category": {"type": "string"},
                    "amount": {"type": "integer"},
                },
            },
        },
    },
}
