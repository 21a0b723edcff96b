"""What rules see of a CloudEvent."""

from shared.rules.documents import document_of

EVENT = {
    "specversion": "1.0",
    "type": "retail.receipt.issued.v1",
    "source": "/coles/0417",
    "id": "4711",
    "subject": "member-1",
    "time": "2027-01-01T00:00:00Z",
    "datacontenttype": "application/json",
    "dataschema": "https://coles.example/receipt",
}


def test_attributes_and_data_stand_as_they_are_extensions_in_a_place_of_their_own() -> None:
    event = EVENT | {"partitionkey": "0417", "sampledrate": 5, "data": {"total": 1}}
    extensions = {"partitionkey": "0417", "sampledrate": 5}
    assert document_of(event, "coles") == EVENT | {"data": {"total": 1}, "extensions": extensions, "partner": "coles"}


def test_an_event_cannot_say_whose_it_is() -> None:
    found = document_of(EVENT | {"partner": "aldi", "extensions": "x"}, "coles")
    assert found["partner"] == "coles"
    assert found["extensions"] == {"partner": "aldi", "extensions": "x"}


def test_data_that_is_no_json_is_not_there() -> None:
    assert document_of(EVENT | {"data_base64": "aGk="}, "coles") == EVENT | {"extensions": {}, "partner": "coles"}
    assert document_of(EVENT | {"data": None}, "coles")["data"] is None
