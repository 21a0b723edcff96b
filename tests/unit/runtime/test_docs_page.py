"""The documentation page."""

from shared.runtime.docs_page import page


def document(summary: str) -> dict[str, object]:
    return {
        "info": {"title": "Milesaga", "version": "1"},
        "paths": {
            "/v1/carts/{id}": {
                "get": {
                    "tags": ["carts"],
                    "summary": summary,
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {
                        "200": {
                            "description": "The cart",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Cart"}}},
                        }
                    },
                }
            }
        },
        "components": {"schemas": {"Cart": {"type": "object"}}},
    }


def test_each_operation_stands_with_its_parameters_answers_and_shapes() -> None:
    html = page(document("Read a cart"), "http://127.0.0.1:8000/")
    for part in ("/v1/carts/{id}", "Read a cart", "path, required", "The cart", 'href="#Cart"', 'id="Cart"'):
        assert part in html


def test_texts_are_shown_and_never_run() -> None:
    html = page(document("<script>alert(1)</script>"), "http://127.0.0.1:8000/")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
