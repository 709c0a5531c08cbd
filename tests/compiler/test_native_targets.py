"""Which processor code is generated for: by what this machine has, or by what is asked for."""

import dataclasses
import platform
import sys

import pytest

from misstep.compiler.runtime import targets as module
from misstep.compiler.runtime.targets import aarch64_target, avx2_target, avx512_target, host_target
from misstep.errors import ArgumentError, MisstepError, NotYetError

ON_LINUX_X86 = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    monkeypatch.delenv("MISSTEP_TARGET", raising=False)
    module._own_target.cache_clear()
    yield
    module._own_target.cache_clear()


def having(monkeypatch, *features, machine="x86_64", system="Linux"):
    monkeypatch.setattr(module, "_features", lambda: dict.fromkeys(features, True) | {"sse": True})
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "system", lambda: system)


@pytest.mark.parametrize(
    ("features", "name", "lanes", "registers"),
    [(module.AVX2, "avx2", 8, 16), (module.AVX512, "avx512", 16, 32)],
)
def test_the_widest_vectors_of_the_machine_are_chosen(
    monkeypatch, features, name, lanes, registers
):
    having(monkeypatch, *features)
    target = host_target()
    assert (target.name, target.lanes("float"), target.vector_registers) == (name, lanes, registers)
    assert target.lanes("double") == lanes // 2
    assert target.machine == "x86_64"
    assert target.fma
    assert "+sse" in target.features
    assert host_target() is target


@pytest.mark.parametrize("missing", module.AVX512)
def test_avx512_is_all_of_it_or_none(monkeypatch, missing):
    having(monkeypatch, *(feature for feature in module.AVX512 if feature != missing))
    if missing in module.AVX2:
        with pytest.raises(NotYetError, match="AVX2 and FMA"):
            host_target()
    else:
        assert host_target().name == "avx2"


@pytest.mark.parametrize(
    ("machine", "system"),
    [("riscv64", "Linux"), ("aarch64", "Linux"), ("arm64", "Darwin"), ("AMD64", "Windows")],
)
def test_machines_that_nobody_tried_are_refused_so_that_the_interpreter_takes_over(
    monkeypatch, machine, system
):
    having(monkeypatch, *module.AVX512, machine=machine, system=system)
    with pytest.raises(MisstepError, match="native code"):
        host_target()


def test_who_asks_for_it_gets_the_code_of_an_untried_machine(monkeypatch):
    having(monkeypatch, machine="arm64", system="Darwin")
    with pytest.raises(NotYetError, match="MISSTEP_TARGET=host"):
        host_target()
    monkeypatch.setenv("MISSTEP_TARGET", "host")
    target = host_target()
    assert (target.name, target.vector_bytes, target.vector_registers) == ("aarch64", 16, 32)


def test_an_older_processor_can_be_asked_for(monkeypatch):
    having(monkeypatch, *module.AVX512)
    monkeypatch.setenv("MISSTEP_TARGET", " AVX2 ")
    assert host_target() is avx2_target()
    monkeypatch.setenv("MISSTEP_TARGET", "avx512")
    assert host_target() is avx512_target()
    monkeypatch.setenv("MISSTEP_TARGET", "")
    assert host_target().features


def test_code_that_this_processor_cannot_run_is_refused(monkeypatch):
    having(monkeypatch, *module.AVX2)
    monkeypatch.setenv("MISSTEP_TARGET", "avx512")
    with pytest.raises(ArgumentError, match="avx512f, avx512vl, avx512dq, avx512bw not there"):
        host_target()


@pytest.mark.parametrize("word", ["sse2", "avx-2", "aarch64", "off", "host,avx2"])
def test_other_words_are_refused(monkeypatch, word):
    monkeypatch.setenv("MISSTEP_TARGET", word)
    with pytest.raises(ArgumentError, match=f"needed avx2, avx512 or host, but got '{word}'"):
        host_target()


def test_function_attributes_name_the_width_on_x86_only():
    for made, bits in ((avx2_target(), 256), (avx512_target(), 512)):
        assert f'"min-legal-vector-width"="{bits}"' in made.function_attributes
        assert f'"prefer-vector-width"="{bits}"' in made.function_attributes
    assert "width" not in aarch64_target().function_attributes
    assert aarch64_target().lanes("float") == 4


def test_targets_can_be_compared_kept_and_not_changed():
    assert len({avx2_target(), avx512_target(), aarch64_target(), avx2_target()}) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        avx2_target().name = "other"


def caches(folder, **sizes):
    for number, (name, size) in enumerate(sizes.items()):
        index = folder / f"index{number}"
        index.mkdir()
        kinds = {"d": "Data", "i": "Instruction", "u": "Unified"}
        (index / "level").write_text(name[1])
        (index / "type").write_text(kinds[name[0]] + "\n")
        (index / "size").write_text(size)
    return folder


def test_cache_sizes_are_those_for_data(tmp_path):
    sizes = caches(tmp_path, d1="48K\n", i1="64K\n", u2="1024K\n", u3="32768K\n")
    assert module._cache_bytes(folder=sizes) == (48 * 1024, 1024 * 1024)


@pytest.mark.parametrize("size", ["", "many", "0K", "12M"])
def test_cache_sizes_that_cannot_be_read_are_small(tmp_path, size):
    expected = (module.L1_BYTES, module.L2_BYTES)
    assert module._cache_bytes(folder=caches(tmp_path, d1=size, u2=size)) == expected
    assert module._cache_bytes(folder=tmp_path / "none") == expected


@pytest.mark.parametrize(
    ("size", "told", "sets", "line"),
    [
        ("48K", {"number_of_sets": "64\n", "ways": "12", "line": "64"}, 64, 64),  # Intel, Zen 5
        ("64K", {"number_of_sets": "256", "ways": "4", "line": "64"}, 256, 64),  # Neoverse
        ("128K", {"number_of_sets": "128", "ways": "8", "line": "128"}, 128, 128),
        ("48K", {"number_of_sets": "64", "ways": "8", "line": "64"}, 64, 64),  # not 48 KiB
        ("64K", {"number_of_sets": "256", "line": "64"}, 64, 64),
        ("64K", {"number_of_sets": "0", "ways": "4", "line": "64"}, 64, 64),
    ],
)
def test_sets_and_lines_of_the_first_cache_are_those_told_if_they_agree(
    tmp_path, size, told, sets, line
):
    folder = caches(tmp_path, d1=size, u2="1024K")
    names = {"ways": "ways_of_associativity", "line": "coherency_line_size"}
    for name, value in told.items():
        (folder / "index0" / names.get(name, name)).write_text(value)
    assert module._cache_lines(folder=folder) == (sets, line)
    assert module._cache_lines(folder=tmp_path / "none") == (64, 64)


def test_units_follow_the_processor(monkeypatch):
    def named(name):
        monkeypatch.setattr(module.llvm(), "get_host_cpu_name", lambda: name)
        return [module._multiply_adds(vector) for vector in (16, 32, 64)]

    assert named("znver4") == [4, 2, 1]
    assert named("znver5") == named("sapphirerapids") == [4, 2, 2]
    assert named("znver1") == [4, 1, 2]


@pytest.mark.skipif(not ON_LINUX_X86, reason="asks this very machine")
def test_this_machine_is_known():
    try:
        target = host_target()
    except NotYetError:
        pytest.skip("a processor without AVX2")
    assert target.triple.startswith("x86_64")
    assert target.cpu
    assert "+avx2" in target.features.split(",")
