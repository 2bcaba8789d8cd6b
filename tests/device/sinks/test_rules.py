"""Rules: what they hold for, when they fire, what they do; faults of an action are one line and stop nothing."""

import dataclasses
import logging
import sys
import threading
from pathlib import Path

import pytest

from device.errors import EdgeError, UsageError
from device.frames import BoundingBox, Frame
from device.results import Face
from device.sinks.actions import RulesSink
from device.sinks.rules import Rule, RuleEngine, holds, parse_rules

LABELS = ("happy", "sad", "neutral")


@pytest.fixture
def at(a_result):
    """Makes the result at ``seconds`` with faces of (label, probability, seen)."""

    def make(seconds: float, *faces: tuple[str, float, bool]):
        shown = tuple(
            Face(
                number,
                BoundingBox(0, 0, 40, 40),
                label,
                probability,
                {label: probability},
                label,
                {label: probability},
                detected=seen,
            )
            for number, (label, probability, seen) in enumerate(faces, 1)
        )
        plain = a_result(0, 0)
        frame = Frame(plain.frame.image, 0, round(seconds * 1e9))
        return dataclasses.replace(plain, frame=frame, faces=shown)

    return make


HAPPY = ("happy", 0.9, True)


@pytest.mark.parametrize(
    ("rule", "faces", "expected"),
    [
        (Rule("r", ("happy",)), [HAPPY], True),
        (Rule("r", ("happy", "sad")), [("sad", 0.4, True)], True),
        (Rule("r", ("happy",), probability=0.91), [HAPPY], False),
        (Rule("r", ("happy",), probability=0.9), [HAPPY], True),
        (Rule("r", ("happy",)), [("happy", 0.9, False)], False),  # only remembered
        (Rule("r", probability=0.91), [HAPPY], False),  # of any expression
        (Rule("r", probability=0.9), [HAPPY], True),
        (Rule("r", ("happy",), faces=2), [HAPPY, ("sad", 0.9, True)], False),
        (Rule("r", ("happy",), faces=2), [HAPPY, HAPPY], True),
        (Rule("r", faces=2), [HAPPY, ("sad", 0.9, True)], True),
        (Rule("r", nobody=True), [], True),
        (Rule("r", nobody=True), [("happy", 0.9, False)], True),
        (Rule("r", nobody=True), [HAPPY], False),
    ],
)
def test_what_a_rule_waits_for(at, rule, faces, expected):
    assert holds(rule, at(0, *faces)) is expected


def times(engine: RuleEngine, results) -> list[float]:
    return [result.frame.time_s for result in results if engine.fired(result)]


def test_it_must_hold_for_its_time_without_a_gap(at):
    engine = RuleEngine([Rule("r", ("happy",), held_s=1.0, cool_down_s=0)])
    shown = [at(t / 10, *([HAPPY] if t not in (5,) else [])) for t in range(30)]
    assert times(engine, shown) == [1.6]  # from 0.6, after the gap


def test_once_for_each_time_that_it_holds_and_not_before_it_has_cooled_down(at):
    engine = RuleEngine([Rule("r", ("happy",), held_s=0.2, cool_down_s=5.0)])
    smiles = {range(0, 10), range(20, 30), range(60, 90)}
    shown = [at(t / 10, *([HAPPY] if any(t in smile for smile in smiles) else [])) for t in range(100)]
    assert times(engine, shown) == [0.2, 6.2]


def test_rules_do_not_disturb_one_another(at):
    rules = [
        Rule("a", ("happy",), held_s=0),
        Rule("b", nobody=True, held_s=0),
        Rule("c", ("happy",), held_s=1),
    ]
    engine = RuleEngine(rules)
    assert [rule.name for rule in engine.fired(at(0, HAPPY))] == ["a"]
    assert [rule.name for rule in engine.fired(at(1, HAPPY))] == ["c"]
    assert [rule.name for rule in engine.fired(at(2))] == ["b"]


def test_a_table_of_the_settings_file():
    (rule,) = parse_rules(
        [
            {
                "name": "smile",
                "expression": "happy",
                "held-for": 2,
                "command": ["aplay", "ding.wav"],
                "gpio": 17,
            }
        ],
        LABELS,
    )
    assert rule == Rule("smile", ("happy",), held_s=2.0, command=("aplay", "ding.wav"), gpio=17)
    assert rule.actions() == "run aplay ding.wav, pin 17 high for 1 s"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"expresion": "happy", "mqtt": "a"}, "did you mean expression"),
        ({"expression": "hapy", "mqtt": "a"}, "can never fire: the model knows no 'hapy'"),
        ({"nobody": True, "expression": "sad", "mqtt": "a"}, "can never fire: nobody has no expression"),
        ({"expression": "sad"}, "does nothing; add command, mqtt or gpio"),
        ({"expression": "sad", "mqtt": "a", "probability": 1.2}, "expected a number from 0 to 1"),
        (
            {"expression": "sad", "mqtt": "a", "held-for": float("nan")},
            "expected a number of seconds from 0 to 86400",
        ),
        ({"expression": "sad", "gpio": 28}, "expected a whole number from 0 to 27"),
        ({"expression": "sad", "gpio": True}, "expected a whole number"),
        ({"expression": [], "mqtt": "a"}, "expected text, or a list of texts"),
        ({"expression": "sad", "command": [1]}, "expected text, or a list of texts"),
        ({"faces": 0, "mqtt": "a"}, "expected a whole number from 1 to 20"),
        ({"nobody": "yes", "mqtt": "a"}, "expected true or false"),
        ({"name": "", "mqtt": "a"}, "expected text"),
        ({"name": "a", "mqtt": "home/+"}, "rule a: mqtt is 'home/[+]'; expected a topic without [+] and #"),
    ],
)
def test_a_wrong_rule_is_wrong_use(table, said):
    with pytest.raises(UsageError, match=said):
        parse_rules([table], LABELS)


