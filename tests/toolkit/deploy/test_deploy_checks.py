"""What is checked before anything is copied."""

import json
from pathlib import Path

import pytest

from device.errors import EdgeError
from toolkit.deploy.fleet import collected, make_parcel, newest_wheel
from toolkit.deploy.release import HostOutcome, Parcel, Step, deploy_to, read_facts
from toolkit.deploy.service import Service, read_service
from toolkit.deploy.ssh import Host, RemoteFailure
from toolkit.results.codec import write_results
from toolkit.results.reading import read_documents

pytestmark = pytest.mark.toolkit

STATS = {
    "n": 5,
    "mean_ms": 2.0,
    "p50_ms": 2.0,
    "p90_ms": 2.0,
    "p99_ms": 2.0,
    "max_ms": 2.0,
    "warmup_n": 1,
}
TIMED = {"path": "m.tflite", "sha256": "a" * 64, "size_bytes": 9, "threads": 1, "latency": STATS}
MEASURED = {"board": None, "cpu": "Cortex-A76", "machine": "aarch64", "python": "3.11.2", "models": [TIMED]}


class Told(Host):
    """A host that answers as boards do which cannot run here."""

    def __init__(self, answer: str):
        super().__init__("pi@board")
        object.__setattr__(self, "answer", answer)

    def run(self, script, doing, stdin=None, timeout_s=120):
        return self.answer


def answer(machine="aarch64", bits="64", python="3.11", free="9000", board="Raspberry Pi 5 Model B Rev 1.0"):
    facts = {"machine": machine, "bits": bits, "python": python, "free_mb": free, "board": board}
    return "".join(f"{name}={value}\n" for name, value in {**facts, "name": "raspberrypi"}.items())


def test_a_fit_board_is_known_by_its_name():
    assert read_facts(Told(answer()), "python3") == "Raspberry Pi 5 Model B Rev 1.0"
    assert read_facts(Told(answer(board="")), "python3") == "raspberrypi"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(machine="armv7l", bits="32"), "install the 64-bit Raspberry Pi OS"),
        (answer(python="3.9"), "Python 3.9 as 'python3', expected 3.11"),
        (answer(python=""), "no Python as 'python3'"),
        (answer(free="120"), "120 MB free"),
        (answer(free="much"), "gave an unexpected answer"),
        ("", "gave an unexpected answer"),
    ],
)
def test_an_unfit_board_is_refused_with_the_remedy(told, words, tiny_tflite):
    outcome = deploy_to(Told(told), Parcel(tiny_tflite, tiny_tflite))
    assert outcome.verdict == "failed"
    assert words in outcome.line


EXAMINED = '{"checks": [{"name": "board", "status": "ok", "found": "", "remedy": ""}]}'


class Odd(Told):
    """A fit board that prints ``printed`` for a benchmark; ``asked`` are its steps."""

    def __init__(self, printed: str):
        super().__init__(answer())
        object.__setattr__(self, "printed", printed)
        object.__setattr__(self, "asked", [])

    def run(self, script, doing, stdin=None, timeout_s=120):
        self.asked.append(doing)
        return {Step.BENCHMARK: self.printed, Step.EXAMINE: EXAMINED}.get(doing, self.answer)

    def send(self, path, target, doing):
        self.asked.append(doing)


class Crashed(Odd):
    """Its doctor finds nothing wrong, and then ends by a signal."""

    def run(self, script, doing, stdin=None, timeout_s=120):
        if doing is Step.EXAMINE:
            raise RemoteFailure("it ended by SIGSEGV", EXAMINED)
        return super().run(script, doing, stdin, timeout_s)


def test_a_doctor_that_fails_without_a_word_of_it_fails_the_board(tiny_tflite):
    outcome = deploy_to(Crashed(json.dumps(MEASURED)), Parcel(tiny_tflite, tiny_tflite))
    assert (outcome.verdict, outcome.line) == ("failed", "it ended by SIGSEGV")


@pytest.mark.parametrize(
    "printed",
    [
        json.dumps({**MEASURED, "models": []}),
        json.dumps({**MEASURED, "models": [{**TIMED, "latency": {"p50_ms": 2.0}}]}),
        json.dumps({**MEASURED, "models": [{**TIMED, "latency": {**STATS, "mean_ms": "fast"}}]}),
        json.dumps({key: value for key, value in MEASURED.items() if key != "machine"}),
        "[]",
    ],
)
def test_a_benchmark_that_is_none_fails_the_board_before_it_is_switched(printed, tiny_tflite):
    host = Odd(printed)
    outcome = deploy_to(host, Parcel(tiny_tflite, tiny_tflite))
    assert outcome.verdict == "failed"
    assert outcome.line.startswith("what it printed is a damaged benchmark (")
    assert Step.BENCHMARK in host.asked
    assert Step.SWITCH not in host.asked


