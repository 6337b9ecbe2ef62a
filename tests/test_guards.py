"""What the root conftest holds tests to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("NFR-SAFE-01")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project with our conftest and requirements."""
    (tmp_path / "conformance").mkdir()
    for name in ("conftest.py", "conformance/requirements.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tests" / "mpps_judge", tmp_path / "tests" / "mpps_judge")
    return tmp_path


def run(project: Path, *arguments: str, ci: str = "") -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def test_an_unknown_requirement_is_refused(project: Path) -> None:
    (project / "test_it.py").write_text(
        "import pytest\n@pytest.mark.req('FR-DICOM-99')\ndef test_one():\n    pass\n"
        "@pytest.mark.req('FR-DICOM-01')\ndef test_two():\n    pass\n"
    )
    code, output = run(project, "test_it.py")
    assert code != 0
    assert "test_one: 'FR-DICOM-99'" in output
    assert "test_two" not in output


SKIPS = """
import pytest
def test_silent():
    pytest.skip('later')
@pytest.mark.skipif(True, reason='not run: no Docker here')
def test_loud():
    pass
"""


def test_in_ci_a_skip_fails_unless_the_machine_cannot_run_the_test(project: Path) -> None:
    (project / "test_it.py").write_text(SKIPS)
    (project / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    code, output = run(project, "test_it.py", ci="true")
    assert code == 1
    assert "1 failed, 1 skipped" in output
    assert "skipped in CI: later" in output
    assert "test_it.py::test_loud: no Docker here" in output
    code, output = run(project, "test_whole.py", ci="true")
    assert code != 0
    assert "skipped in CI: could not import" in output


def test_outside_ci_what_was_not_run_is_listed(project: Path) -> None:
    (project / "test_it.py").write_text(SKIPS)
    code, output = run(project, "test_it.py")
    assert code == 0
    assert "2 skipped" in output
    assert "not run ==" in output
    assert "test_it.py::test_loud: no Docker here" in output


def test_a_thread_that_outlives_its_test_fails_it(project: Path) -> None:
    (project / "test_it.py").write_text(
        "import threading, time\n"
        "def test_ends():\n    threading.Thread(target=time.sleep, args=(0.1,)).start()\n"
        "def test_stays():\n    threading.Thread(target=time.sleep, args=(3,), name='stray').start()\n"
    )
    code, output = run(project, "test_it.py")
    assert code == 1
    assert "2 passed, 1 error" in output
    assert "threads are left behind: stray" in output


def test_the_python_blocks_of_documents_are_executed_away_from_the_project(project: Path) -> None:
    block = "```python\nfrom pathlib import Path\nPath('made.txt').touch()\nassert VALUE == 1\n```\n"
    (project / "README.md").write_text("```python\nVALUE = 1\n```\n\ntext\n\n" + block)
    (project / "docs").mkdir()
    (project / "docs" / "wrong.md").write_text("```python\nVALUE = 1 / 0\n```\n")
    code, output = run(project, "README.md", "docs")
    assert code == 1
    assert "ZeroDivisionError" in output
    assert "1 failed, 2 passed" in output
    assert not (project / "made.txt").exists()
