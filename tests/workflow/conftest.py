from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modality_sdk.testing.fake_site import FakeSite


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., FakeSite]]:
    sites: list[FakeSite] = []

    def make(**values: object) -> FakeSite:
        sites.append(FakeSite(data_dir=tmp_path / f"site{len(sites)}", **values))  # type: ignore[arg-type]
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., FakeSite]) -> FakeSite:
    return make_site()
