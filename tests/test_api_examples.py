"""Every Python block of docs/API.md runs as it is printed."""

import re
from pathlib import Path

import pytest

from tests.forked_toolkit import forked_toolkit

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "API.md").read_text(), flags=re.DOTALL)


@pytest.mark.toolkit
@pytest.mark.parametrize("code", BLOCKS, ids=[f"block{number}" for number in range(len(BLOCKS))])
def test_a_block_of_the_api_page_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = tmp_path / "block.py"
    block.write_text(code)
    done = forked_toolkit(script=block)
    assert done.returncode == 0, done.stderr
    assert done.stdout
