"""The limits that a child process sets itself before it opens what nobody has checked."""

import resource
from pathlib import Path


def limit_this_process(memory_bytes: int, processor_s: int) -> None:
    """Let this process take so much memory and processor time more than it has taken, and leave no core dump.

    Beyond the memory an allocation fails; beyond the time the kernel ends the process, SIGXCPU first.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    room = (int(status["VmData"].split()[0]) << 10) + memory_bytes
    seconds = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + processor_s
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (room, room))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
