"""How many cores a process may use: processors that compute at once, and a container's share."""

import os

import pytest

from misstep.compiler.runtime import cores as module
from misstep.compiler.runtime.cores import usable_cores


@pytest.fixture
def machine(monkeypatch):
    """Make a machine with processors in cores, and a share of time."""

    def made(cores, allowed=None, share=None):
        names = {processor: name for name, processors in cores.items() for processor in processors}
        usable = set(names) if allowed is None else allowed
        monkeypatch.setattr(module, "_processors", lambda: usable)
        monkeypatch.setattr(module, "_core_of", names.__getitem__)
        monkeypatch.setattr(module, "_own_share", lambda: share)

    module._cores_among.cache_clear()
    yield made
    module._cores_among.cache_clear()


PAIRS = {"0,4": [0, 4], "1,5": [1, 5], "2,6": [2, 6], "3,7": [3, 7]}


@pytest.mark.parametrize(
    ("allowed", "share", "cores"),
    [
        (None, None, 4),
        ({0, 4}, None, 1),
        ({0, 5}, None, 2),
        ({2}, None, 1),
        (None, 2.0, 2),
        (None, 2.9, 2),
        (None, 0.5, 1),
        (None, 64.0, 4),
        ({0, 1}, 3.0, 2),
    ],
)
def test_cores_are_counted_that_compute_at_once(machine, allowed, share, cores):
    machine(PAIRS, allowed, share)
    assert usable_cores() == cores


def test_this_machine_has_a_core():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def groups(folder, lines, files):
    for name, text in files.items():
        path = folder / "mounted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "cgroup").write_text(lines)
    return module._share_of_time(folder / "cgroup", folder / "mounted")


@pytest.mark.parametrize(
    ("lines", "files", "share"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2.0),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 10000"}, 4.0),
        # A container sees its own group as the root, under a path of the machine outside.
        ("0::/system/docker-1\n", {"cpu.max": "300000 100000"}, 3.0),
        ("0::/../../other\n", {"cpu.max": "300000 100000"}, 3.0),
        (
            "4:memory:/x\n3:cpu,cpuacct:/x\n0::/\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "250000", "cpu,cpuacct/x/cpu.cfs_period_us": "1e5"},
            None,
        ),
        (
            "3:cpu,cpuacct:/x\n",
            {
                "cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n",
                "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("1:cpu:/\n0::/\n", {"unified/cpu.max": "100000 100000"}, 1.0),
        ("", {}, None),
        ("nonsense\n::\n", {"cpu.max": "nonsense"}, None),
        ("0::/\n", {"cpu.max": "100000"}, None),
        ("0::/\n", {"cpu.max": "100000 0"}, None),
    ],
)
def test_a_containers_share_of_time_is_read(tmp_path, lines, files, share):
    assert groups(tmp_path, lines, files) == share


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert module._share_of_time(tmp_path / "none", tmp_path) is None
