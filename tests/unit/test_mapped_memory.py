"""What the process keeps of its memory. In processes of their own, because it is for the whole process."""

import platform
import subprocess
import sys

import pytest

from connector.domain.mapped_memory import mapped

ROUNDS = 20
PAGES_OF_A_ROUND = 3 * 2 * 1024 // 4
PROGRAM = f"""
import resource
from connector.domain.mapped_memory import keep_freed_memory

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        held = [bytearray(2 * 1024 * 1024) for _ in range(3)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

{{call}}
faults(3)
print(faults({ROUNDS}))
"""


def faults_of(call: str) -> int:
    program = PROGRAM.format(call=call)
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_freed_memory_is_used_again() -> None:
    assert faults_of("keep_freed_memory()") < PAGES_OF_A_ROUND < faults_of("")


@pytest.mark.parametrize("size", [1, 600_000, 2 * 1024 * 1024, 5_000_000])
def test_mapped_memory_is_zero_and_can_be_filled(size: int) -> None:
    memory = memoryview(mapped(size))
    assert not any(memory)

    memory[:] = b"x" * size
    assert bytes(memory) == b"x" * size
