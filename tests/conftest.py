"""What all tests share: object code that they compile is kept apart from the user's."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def object_cache_of_its_own(tmp_path_factory):
    before = os.environ.get("MISSTEP_CACHE")
    os.environ["MISSTEP_CACHE"] = str(tmp_path_factory.mktemp("objects"))
    yield
    if before is None:
        del os.environ["MISSTEP_CACHE"]
    else:
        os.environ["MISSTEP_CACHE"] = before
