"""What the chat is told of a payload: enough to decide, and no member's name."""

from services.releases.adapters.slack import _runs

SHA = "5" * 64


def test_a_command_is_shown_with_its_files() -> None:
    words = _runs({"argv": ["./deploy.sh", "prod"], "files": [{"path": "deploy.sh", "sha256": SHA}]})
    assert words == f"Runs: ./deploy.sh prod\ndeploy.sh {SHA}"


def test_an_act_of_our_own_is_shown_without_its_path() -> None:
    words = _runs({"method": "PUT", "path": "/v1/miles/accounts/ana", "query": "x=1", "body": f"sha256:{SHA}"})
    assert words == f"method: PUT\nbody: sha256:{SHA}"
    changes = {"changes": ["queue payment: make it anew, and bring its messages back"]}
    assert "queue payment: make it anew" in _runs(changes)
