"""How a run ends: by a signal, after its time, by itself; and that it does end, whatever hangs."""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

from device.errors import EXIT_FAILED

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 1.8  # from a signal to the end of the process, whatever hangs
CLOSING_S, HURRIED_S = 10.0, 0.5  # for all outputs to take what waits; the same after a signal


class Stop(threading.Event):
    """Set once something ends the run; ``reason`` says what, ``closing_s`` how long outputs may take to finish."""

    reason = "end of the source"
    closing_s = CLOSING_S

    def because(self, reason: str, closing_s: float = CLOSING_S) -> None:
        """Set it. The first reason stays; the shortest time to close counts."""
        if not self.is_set():
            self.reason = reason
        self.closing_s = min(self.closing_s, closing_s)
        self.set()


@contextlib.contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into ``stop``; a second one, or ``GRACE_S`` after the first, ends the process.

    A thread listens, because the main one may hang in a driver, in a native call or in a full pipe. What is ignored
    already stays ignored: ``nohup device run`` outlives its terminal. Only for the main thread.
    """
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(stop, heard), name="signals", daemon=True)
    listener.start()
    ours = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    descriptor_before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor_before)
        told.close()
        listener.join()
        heard.close()


def _listen(stop: Stop, heard: socket.socket) -> None:
    first = heard.recv(1)
    if not first:
        return
    name = signal.Signals(first[0]).name
    stop.because(name, HURRIED_S)
    heard.settimeout(GRACE_S)
    try:
        second = heard.recv(1)
    except TimeoutError:
        end_now(f"{name}: the camera, the model or an output hangs; ended without it")
    if second:
        end_now("interrupted")


@contextlib.contextmanager
def stopped_after(stop: Stop, seconds: float | None) -> Iterator[None]:
    """Set ``stop`` after ``seconds``; None or more than a clock holds: never. What hangs then is ended as well."""
    if seconds is None or seconds > threading.TIMEOUT_MAX:
        yield
        return
    over = threading.Event()

    def wait() -> None:
        if over.wait(seconds):
            return
        stop.because("--seconds")
        if not over.wait(CLOSING_S + GRACE_S):
            end_now("the time is over: the camera, the model or an output hangs; ended without it")

    timer = threading.Thread(target=wait, name="seconds", daemon=True)
    timer.start()
    try:
        yield
    finally:
        over.set()
        timer.join()


def end_now(why: str) -> NoReturn:
    """End the process without waiting for any thread: exit 1, ``why`` on standard error if that takes a line."""
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, f"error: {why}\n".encode())
    os._exit(EXIT_FAILED)


def leave(code: int) -> NoReturn:
    """Exit with ``code``; at once where a thread still hangs, because Python's own end waits for what it holds."""
    if threading.active_count() > 1:
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
