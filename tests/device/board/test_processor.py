"""The processor's name and what it has for int8, from what kernels write."""

import platform

import pytest

from device.board.processor import cpu_name


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("model name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_vnni\n", "AMD EPYC, AVX-512 VNNI"),
        ("model name\t: AMD EPYC\nflags\t\t: fpu avx2\n", "AMD EPYC, AVX2"),
        ("model name\t: 0\nmodel name\t: ARMv8\nFeatures\t: fp asimd asimddp\n", "ARMv8, dot product"),
        ("processor\t: 0\nFeatures\t: fp asimd crc32\nModel\t\t: Raspberry Pi 4\n", "{here}, Neon"),
        (None, "{here}"),
    ],
)
def test_the_name_says_which_int8_instructions_there_are(tmp_path, told, name):
    file = tmp_path / "cpuinfo"
    if told:
        file.write_text(told)
    assert cpu_name(file) == name.format(here=platform.processor() or platform.machine())
