"""The documentation pages."""

import json
import re

from shared.contracts.refusals import REFUSALS
from shared.runtime.docs_page import FILES, STATIC, api_page, messages_page, problems_page
from shared.web.codes import CODES

HOSTILE = "<script>alert(1)</script>"


def test_the_viewer_is_kept_here_with_its_licence() -> None:
    assert all((STATIC / name).stat().st_size > 500 for name in FILES)
    assert "Apache License" in (STATIC / "swagger-ui" / "LICENSE").read_text()
    assert "sourceMappingURL" not in (STATIC / "swagger-ui" / "swagger-ui-bundle.js").read_text()
    assert set(re.findall(r'/docs/static/([^"]+)', api_page("Milesaga", sandbox=True))) == set(FILES)


def test_there_is_a_log_in_only_beside_a_sandbox() -> None:
    assert 'id="login"' in api_page("Milesaga", sandbox=True)
    assert 'id="login"' not in api_page("Milesaga", sandbox=False)


def test_each_code_can_be_looked_up() -> None:
    page = problems_page("Milesaga")
    assert all(f'id="{code}"' in page for code in CODES)
    assert all(f'id="refusal-{code}"' in page for code in REFUSALS)


def test_messages_stand_under_whom_they_are_for_and_their_texts_are_never_run() -> None:
    message = {"payload": {"$ref": "#/components/schemas/A"}, "tags": [{"name": "public"}], "summary": HOSTILE}
    document = {
        "info": {"description": "Words"},
        "components": {
            "messages": {"a": {**message, "name": "a.v1"}, "b": {**message, "name": "b.v1", "tags": []}},
            "schemas": {"A": {"description": HOSTILE}},
        },
    }
    page = messages_page("Milesaga", json.loads(json.dumps(document)))
    assert page.index("For everybody") < page.index("a.v1") < page.index("Between the services") < page.index("b.v1")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
