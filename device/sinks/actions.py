"""What rules do: programs, messages and pins, in a thread of its own so that the frame loop never waits."""

import contextlib
import json
import logging
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

from device.errors import EdgeError, UsageError
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.rules import Rule, RuleEngine

log = logging.getLogger(__name__)

WAITING = 16  # actions at most; what comes while as many wait is left out and said
COMMAND_S = 30.0  # a program may run so long
CLOSE_S = 1.0

Publish = Callable[[str, str], None]  # topic, payload


class RulesSink(Sink):
    """Carries out what fires. ``publish`` sends a message, None where there is no broker; ``dry_run`` only tells.

    UsageError for a rule with a topic and no broker, EdgeError for a pin where there is no gpiozero.
    """

    name = "rules"

    def __init__(self, rules: Sequence[Rule], publish: Publish | None = None, dry_run: bool = False):
        self.engine, self.publish, self.dry_run = RuleEngine(rules), publish, dry_run
        unsent = next((rule for rule in rules if rule.mqtt and publish is None and not dry_run), None)
        if unsent is not None:
            raise UsageError(
                f"rule {unsent.name} publishes {unsent.mqtt}, but there is no --mqtt broker; name one"
            )
        pins = {rule.gpio for rule in rules if rule.gpio is not None}
        self.pins = {} if dry_run else {pin: _output(pin) for pin in pins}
        self._running: subprocess.Popen[bytes] | None = None
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
                log.warning(
                    "rule %s: %d actions are waiting already; this one is left out", rule.name, WAITING
                )

    def close(self) -> None:
        """Give what waits a moment, then end; a program that still runs is ended with it."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout=CLOSE_S)
        if (running := self._running) is not None:
            running.kill()
        for pin in self.pins.values():
            pin.close()

    def _work(self) -> None:
        while (asked := self._waiting.get()) is not None:
            rule, time_s = asked
            for act in (self._run, self._send, self._pulse):
                try:
                    act(rule, time_s)
                except Exception as error:  # a rule's fault never ends the others
                    log.warning("rule %s: %s: %s", rule.name, type(error).__name__, error)

    def _run(self, rule: Rule, time_s: float) -> None:
        if not rule.command:
            return
        silent = subprocess.DEVNULL
        try:
            self._running = subprocess.Popen(rule.command, stdin=silent, stdout=silent, stderr=silent)
        except OSError as error:
            log.warning("rule %s: cannot run %s: %s", rule.name, rule.command[0], error.strerror)
            return
        try:
            code = self._running.wait(COMMAND_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            log.warning(
                "rule %s: %s ran longer than %g s and was ended", rule.name, rule.command[0], COMMAND_S
            )
            return
        finally:
            self._running = None
        if code:
            log.warning("rule %s: %s exited with %d", rule.name, rule.command[0], code)

    def _send(self, rule: Rule, time_s: float) -> None:
        if rule.mqtt and self.publish:
            self.publish(rule.mqtt, json.dumps({"rule": rule.name, "time_s": round(time_s, 3)}))

    def _pulse(self, rule: Rule, time_s: float) -> None:
        if rule.gpio is not None:
            self.pins[rule.gpio].blink(on_time=rule.pulse_s, off_time=0, n=1)


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