def test_the_newest_wheel_is_taken(tmp_path):
    import os

    with pytest.raises(EdgeError, match="make dist"):
        newest_wheel(tmp_path)
    for age, name in enumerate(("fer_edge-0.2.0-py3-none-any.whl", "fer_edge-0.1.0-py3-none-any.whl")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert newest_wheel(tmp_path).name.startswith("fer_edge-0.2.0")


def test_a_broken_model_is_refused_before_any_host_is_asked(tmp_path):
    wheel, model = tmp_path / "fer_edge-1-py3-none-any.whl", tmp_path / "m.tflite"
    wheel.touch()
    model.write_bytes(b"no model")
    with pytest.raises(EdgeError, match="no TFLite model"):
        make_parcel(str(model), str(wheel), "python3", 10)


def test_boards_are_told_apart_by_their_hosts(tiny_tflite):
    outcomes = [HostOutcome(name, "deployed", "", "Raspberry Pi 5", MEASURED) for name in ("pi@a", "pi@b")]
    outcomes.append(HostOutcome("pi@c", "failed", "gone"))
    (entry,) = collected(outcomes, Parcel(Path("w.whl"), tiny_tflite)).models
    assert [one.target for one in entry.latencies] == ["Raspberry Pi 5 (pi@a)", "Raspberry Pi 5 (pi@b)"]
    assert [(one.cpu, one.extra) for one in entry.latencies] == [("", {"throughput_per_s": 500.0})] * 2
    with pytest.raises(EdgeError, match="no host was measured"):
        collected(outcomes[2:], Parcel(Path("w.whl"), tiny_tflite))


def test_a_report_takes_a_file_of_each_board_of_a_fleet(tiny_tflite, tmp_path):
    paths = []
    for number in range(80):
        outcome = HostOutcome(f"pi@{number}", "deployed", "", "Raspberry Pi 5", MEASURED)
        paths.append(str(tmp_path / f"{number}.json"))
        write_results(collected([outcome], Parcel(Path("w.whl"), tiny_tflite)), paths[-1], False)
    (entry,) = read_documents(paths).results.models
    assert {one.target for one in entry.latencies} == {f"Raspberry Pi 5 (pi@{n})" for n in range(80)}


def test_a_name_is_never_an_option_of_ssh():
    command = Host("-oProxyCommand=true").command("true")
    assert command.index("--") < command.index("-oProxyCommand=true")


HOME = "/home/pi"
CURRENT = f"{HOME}/fer-edge/current/bin/device"


def unit(program, root="self", options="-q", state="active"):
    """What systemd 252 answers of a unit, with what the shell adds."""
    lines = [f"ExecStart={{ path={program} ; argv[]={program} run {options} ; ignore_errors=no ; pid=7 }}",
             "LoadState=loaded", f"ActiveState={state}", f"Home={HOME}"]  # fmt: skip
    return "\n".join([*lines, f"Root={root}" if root else ""]) + "\n"


def test_a_service_that_runs_the_link_is_restarted():
    found = read_service(Told(unit(CURRENT)), "checking")
    assert (found.restart, found.line()) == ("systemctl restart fer-edge", "the service runs it")
    # One that crashes and is started again and again is 'activating': a deploy may be what mends it.
    found = read_service(Told(unit(CURRENT, "sudo", state="activating")), "checking")
    assert found.restart == "sudo -n systemctl restart fer-edge"
    found = read_service(Told(unit(CURRENT, state="inactive")), "checking")
    assert (found.restart, found.line()) == ("true", "the service is stopped: sudo systemctl start fer-edge")


@pytest.mark.parametrize(
    ("program", "options", "pinned"),
    [
        ("/opt/fer/bin/device", "-q", ""),
        (f"{HOME}/fer-edge/venvs/0123456789ab/bin/device", "-q", "venvs/0123456789ab"),
        (CURRENT, "-q --model /opt/other.tflite", ""),
    ],
)
def test_a_service_that_would_not_take_it_is_left_alone_and_said(program, options, pinned):
    found = read_service(Told(unit(program, root="", options=options)), "checking")
    assert (found.restart, found.sudo, found.environment) == ("true", "", pinned)
    assert f"runs {program}, or a model of its own options, and not this" in found.line()
    assert "sudo ~/fer-edge/current/bin/device service install --overwrite -- OPTIONS" in found.line()


def test_no_systemd_and_no_unit_are_no_service():
    for told in (f"Home={HOME}\nRoot=self\n", f"LoadState=not-found\nActiveState=inactive\nHome={HOME}\n"):
        found = read_service(Told(told), "checking")
        assert found == Service()
        assert (found.restart, found.sudo) == ("true", "")  # as they stand in the script that switches


def test_a_service_that_may_not_be_restarted_is_refused_before_anything_is_copied():
    with pytest.raises(EdgeError, match="sudo asks for a password there; allow 'sudo -n'"):
        read_service(Told(unit(CURRENT, root="")), "checking")


@pytest.mark.parametrize("runs", ["0", "-1"])
def test_a_benchmark_without_rounds_is_wrong_use(runs, toolkit_command):
    done = toolkit_command("deploy", "nowhere", "--runs", runs)
    assert done.returncode == 2
    assert "--runs" in done.stderr
