"""The plan of the house holds: who imports whom, what the package shows, how much an import loads."""

import ast
import importlib
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import modality_sdk

pytestmark = pytest.mark.req("NFR-SAFE-01")

PACKAGE = Path(modality_sdk.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"numpy", "pydicom", "pynetdicom", "highdicom", "pydantic", "PIL", "sqlite3", "sqlite_utils", "click", "rich"}


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_imports_go_down_only() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))",
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_no_room_imports_the_package_root(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name == "modality_sdk" for alias in node.names), f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert node.module != "modality_sdk", f"line {node.lineno}"
            assert node.level == 0, f"line {node.lineno} imports relatively"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_no_posix_only_module_is_needed_to_import_a_room(source: Path) -> None:
    posix = {"fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios", "tty"}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not posix & {name.partition(".")[0] for name in names}, f"line {node.lineno}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_uids_of_the_standard_are_written_by_name(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not re.fullmatch(r"1\.2\.840\.10008\.[0-9.]+", node.value), f"line {node.lineno}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = json.loads(run("import json, sys, modality_sdk; print(json.dumps(sorted(sys.modules)))"))
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("name", modality_sdk.__all__)
def test_a_public_name_resolves(name: str) -> None:
    assert getattr(modality_sdk, name) is not None
    assert name in dir(modality_sdk)


def test_public_names_are_sorted_and_stand_once() -> None:
    assert sorted(set(modality_sdk.__all__)) == sorted(modality_sdk.__all__)


@pytest.mark.parametrize("name", [name for name in modality_sdk.__all__ if name != "__version__"])
def test_a_public_name_is_public_in_its_room_too(name: str) -> None:
    rooms = [path.stem for path in PACKAGE.glob("[a-z]*.py")] + [
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    ]
    value = getattr(modality_sdk, name)
    room = next(room for room in value.__module__.split(".")[1:] if room in rooms)
    assert name in importlib.import_module(f"modality_sdk.{room}").__all__


def test_all_errors_and_all_events_are_public() -> None:
    for room in ("errors", "events"):
        names = set(importlib.import_module(f"modality_sdk.{room}").__all__) - {"Dispatcher"}
        assert names <= set(modality_sdk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Modallity'"):
        modality_sdk.Modallity  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    assert modality_sdk.__version__ == version("modality-sdk")


def test_the_checker_of_types_sees_the_names_that_are_loaded_late() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == modality_sdk._LAZY
