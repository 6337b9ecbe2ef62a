"""The example project passes its own tests, with nothing of this project's configuration around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "acquisition-program"


@pytest.mark.req("X-SIM")
def test_the_example_project_passes_its_tests(tmp_path: Path) -> None:
    project = shutil.copytree(_EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
