"""The mark of what `make soak` runs and everything else leaves out."""

import pytest
from _pytest.mark.structures import ParameterSet

__all__ = ["soak"]


def soak(*values: object) -> ParameterSet:
    """One set of values of a parametrized test, for `make soak` alone."""
    return pytest.param(*values, marks=pytest.mark.soak)
