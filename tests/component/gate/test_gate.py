"""The gate, in Python and in sh: what it asks, what it runs, and with what it ends when it runs nothing."""

import hashlib
import os
import signal
import stat
from pathlib import Path

import pytest

from shared.kernel.digest import digest
from tests.component.gate.conftest import ABOUT, GATES, SCRIPT, STARTED, Gate, ended
from tests.eventually import eventually_sync
from tests.kit.office import OBJECTED, Office, Scripted

SHA = "sha256:" + "ab" * 32


def test_what_was_agreed_to_runs_and_its_code_goes_through(gate: Gate, office: Office) -> None:
    gate.script(SCRIPT + "echo done; exit 7\n")
    process = gate.guard(command=("./deploy.sh", "a b", "--flag", ""))
    gate.asked()
    office.decide("approved")
    ended(process, 7)
    assert office.only.outcome == {"exit_code": 7, "summary": ""}
    assert (gate.ran / "arguments").read_text() == "a b\n--flag\n\n"
    assert office.kinds()[-3:] == ["grant", "redeem", "outcome"]


def test_it_is_asked_with_words_files_and_everything_that_was_said(gate: Gate, office: Office) -> None:
    gate.script()
    (gate.here / "charts").mkdir()
    (gate.here / "charts" / "b.yaml").write_text("b")
    (gate.here / "charts" / "a name.yaml").write_text("ä\n")
    options = (
        "--file",
        "./charts//",
        "--artifact",
        f"image@{SHA}",
        "--parameter",
        'replicas=3"\\\t',
        "--link",
        "diff=https://x/1",
    )
    more = ("--author", "bia", "--author", "caio", "--window", "2027-01-20T22:00:00+00:00/2027-01-21T02:00:00+00:00")
    process = gate.guard(
        *options, *more, "--replaces", "r0", "--key", "k1", command=("./deploy.sh", "tab\there", "ção\nline")
    )
    gate.asked()
    said = office.only.said
    assert said["payload"] == {
        "argv": ["./deploy.sh", "tab\there", "ção\nline"],
        "artifacts": [{"name": "image", "digest": SHA}],
        "files": [
            {"path": "charts/a name.yaml", "sha256": hashlib.sha256("ä\n".encode()).hexdigest()},
            {"path": "charts/b.yaml", "sha256": hashlib.sha256(b"b").hexdigest()},
            {"path": "deploy.sh", "sha256": hashlib.sha256(SCRIPT.encode()).hexdigest()},
        ],
        "environment": [{"name": "RAN", "value": str(gate.ran)}],
        "links": {"diff": "https://x/1"},
        "parameters": {"replicas": '3"\\\t'},
        "search_path": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "version": 2,
    }
    assert {name: said[name] for name in ("action", "environment", "target", "reason", "authors", "replaces")} == {
        "action": "deploy",
        "environment": "production",
        "target": "checkout",
        "reason": "a fix",
        "authors": ["bia", "caio"],
        "replaces": "r0",
    }
    assert said["window"] == {"from": "2027-01-20T22:00:00+00:00", "until": "2027-01-21T02:00:00+00:00"}
    assert office.only.key == "k1"
    assert office.only.digest == digest(said["payload"])
    office.decide("denied")
    ended(process, 91)


def test_private_copies_run_in_a_folder_that_nobody_else_may_enter_and_are_removed(gate: Gate, office: Office) -> None:
    gate.script(SCRIPT + 'ls -ld . deploy.sh >"$RAN/modes"\n')
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    folder = Path((gate.ran / "folder").read_text().strip())
    assert not folder.is_relative_to(gate.here)
    assert not folder.exists()
    assert [line.split()[0] for line in (gate.ran / "modes").read_text().splitlines()] == ["dr-x------", "-r-x------"]


