"""What memory is left: of the machine, of control groups, of the process's own limits."""

from __future__ import annotations

from pathlib import Path

from misstep.storage import available_memory


def system_of(folder: Path, groups: str, files: dict[str, str]) -> Path:
    for name, text in {
        "proc/meminfo": "MemTotal:  9000 kB\nMemAvailable:  8000 kB\n",
        "proc/self/cgroup": groups,
        **files,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_machine_says_what_it_has(tmp_path: Path) -> None:
    assert available_memory(system_of(tmp_path, "", {})) == 8000 * 1024


def test_a_group_above_limits_too(tmp_path: Path) -> None:
    above = "sys/fs/cgroup/a"
    files = {
        f"{above}/memory.max": "3000000\n",
        f"{above}/memory.current": "2500000\n",
        f"{above}/memory.stat": "anon 500000\nfile 2000000\n",
        f"{above}/b/memory.max": "max\n",
    }
    assert available_memory(system_of(tmp_path, "0::/a/b\n", files)) == 2_500_000


def test_groups_of_version_1(tmp_path: Path) -> None:
    where = "sys/fs/cgroup/memory/a"
    files = {
        f"{where}/memory.limit_in_bytes": "4000000",
        f"{where}/memory.usage_in_bytes": "1000000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096),
    }
    assert available_memory(system_of(tmp_path, "5:cpu,memory:/a\n", files)) == 3_000_000


def test_nothing_tells_nothing(tmp_path: Path) -> None:
    found = available_memory(tmp_path)
    assert found is None or found > 0
