"""How a child process ended, in its own words."""

import subprocess
import sys

import pytest

from device.child_processes import last_words

TOLD = {
    "print('out'); sys.exit('first\\nerror: no room \\n\\n')": "no room",
    "print('loading'); print('no such model'); sys.exit(3)": "no such model",
    "sys.stderr.write('  \\n'); print('out'); sys.exit(1)": "out",
    "sys.exit(3)": "it ended with status 3",
    "os.kill(os.getpid(), signal.SIGKILL)": "it died of SIGKILL",
}


@pytest.mark.parametrize("program", TOLD)
def test_a_child_s_last_words_are_its_last_line_or_how_it_ended(program):
    command = [sys.executable, "-c", f"import os, signal, sys; {program}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert last_words(done) == TOLD[program]
