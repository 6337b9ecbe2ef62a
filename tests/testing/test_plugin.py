"""The pytest plugin: light to load, and its fixtures as a user's test asks for them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("X-SIM")

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "testing.md"


def _run(directory: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=directory,
        env=os.environ | {"CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_loading_the_plugin_imports_nothing_of_weight(tmp_path: Path) -> None:
    program = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport modality_sdk.testing.plugin\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    loaded = set(_run(tmp_path, "-c", program).split())
    heavy = {"PIL", "highdicom", "numpy", "pydantic", "pydicom", "pynetdicom", "rich", "sqlite3", "sqlite_utils"}
    assert loaded & heavy == set()
    assert "modality_sdk" in loaded


def test_the_test_in_the_documentation_passes_with_the_plugin_alone(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = [block for block in blocks if "def test_" in block]
    (tmp_path / "test_shown.py").write_text(shown, encoding="utf-8")
    output = _run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_shown.py")
    assert f"{shown.count('def test_')} passed" in output


def test_a_modality_can_be_opened_again_and_is_still_called_back(tmp_path: Path) -> None:
    (tmp_path / "test_restart.py").write_text(
        "from modality_sdk import Acquisition, Modality\n"
        "from modality_sdk.testing.phantom import radiograph\n"
        "def test_restart(hospital, modality_settings):\n"
        "    with Modality(modality_settings) as modality:\n"
        "        assert len(modality.worklist.today()) > 0\n"
        "    with Modality(modality_settings) as modality:\n"
        "        with modality.start(modality.worklist.today()[0]) as step:\n"
        "            step.add_image(radiograph(32, 32, bits_stored=12), Acquisition(body_part='CHEST', view='PA'))\n"
        "        assert step.wait_until_archived(15).archived\n",
        encoding="utf-8",
    )
    assert "1 passed" in _run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_restart.py")
