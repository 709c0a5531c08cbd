"""What all tests share: a cache of object code apart from the user's, and notices at the end."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from misstep.compiler.runtime import native

# The same commit passes or fails the same way every time. To look further, with other examples each
# time: scripts/test --hypothesis-profile default
# How long an example takes depends on what else the machine does, and says nothing of the code.
settings.register_profile(
    "same examples", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same examples")


@pytest.fixture(autouse=True, scope="session")
def object_cache_of_its_own(tmp_path_factory):
    before = os.environ.get("MISSTEP_CACHE")
    place = tmp_path_factory.getbasetemp()
    # One for all workers: what one of them compiled serves the others.
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    os.environ["MISSTEP_CACHE"] = str(place / "objects")
    yield
    if before is None:
        del os.environ["MISSTEP_CACHE"]
    else:
        os.environ["MISSTEP_CACHE"] = before


# Rooms whose tests compile much and compute little: there the generator takes least care, which
# saves a third of their time and changes no bit (compiler/test_compiled_networks.py).
HASTY_ROOMS = {"nn", "playground", "plots"}


# Not by the fixture `monkeypatch`: whoever asks for that one first puts it back last.
@pytest.fixture(autouse=True)
def effort_of_the_code_generator(request):
    """Generate code in haste where a test's room asks for it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name in HASTY_ROOMS:
            patch.setattr(native, "EFFORT", 0)
        yield


def pytest_terminal_summary(terminalreporter):
    """Print what a test has to say though it passed: its property `notice`."""
    for report in terminalreporter.getreports("passed"):
        for name, words in report.user_properties:
            if name == "notice":
                terminalreporter.write_line(f"notice: {words}")


# A shell starts what it runs in the background deaf to Ctrl-C, and children inherit that; tests
# press it, here and in programs that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
