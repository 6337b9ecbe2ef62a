"""What all tests share: requirement markers, code blocks of the documents, skips, stray threads, the MPPS judge."""

import os
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

pytest_plugins = ["mpps_judge.recorder"]

ROOT = Path(__file__).parent
_REQUIREMENTS = ROOT / "conformance" / "requirements.toml"
_NOT_RUN = "not run:"
_not_run = pytest.StashKey[list[str]]()


def _enter_scratch_directory(namespace: dict[str, Any]) -> None:
    namespace["_scratch"] = (TemporaryDirectory(), Path.cwd())
    os.chdir(namespace["_scratch"][0].name)


def _leave_scratch_directory(namespace: dict[str, Any]) -> None:
    directory, before = namespace.pop("_scratch")
    os.chdir(before)
    directory.cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    setup=_enter_scratch_directory,
    teardown=_leave_scratch_directory,
).pytest()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the list of what this machine cannot run."""
    config.stash[_not_run] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse requirements that nobody wrote down."""
    known = set(tomllib.loads(_REQUIREMENTS.read_text(encoding="utf-8")))
    unknown = [
        f"{item.nodeid}: {name!r}"
        for item in items
        for mark in item.iter_markers("req")
        for name in mark.args or ("",)
        if name not in known
    ]
    if unknown:
        raise pytest.UsageError("requirements that conformance/requirements.toml does not know: " + ", ".join(unknown))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Judge the skips of tests."""
    report = yield
    _judge_skip(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Judge the skips of whole files."""
    report = yield
    _judge_skip(collector.config, report)
    return report


def _judge_skip(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    """Note what this machine cannot run; in CI any other skip is a failure, because nobody would see it."""
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if reason.startswith(_NOT_RUN):
        config.stash[_not_run].append(f"{report.nodeid}: {reason.removeprefix(_NOT_RUN).strip()}")
    elif os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {reason} (only what starts with {_NOT_RUN!r} may be skipped)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what tests have measured (``record_property("figure", …)``), and what this machine could not run."""
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    figures = [value for report in passed for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(str(figure))
    if config.stash[_not_run]:
        terminalreporter.section("not run")
        for line in config.stash[_not_run]:
            terminalreporter.line(line)


@pytest.fixture(autouse=True)
def _no_stray_threads() -> Iterator[None]:
    """A test ends the threads that it starts: a non-daemon one would keep a program from ending."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2.0
    while stray := [t for t in threading.enumerate() if t not in before and not t.daemon and t.is_alive()]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads are left behind: {', '.join(thread.name for thread in stray)}")
        stray[0].join(0.05)
