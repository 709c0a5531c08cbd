"""`scripts/browser` installs chromium where it may, says so where not, and never fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "browser"
TOOLS = ("bash", "date", "dirname", "mkdir", "timeout")
UNABLE = "echo 'E: no network' >&2; exit 100"


@pytest.fixture
def machine(tmp_path):
    """Give a machine of few programs: `machine(apt="…", user=0)` runs the script on it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool))
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")

    def write(name: str, body: str) -> None:
        (programs / name).write_text(f"#!{shutil.which('bash')}\n{body}\n", encoding="utf-8")
        (programs / name).chmod(0o755)

    def run(apt: str | None = None, user: int = 0, **settings: str) -> str:
        write("id", f"echo {user}")
        if apt is not None:
            write("apt-get", f'echo "$@" >>{tmp_path}/asked\n{apt}')
        done = subprocess.run(
            ["bash", str(tmp_path / "scripts" / "browser")],
            env={"PATH": str(programs), **settings},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (0, "")
        return done.stderr

    run.write = write
    run.asked = tmp_path / "asked"
    return run


def test_a_browser_that_is_there_is_enough(machine):
    machine.write("chromium", "true")
    assert machine(apt="true") == ""
    assert not machine.asked.exists()


@pytest.mark.parametrize("setting", ["MISSTEP_NO_BROWSER", "MISSTEP_BROWSER"])
def test_who_wants_none_or_has_another_gets_none(machine, setting):
    assert machine(apt="true", **{setting: "1"}) == ""
    assert not machine.asked.exists()


def test_chromium_is_installed_where_it_may_be(machine):
    assert machine(apt="true").startswith("browser: installing chromium")
    updated, installed = machine.asked.read_text(encoding="utf-8").splitlines()
    assert updated.endswith(" update")
    assert installed.endswith(" install -y --no-install-recommends chromium fonts-dejavu-core")


@pytest.mark.parametrize(("apt", "user"), [(None, 0), ("true", 1000)])
def test_where_it_may_not_be_the_reader_is_told(machine, apt, user):
    assert "no chromium here; the tests of pages will skip" in machine(apt=apt, user=user)
    assert not machine.asked.exists()


def test_a_failure_is_a_sentence_and_is_not_repeated(machine):
    assert machine(apt=UNABLE).splitlines()[-1].endswith("will skip: E: no network")
    assert "To try again: rm .build/browser-tried" in machine(apt=UNABLE)
    assert len(machine.asked.read_text(encoding="utf-8").splitlines()) == 1
