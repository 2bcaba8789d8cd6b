"""What rules do: programs, messages and pins, in a thread of its own so that the frame loop never waits."""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

from device.errors import EdgeError
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.rules import Rule, RuleEngine
from device.text import counted

log = logging.getLogger(__name__)

WAITING = 16  # actions at most; what comes while as many wait is left out and said
COMMAND_S = 30.0  # a program may run so long
CLOSE_S = 0.4  # less than a run that a signal ends has for its outputs

Publish = Callable[[str, str], None]  # topic, payload


class RulesSink(Sink):
    """Carries out what fires. ``publish`` sends a message, None where no rule has one; ``dry_run`` only tells.

    EdgeError for a pin where there is no gpiozero.
    """

    name = "rules"

    def __init__(self, rules: Sequence[Rule], publish: Publish | None = None, dry_run: bool = False):
        self.engine, self.publish, self.dry_run = RuleEngine(rules), publish, dry_run
        pins = {rule.gpio for rule in rules if rule.gpio is not None}
        self.pins = {} if dry_run else {pin: _output(pin) for pin in pins}
        self._running: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._waiting: queue.Queue[tuple[Rule, float] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="rules", daemon=True)
        self._thread.start()

    def write(self, result: FrameResult) -> None:
        """Hand over what fires with this result, without waiting."""
        for rule in self.engine.fired(result):
            if self.dry_run:
                log.info("%.2f s  %s: would %s", result.frame.time_s, rule.name, rule.actions())
                continue
            try:
                self._waiting.put_nowait((rule, result.frame.time_s))
            except queue.Full:
                log.warning("%s: %d actions are waiting already; this one is left out", rule.called, WAITING)

    def close(self) -> None:
        """Give what waits a moment, then end; a program that still runs is ended with it, and that is said."""
        waiting = self._waiting.qsize()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout=CLOSE_S)
        self._closed = True
        if (running := self._running) is not None:
            _end(running)
            left = min(waiting, self._waiting.qsize())
            log.warning(
                "rules: %s still ran at the end and was ended%s",
                running.args[0],  # type: ignore[index]
                f"; {counted(left, 'action')} after it left out" if left else "",
            )
        for pin in self.pins.values():
            pin.close()

    def _work(self) -> None:
        while (asked := self._waiting.get()) is not None and not self._closed:
            rule, time_s = asked
            for act in (self._run, self._send, self._pulse):
                try:
                    act(rule, time_s)
                except Exception as error:  # a rule's fault never ends the others
                    log.warning("%s: %s: %s", rule.called, type(error).__name__, error)

    def _run(self, rule: Rule, time_s: float) -> None:
        if not rule.command:
            return
        silent = subprocess.DEVNULL
        try:
            self._running = subprocess.Popen(
                rule.command, stdin=silent, stdout=silent, stderr=silent, process_group=0
            )
        except OSError as error:
            log.warning("%s: cannot run %s: %s", rule.called, rule.command[0], error.strerror)
            return
        try:
            code = self._running.wait(COMMAND_S)
        except subprocess.TimeoutExpired:
            _end(self._running)
            self._running.wait()
            log.warning("%s: %s ran longer than %g s and was ended", rule.called, rule.command[0], COMMAND_S)
            return
        finally:
            self._running = None
        if code and not self._closed:
            log.warning("%s: %s exited with %d", rule.called, rule.command[0], code)

    def _send(self, rule: Rule, time_s: float) -> None:
        if rule.mqtt and self.publish:
            self.publish(rule.mqtt, json.dumps({"rule": rule.name, "time_s": round(time_s, 3)}))

    def _pulse(self, rule: Rule, time_s: float) -> None:
        if rule.gpio is not None:
            self.pins[rule.gpio].blink(on_time=rule.pulse_s, off_time=0, n=1)


def _end(program: subprocess.Popen[bytes]) -> None:
    """End ``program`` and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def _output(pin: int) -> Any:
    try:
        from gpiozero import DigitalOutputDevice
        from gpiozero.exc import GPIOZeroError
    except ModuleNotFoundError:
        raise EdgeError("a rule with gpio needs gpiozero: sudo apt install python3-gpiozero") from None
    try:
        return DigitalOutputDevice(pin)
    except (GPIOZeroError, OSError, RuntimeError) as error:
        raise EdgeError(
            f"pin {pin} cannot be used ({error}); is this a Raspberry Pi, and the pin free?"
        ) from None