def test_a_topic_needs_a_broker():
    rule = {"mqtt": "a", "held-for": 3}
    with pytest.raises(UsageError, match=r"^rule 1 publishes a, but there is no `mqtt` broker"):
        parse_rules([rule], LABELS, broker=False)
    assert len(parse_rules([rule], LABELS)) == 1


def test_two_rules_of_a_name_are_refused():
    with pytest.raises(UsageError, match="two rules are called 'a'"):
        parse_rules([{"name": "a", "mqtt": "x"}, {"name": "a", "mqtt": "y"}], LABELS)


def finished(sink: RulesSink) -> None:
    """Close the sink once what waits is done."""
    sink._waiting.put(None)
    sink._thread.join(timeout=30)
    assert not sink._thread.is_alive()


def test_programs_and_messages(at, tmp_path):
    sent = []
    program = (sys.executable, "-c", f"open(r'{tmp_path}/done', 'w').write('x $HOME')")
    rule = Rule("smile", ("happy",), held_s=0, command=program, mqtt="home/smile")
    sink = RulesSink([rule], lambda topic, payload: sent.append((topic, payload)))
    sink.write(at(3.5, HAPPY))
    finished(sink)
    assert (tmp_path / "done").read_text() == "x $HOME"  # no shell
    assert sent == [("home/smile", '{"rule": "smile", "time_s": 3.5}')]


@pytest.mark.parametrize(
    ("limit_s", "command", "said"),
    [
        (60, ("/no/such/program",), "cannot run /no/such/program: No such file or directory"),
        (60, (sys.executable, "-c", "raise SystemExit(3)"), "exited with 3"),
        (0.5, (sys.executable, "-c", "import time; time.sleep(60)"), "ran longer than 0.5 s and was ended"),
    ],
)
def test_a_program_that_fails_or_hangs_is_one_line_and_the_next_rule_runs(
    at, caplog, monkeypatch, limit_s, command, said
):
    monkeypatch.setattr("device.sinks.actions.COMMAND_S", limit_s)
    sent = []
    rules = [Rule("bad", held_s=0, command=command), Rule("good", held_s=0, mqtt="t")]
    sink = RulesSink(rules, lambda topic, payload: sent.append(topic))
    with caplog.at_level(logging.WARNING):
        sink.write(at(0, HAPPY))
        finished(sink)
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert sent == ["t"]


def test_the_loop_never_waits_and_what_does_not_fit_is_said(at, caplog):
    held = threading.Event()
    rule = Rule("r", held_s=0, cool_down_s=0, mqtt="t")
    sent = []

    def slow(topic: str, payload: str) -> None:
        held.wait(30)
        sent.append(topic)

    sink = RulesSink([rule], slow)
    with caplog.at_level(logging.WARNING):
        for index in range(40):
            sink.write(at(2 * index, HAPPY))
            sink.write(at(2 * index + 1))
    held.set()
    finished(sink)
    lost = sum("left out" in record.getMessage() for record in caplog.records)
    assert lost >= 20
    assert len(sent) + lost == 40


def test_a_program_that_still_runs_ends_with_the_sink_and_all_that_it_started(at, tmp_path, caplog):
    started, later = tmp_path / "started", tmp_path / "later"
    script = f"sleep 60 & echo $! > {started}.new; mv {started}.new {started}; wait"
    rules = [
        Rule("r", held_s=0, command=("sh", "-c", script)),
        Rule("s", held_s=0, command=("touch", str(later))),
    ]
    sink = RulesSink(rules)
    sink.write(at(0, HAPPY))
    while not started.exists():
        threading.Event().wait(0.02)
    running = sink._running
    sink.close()
    sink._thread.join(timeout=30)
    assert running.wait(timeout=30) == -9
    assert caplog.messages == ["rules: sh still ran at the end and was ended; 1 action after it left out"]
    child = Path("/proc") / started.read_text().strip() / "stat"
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        threading.Event().wait(0.02)
    assert not later.exists()


def test_a_pin_needs_a_board(at):
    with pytest.raises(EdgeError, match=r"gpiozero|cannot be used"):
        RulesSink([Rule("r", gpio=17)])


def test_a_pin_goes_high(at, monkeypatch):
    """gpiozero's own mock pins: no header here."""
    gpiozero = pytest.importorskip("gpiozero")
    from gpiozero.pins.mock import MockFactory

    monkeypatch.setattr(gpiozero.Device, "pin_factory", MockFactory())
    sink = RulesSink([Rule("r", held_s=0, gpio=17, pulse_s=30)])
    pin = gpiozero.Device.pin_factory.pin(17)
    assert pin.state == 0
    sink.write(at(0, HAPPY))
    while pin.state == 0 and sink._thread.is_alive():
        threading.Event().wait(0.02)
    assert pin.state == 1
    sink.close()


def test_a_dry_run_only_tells(at, caplog):
    sink = RulesSink([Rule("smile", ("happy",), held_s=0, command=("rm", "x"), gpio=17)], dry_run=True)
    with caplog.at_level(logging.INFO):
        sink.write(at(12.4, HAPPY))
    assert [record.getMessage() for record in caplog.records] == [
        "12.40 s  smile: would run rm x, pin 17 high for 1 s"
    ]
    sink.close()