def test_the_command_learns_its_execution_and_nothing_of_the_token(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard(MILESAGA_INITIATOR_TOKEN="ci-token")
    gate.asked()
    assert office.only.said["initiator_token"] == "ci-token"
    office.decide("approved")
    ended(process, 0)
    environment = (gate.ran / "environment").read_text()
    assert f"MILESAGA_EXECUTION=x-{office.only.id}\n" in environment
    assert f"MILESAGA_PAYLOAD={(gate.ran / 'folder').read_text()}" in environment
    assert "secret-token" not in environment
    assert "ci-token" not in environment
    assert {each["authorization"] for each in office.headers} == {"Bearer secret-token"}
    assert {each["milesaga-via"] for each in office.headers} == {"cli"}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("denied", 91),
        ("expired", 92),
        ("withdrawn", 93),
        ("superseded", 93),
        ("revoked", 93),
        ("executing", 95),
        ("succeeded", 95),
        ("unknown", 95),
        ("a state of tomorrow", 95),
    ],
)
def test_a_request_that_is_over_runs_nothing(gate: Gate, office: Office, state: str, code: int) -> None:
    gate.script()
    process = gate.guard()
    gate.asked()
    office.decide(state)
    told = ended(process, code)
    assert ('by p-sre: not "tonight"' in told) == (state in OBJECTED), "who said no, and why"
    assert not gate.has_run()


@pytest.mark.parametrize("when", ["while people decide", "at the grant", "at the last moment"])
def test_a_file_that_changed_meanwhile_runs_nothing(gate: Gate, office: Office, when: str) -> None:
    script = gate.script()

    def change() -> None:
        script.write_text(SCRIPT + "rm -rf everything\n")

    if when == "at the grant":
        office.on_grant = change
    if when == "at the last moment":
        office.on_redeem = change
    process = gate.guard()
    gate.asked()
    if when == "while people decide":
        change()
    office.decide("approved")
    assert "deploy.sh" in ended(process, 95)
    assert not gate.has_run()
    told = office.only.outcome
    assert (told and told["exit_code"]) == (95 if when == "at the last moment" else None)


def test_a_file_that_is_gone_meanwhile_runs_nothing(gate: Gate, office: Office) -> None:
    script = gate.script()
    process = gate.guard()
    gate.asked()
    script.unlink()
    office.decide("approved")
    ended(process, 95)


def test_whoever_answers_with_another_digest_is_not_believed(gate: Gate, office: Office) -> None:
    gate.script()
    body = {"id": "r1", "state": "approved", "digest": SHA, "revision": 3}
    office.say("ask", Scripted(201, body=body, happens=True))
    ended(gate.guard(), 95)
    assert office.kinds() == ["ask"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("ask", {"nothing": 1}),
        ("watch", {"id": "another", "state": "approved", "revision": 9}),
        ("grant", {"nothing": {"grant": "r1.1"}}),
        ("redeem", {"execution": None}),
    ],
)
def test_an_answer_that_lacks_what_it_must_hold_is_no_permission(
    gate: Gate, office: Office, kind: str, body: dict[str, object]
) -> None:
    gate.script()
    office.say(kind, Scripted(200, body=body, happens=True))
    process = gate.guard()
    gate.asked()
    if kind != "ask":
        office.decide("approved")
    ended(process, 96)
    assert not gate.has_run()


@pytest.mark.parametrize("code", ["unsatisfiable", "no_policy"])
def test_what_nobody_could_agree_to_is_wrong_use(gate: Gate, office: Office, code: str) -> None:
    gate.script()
    office.say("ask", Scripted(422, code))
    said = ended(gate.guard(), 97)
    assert code in said
    assert "As told." in said


def test_a_lane_that_is_taken_is_wrong_use(gate: Gate, office: Office) -> None:
    gate.script()
    office.say("ask", Scripted(409, body={"code": "request_open", "detail": "r7 waits", "request": "r7"}))
    told = ended(gate.guard(), 97)
    assert "request_open" in told
    assert "--replaces r7 takes its place" in told


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_short_absence_is_borne_at_every_question(gate: Gate, office: Office, status: int) -> None:
    gate.script()
    for kind in ("ask", "watch", "grant", "redeem", "outcome"):
        office.say(kind, Scripted(status, "away"))
    process = gate.guard("--reach", "1m")
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert office.only.outcome == {"exit_code": 0, "summary": ""}


def test_a_redemption_whose_answer_was_lost_is_asked_for_again_and_runs_once(gate: Gate, office: Office) -> None:
    gate.script()
    office.say("redeem", Scripted(0, happens=True))
    process = gate.guard("--reach", "1m")
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert office.kinds().count("redeem") == 2


def test_whoever_is_away_for_long_runs_nothing(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard()
    gate.asked()
    office.close()
    ended(process, 96)
    assert not gate.has_run()


@pytest.mark.parametrize(("state", "code"), [("approved", 0), ("denied", 91)])
def test_that_nobody_listens_any_more_changes_nothing(gate: Gate, office: Office, state: str, code: int) -> None:
    """A pipe into a program that ended: what is written there fails."""
    gate.script()
    process = gate.guard()
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    gate.asked()
    office.decide(state)
    assert process.wait(STARTED) == code
    assert gate.has_run() == (code == 0)


def test_whoever_was_never_there_runs_nothing(gate: Gate, office: Office) -> None:
    gate.script()
    office.close()
    ended(gate.guard(), 96)


def test_a_token_that_ran_out_is_read_anew(gate: Gate, office: Office, tmp_path: Path) -> None:
    gate.script()
    token = tmp_path / "token"
    token.write_text("first\n")
    file = {"MILESAGA_TOKEN_FILE": str(token)}
    process = gate.start(*ABOUT, "--file", "deploy.sh", "--", "./deploy.sh", MILESAGA_TOKEN="", **file)
    gate.asked()
    token.write_text("second\n")
    office.say("grant", Scripted(401, "unauthenticated"))
    office.decide("approved")
    ended(process, 0)
    assert [each["authorization"] for each in office.headers][-1] == "Bearer second"


@pytest.mark.parametrize("kind", ["grant", "redeem"])
@pytest.mark.parametrize("code", ["frozen", "outside_window"])
def test_a_freeze_is_waited_for_and_then_it_runs(gate: Gate, office: Office, kind: str, code: str) -> None:
    gate.script()
    office.say(kind, *(Scripted(409, code, retry_after=1) for _ in range(2)))
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert office.kinds().count(kind) == 3


@pytest.mark.parametrize("kind", ["grant", "redeem"])
def test_a_freeze_past_patience_runs_nothing(gate: Gate, office: Office, kind: str) -> None:
    gate.script()
    office.say(kind, *(Scripted(409, "frozen", retry_after=3600) for _ in range(20)))
    process = gate.guard("--patience", "2s")
    gate.asked()
    office.decide("approved")
    ended(process, 94)
    assert not gate.has_run()


def test_people_past_patience_run_nothing_and_the_request_stands(gate: Gate, office: Office) -> None:
    gate.script()
    said = ended(gate.guard("--patience", "1s", "--key", "k1"), 92)
    assert "k1" in said
    assert office.only.state == "pending"


@pytest.mark.parametrize("code", ["payload_changed", "grant_used", "something_new"])
def test_a_grant_that_is_refused_runs_nothing(gate: Gate, office: Office, code: str) -> None:
    gate.script()
    office.say("redeem", Scripted(409, code))
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    assert code in ended(process, 95)
    assert not gate.has_run()


def test_a_grant_that_was_voided_is_asked_for_again(gate: Gate, office: Office) -> None:
    gate.script()
    office.say("redeem", Scripted(409, "grant_void"))
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert office.only.grants == 2


def test_an_approval_that_counts_no_longer_is_waited_for_anew(gate: Gate, office: Office) -> None:
    gate.script()
    office.say("grant", Scripted(409, "not_approved"))
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    eventually_sync(lambda: office.kinds().count("watch") >= 2, STARTED)
    assert process.poll() is None
    office.decide("approved")
    ended(process, 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_while_it_waits_leaves_the_request_and_its_key_resumes_it(
    gate: Gate, office: Office, number: signal.Signals, code: int
) -> None:
    gate.script()
    process = gate.guard("--key", "k1")
    eventually_sync(lambda: "watch" in office.kinds(), STARTED)
    process.send_signal(number)
    assert "k1" in ended(process, code)
    assert (office.only.state, gate.has_run()) == ("pending", False)
    again = gate.guard("--key", "k1")
    eventually_sync(lambda: office.kinds().count("ask") == 2, STARTED)
    office.decide("approved")
    ended(again, 0)
    assert gate.has_run()


def test_a_killed_gate_is_resumed_by_its_key(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard("--key", "k1")
    eventually_sync(lambda: "watch" in office.kinds(), STARTED)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    office.decide("approved")
    ended(gate.guard("--key", "k1"), 0)
    assert gate.has_run()


def test_what_was_redeemed_by_another_gate_of_the_same_key_is_not_run_again(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard("--key", "k1")
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    office.only.state = "approved"  # as a stale replica would have it
    (gate.ran / "bytes").unlink()
    ended(gate.guard("--key", "k1"), 95)
    assert not (gate.ran / "bytes").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_runs_is_the_commands(gate: Gate, office: Office, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    gate.script(f"""#!/bin/sh
trap 'echo {name} >"$RAN/heard"; exit 5' {name}
echo up >"$RAN/up"
while :; do sleep 0.05; done
""")
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    eventually_sync((gate.ran / "up").exists, STARTED)
    process.send_signal(number)
    ended(process, 5)
    assert (gate.ran / "heard").read_text() == f"{name}\n"
    assert office.only.outcome == {"exit_code": 5, "summary": ""}


def test_a_command_that_a_signal_ended_is_told_so(gate: Gate, office: Office) -> None:
    gate.script("#!/bin/sh\nkill -KILL $$\n")
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    ended(process, 137)
    assert office.only.outcome is not None
    assert office.only.outcome["exit_code"] == 137


def test_a_commands_code_that_is_one_of_the_gates_is_not_mistaken_for_it(gate: Gate, office: Office) -> None:
    gate.script("#!/bin/sh\nexit 91\n")
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    assert "91" in ended(process, 90)
    assert office.only.outcome == {"exit_code": 91, "summary": ""}


def test_the_command_reads_nothing_that_nobody_has_seen(gate: Gate, office: Office) -> None:
    """`kubectl apply -f -` would apply what is in no digest."""
    gate.script('#!/bin/sh\ncat >"$RAN/read"\n')
    process = gate.start(*ABOUT, "--file", "deploy.sh", "--", "./deploy.sh")
    gate.asked()
    office.decide("approved")
    process.communicate("from outside", timeout=40)
    assert (process.returncode, (gate.ran / "read").read_text()) == (0, "")


def test_an_outcome_that_nobody_takes_hides_nothing_and_is_told_by_the_next_gate(gate: Gate, office: Office) -> None:
    """By whichever of the two it is."""
    gate.script("#!/bin/sh\nexit 3\n")
    office.say("outcome", *(Scripted(503) for _ in range(9)))
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    assert "Nobody took the outcome" in ended(process, 3)
    assert [made.outcome for made in office.requests.values()] == [None]
    [kept] = (gate.ran.parent / "state").rglob("*.json")
    assert (kept.name, stat.S_IMODE(kept.stat().st_mode)) == (f"x-{office.only.id}.json", 0o600)

    office.say("outcome")
    (other,) = [words for words in GATES.values() if words != gate.words]
    gate.words = other
    office.only.state = "denied"
    told = ended(gate.guard("--key", office.only.key), 91)
    assert f"x-{office.only.id}" in told
    assert office.only.outcome == {"exit_code": 3, "summary": ""}
    assert not kept.exists()


def test_an_absence_while_the_command_ends_is_borne_and_leaves_nothing(gate: Gate, office: Office) -> None:
    gate.script("#!/bin/sh\nexit 3\n")
    office.say("outcome", Scripted(0), Scripted(503))
    process = gate.guard("--reach", "1m")
    gate.asked()
    office.decide("approved")
    ended(process, 3)
    assert office.only.outcome == {"exit_code": 3, "summary": ""}
    assert not [*(gate.ran.parent / "state").rglob("*.json")]


def evil(gate: Gate, folder: Path) -> None:
    """A program of that name, where the asker wants it found."""
    folder.mkdir(exist_ok=True)
    (folder / "kubectl").write_text('#!/bin/sh\ntouch "$RAN/evil"\n')
    (folder / "kubectl").chmod(0o755)
    gate.script('#!/bin/sh\nkubectl >"$RAN/kubectl" 2>&1\necho "$PATH" >"$RAN/path"\n')


def test_the_askers_path_finds_no_program(gate: Gate, office: Office, tmp_path: Path) -> None:
    evil(gate, tmp_path / "bin")
    process = gate.guard(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert not (gate.ran / "evil").exists()
    assert (gate.ran / "path").read_text().strip() == office.only.said["payload"]["search_path"]


def test_another_path_is_shown_to_whoever_decides_and_hashed(gate: Gate, office: Office, tmp_path: Path) -> None:
    evil(gate, tmp_path / "bin")
    process = gate.guard("--path", f"{tmp_path / 'bin'}:/usr/bin:/bin", command=("./deploy.sh",))
    gate.asked()
    said = office.only.said["payload"]
    assert said["search_path"] == f"{tmp_path / 'bin'}:/usr/bin:/bin"
    assert office.only.digest == digest(said)
    office.decide("approved")
    ended(process, 0)
    assert (gate.ran / "evil").exists(), "others have agreed to it"


@pytest.mark.parametrize("path", ["bin:/usr/bin", "/usr/bin:", ".", "{here}:/usr/bin", "{here}/bin", "{link}"])
def test_a_path_into_what_the_asker_may_change_is_refused(
    gate: Gate, office: Office, tmp_path: Path, path: str
) -> None:
    evil(gate, gate.here / "bin")
    (tmp_path / "link").symlink_to(gate.here)
    told = path.format(here=gate.here, link=tmp_path / "link")
    assert "--path" in ended(gate.guard("--path", told), 97)
    assert office.calls == []


def test_a_program_that_is_not_on_the_path_is_told_before_anybody_is_asked(gate: Gate, office: Office) -> None:
    gate.script()
    assert "--path" in ended(gate.guard(command=("no-such-program",)), 97)
    assert office.calls == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ABOUT,
        (*ABOUT[2:], "--", "true"),
        (*ABOUT, "--nonsense", "x", "--", "true"),
        (*ABOUT, "--patience", "soon", "--", "true"),
        (*ABOUT, "--file", "absent", "--", "true"),
        (*ABOUT, "--file", "../outside", "--", "true"),
        (*ABOUT, "--file", "/etc/hostname", "--", "true"),
        (*ABOUT, "--file", "link", "--", "true"),
        (*ABOUT, "--file", "folder", "--", "true"),
        (*ABOUT, "--file", "pipe", "--", "true"),
        (*ABOUT, "--file", "pipes", "--", "true"),
        (*ABOUT, "--file", "empty", "--", "true"),
        (*ABOUT, "--file", "full", "--", "true"),
        (*ABOUT, "--", "./deploy.sh"),
        (*ABOUT, "--", "sh", "../outside"),
        (*ABOUT, "--", "sh", "./../outside"),
        (*ABOUT, "--", "ls", ".."),
        (*ABOUT, "--", "true", "--values=../outside"),
        (*ABOUT, "--artifact", "image:latest", "--", "true"),
        (*ABOUT, "--parameter", "a", "--", "true"),
        (*ABOUT, "--parameter", "a=1", "--parameter", "a=2", "--", "true"),
        (*ABOUT, "--window", "tonight", "--", "true"),
    ],
    ids=lambda words: " ".join(words[-4:]),
)
def test_wrong_use_is_told_before_anybody_is_asked(gate: Gate, office: Office, words: tuple[str, ...]) -> None:
    gate.script()
    (gate.here.parent / "outside").write_text("x")
    (gate.here / "link").symlink_to("/etc/hostname")
    (gate.here / "folder").mkdir()
    (gate.here / "folder" / "link").symlink_to("../deploy.sh")
    (gate.here / "pipes").mkdir()
    (gate.here / "empty").mkdir()
    (gate.here / "full" / "empty inside").mkdir(parents=True)
    (gate.here / "full" / "file").touch()
    for pipe in ("pipe", "pipes/pipe"):
        os.mkfifo(gate.here / pipe)
    ended(gate.start(*words), 97)
    assert office.calls == []


def test_a_program_by_its_name_alone_is_the_machines(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard(command=("sh", "deploy.sh", "x"))
    gate.asked()
    office.decide("approved")
    ended(process, 0)
    assert (gate.ran / "arguments").read_text() == "x\n"


@pytest.mark.parametrize("way", ["program", "argument", "folder link", "file link"])
def test_the_original_of_a_file_is_not_run_by_its_whole_path(
    gate: Gate, office: Office, tmp_path: Path, way: str
) -> None:
    """It could be changed after the last look at it."""
    script = gate.script()
    (tmp_path / "elsewhere").symlink_to(gate.here)
    command = {
        "program": (str(script),),
        "argument": ("sh", str(script)),
        "folder link": ("sh", str(tmp_path / "elsewhere" / "deploy.sh")),
        "file link": (f"{gate.here}/../here/./deploy.sh",),
    }[way]
    assert "./deploy.sh" in ended(gate.guard(command=command), 97)
    assert office.calls == []
    assert not gate.has_run()


def test_what_is_hashed_is_run_whatever_the_original_is_linked_with(gate: Gate, office: Office, tmp_path: Path) -> None:
    """A hard link, or the file that a link is about, is written to after the copy was made."""
    other = tmp_path / "other"
    other.write_text(SCRIPT)
    other.chmod(0o755)
    os.link(other, gate.here / "deploy.sh")
    (gate.here / "link.sh").symlink_to("deploy.sh")
    process = gate.guard("--file", "link.sh", command=("./link.sh",))
    gate.asked()
    copied = {each["path"]: each["sha256"] for each in office.only.said["payload"]["files"]}
    assert copied == dict.fromkeys(("deploy.sh", "link.sh"), hashlib.sha256(SCRIPT.encode()).hexdigest())
    other.write_text(SCRIPT + "touch $RAN/evil\n")
    office.decide("approved")
    ended(process, 95)
    assert not gate.has_run()


HOOKS = {
    "BASH_ENV": "/evil",
    "ENV": "/evil",
    "PERL5OPT": "-Mevil",
    "RUBYOPT": "-revil",
    "NODE_OPTIONS": "--require=/evil",
    "PYTHONSTARTUP": "/evil",
    "JAVA_TOOL_OPTIONS": "-javaagent:/evil",
    "LD_LIBRARY_PATH": "/evil",
    "PS4": "$(echo evil)",
    "PYTHONUSERBASE": "/evil",
    "_JAVA_OPTIONS": "-javaagent:/evil",
    "BASH_FUNC_kubectl%%": "() { echo evil; }",
}


def test_of_the_environment_the_command_finds_what_was_named_and_nothing_else(
    gate: Gate, office: Office, tmp_path: Path
) -> None:
    gate.script(
        SCRIPT + 'ls -A "$HOME" >"$RAN/home"; cat -- "$KUBECONFIG" >"$RAN/config"; cat /dev/null >"$HOME/new"\n'
    )
    config = tmp_path / "a config"
    config.write_text("cluster: prod\n")
    named = ("--env", "REGION", "--env", "CONTEXT=a=b c", "--secret-env", "KEY", "--env-file", f"KUBECONFIG={config}")
    given = {"REGION": "sa-east-1\n", "KEY": "s3cret' \"x", "HOME": str(tmp_path), "GIT_SSH_COMMAND": "evil"}
    process = gate.guard(*named, "--key", "k1", **given, **HOOKS)  # type: ignore[arg-type]
    gate.asked()
    said = office.only.said["payload"]
    assert said["environment"] == [
        {"name": "CONTEXT", "value": "a=b c"},
        {"name": "KEY", "salted_sha256": hashlib.sha256(b"k1\nKEY=s3cret' \"x").hexdigest()},
        {"name": "KUBECONFIG", "file_sha256": hashlib.sha256(b"cluster: prod\n").hexdigest()},
        {"name": "RAN", "value": str(gate.ran)},
        {"name": "REGION", "value": "sa-east-1\n"},
    ]
    assert said["version"] == 2
    assert "s3cret" not in str(office.only.said)
    office.decide("approved")
    ended(process, 0)
    found = dict(line.split("=", 1) for line in (gate.ran / "environment").read_text().splitlines() if "=" in line)
    shells = {"PWD", "OLDPWD", "SHLVL", "_"}
    ours = {"MILESAGA_PAYLOAD", "MILESAGA_EXECUTION", "MILESAGA_REQUEST", "PATH", "HOME", "LANG"}
    assert found.keys() - shells == ours | {"RAN", "REGION", "CONTEXT", "KEY", "KUBECONFIG"}
    assert (found["CONTEXT"], found["KEY"]) == ("a=b c", "s3cret' \"x")
    assert found["REGION"] == "sa-east-1"
    assert found["HOME"] != str(tmp_path)
    assert (gate.ran / "home").read_text() == ""
    assert (gate.ran / "config").read_text() == "cluster: prod\n"
    assert not Path(found["KUBECONFIG"]).exists(), "the copy is removed"


def test_a_variables_file_that_changed_meanwhile_runs_nothing(gate: Gate, office: Office, tmp_path: Path) -> None:
    gate.script()
    config = tmp_path / "config"
    config.write_text("cluster: test")
    process = gate.guard("--env-file", "KUBECONFIG", KUBECONFIG=str(config))
    gate.asked()
    config.write_text("cluster: prod")
    office.decide("approved")
    assert "KUBECONFIG is not what was asked for any more" in ended(process, 95)
    assert not gate.has_run()


def test_a_key_of_another_ask_runs_nothing(gate: Gate, office: Office) -> None:
    """As where a variable has another value than when the key was asked with."""
    gate.script()
    office.say("ask", Scripted(422, "idempotency_key_reused"))
    ended(gate.guard("--key", "k1"), 95)
    assert not gate.has_run()


@pytest.mark.parametrize(
    "words",
    [
        ("--env", "LD_PRELOAD=/x.so"),
        ("--env", "PATH"),
        ("--env", "MILESAGA_TOKEN"),
        ("--env", "NOT_SET_HERE"),
        ("--env", "lower"),
        ("--env", "A;B=1"),
        ("--env", "REGION=1", "--secret-env", "REGION"),
        ("--secret-env", "REGION=1"),
        ("--env-file", "REGION=/nowhere"),
        ("--env-file", "REGION=/dev/zero"),
    ],
)
def test_a_variable_that_is_not_handed_on_is_wrong_use(gate: Gate, office: Office, words: tuple[str, ...]) -> None:
    gate.script()
    ended(gate.guard(*words, REGION="x", lower="x"), 97)
    assert office.requests == {}


def test_a_program_that_is_not_there_has_an_outcome(gate: Gate, office: Office) -> None:
    gate.script()
    process = gate.guard(command=("/no/such/program",))
    gate.asked()
    office.decide("approved")
    process.communicate(timeout=40)
    assert process.returncode in {95, 127}
    assert office.only.outcome is not None
    assert office.only.outcome["exit_code"] == process.returncode


def test_the_copies_of_a_gate_that_ended_without_running_are_removed(
    gate: Gate, office: Office, tmp_path: Path
) -> None:
    gate.script()
    (tmp_path / "temporary").mkdir()
    process = gate.guard(TMPDIR=str(tmp_path / "temporary"))
    gate.asked()
    copies = next((tmp_path / "temporary").iterdir())
    assert stat.S_IMODE(copies.stat().st_mode) & 0o077 == 0
    office.decide("denied")
    ended(process, 91)
    assert [*(tmp_path / "temporary").iterdir()] == []
