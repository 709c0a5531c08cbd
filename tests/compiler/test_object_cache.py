"""What is read from the cache is run, so it is read only if this user alone could have written it.

Whatever is wrong (damage, strangers, missing rights, a full disk) reads as "not there".
"""

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misstep.compiler.runtime import object_cache
from misstep.compiler.runtime.object_cache import object_key, read, why_unused, write

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.open not in os.supports_dir_fd,
    reason="without owners and modes there is no cache",
)

KEY = object_key("a program", "a processor")
CODE = bytes(range(256)) * 3
SHORT = b"a few instructions of a processor"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("MISSTEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "objects"


def entry(place):
    (file,) = place.iterdir()
    return file


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# --- keeping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [b"", b"x", CODE, bytes(1_000_000)])
def test_what_was_written_is_read(place, code):
    assert read(KEY) is None
    write(KEY, code)
    assert read(KEY) == code
    assert read(object_key("another program")) is None
    assert why_unused() is None


def test_the_folder_and_its_entries_are_private(place):
    before = os.umask(0)
    try:
        write(KEY, CODE)
    finally:
        os.umask(before)
    assert mode(place) == mode(place.parent) == 0o700
    assert mode(entry(place)) == 0o600


def test_a_later_write_replaces_the_earlier(place):
    write(KEY, CODE)
    write(KEY, b"other")
    assert read(KEY) == b"other"
    assert len(list(place.iterdir())) == 1


def test_the_folder_may_be_deleted_at_any_time(place):
    write(KEY, CODE)
    entry(place).unlink()
    place.rmdir()
    assert read(KEY) is None
    write(KEY, CODE)
    assert read(KEY) == CODE


def test_keys_differ_with_every_part_and_their_division():
    keys = [
        object_key(*parts)
        for parts in [(), ("",), ("", ""), ("ab",), ("a", "b"), ("b", "a"), ("ab", ""), ("\ud800",)]
    ]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}


# --- where ----------------------------------------------------------------------------------------


def test_off_keeps_nothing(place, monkeypatch):
    monkeypatch.setenv("MISSTEP_CACHE", " OFF ")
    write(KEY, CODE)
    assert read(KEY) is None
    assert object_cache.folder() is None
    assert why_unused() == "MISSTEP_CACHE is off"
    assert not place.parent.exists()


def test_the_usual_places(tmp_path, monkeypatch):
    monkeypatch.delenv("MISSTEP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert object_cache.folder() == tmp_path / "xdg" / "misstep" / "objects"
    for ignored in ("", "relative/caches"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setattr(sys, "platform", "linux")
        assert object_cache.folder() == tmp_path / "home/.cache/misstep/objects"
        monkeypatch.setattr(sys, "platform", "darwin")
        assert object_cache.folder() == tmp_path / "home/Library/Caches/misstep/objects"
    monkeypatch.setenv("MISSTEP_CACHE", "~/mine")
    assert object_cache.folder() == tmp_path / "home/mine/objects"


def test_missing_folders_above_are_made_private(tmp_path, monkeypatch):
    monkeypatch.setenv("MISSTEP_CACHE", str(tmp_path / "a" / "b" / "c"))
    write(KEY, CODE)
    assert read(KEY) == CODE
    assert mode(tmp_path / "a") == mode(tmp_path / "a/b") == 0o700


# --- strangers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0o020, 0o002, 0o022, 0o777])
@pytest.mark.parametrize("which", ["root", "folder", "entry"])
def test_what_others_may_write_to_is_not_read(place, bits, which):
    write(KEY, CODE)
    path = {"root": place.parent, "folder": place, "entry": entry(place)}[which]
    usual = mode(path)
    path.chmod(usual | bits)
    assert read(KEY) is None
    path.chmod(usual)
    assert read(KEY) == CODE


@pytest.mark.parametrize("which", ["root", "folder"])
def test_nothing_is_written_where_others_may_write(place, which):
    write(KEY, CODE)
    entry(place).unlink()
    path = place.parent if which == "root" else place
    path.chmod(0o770)
    write(KEY, CODE)
    assert list(place.iterdir()) == []
    assert "others than this user may write" in why_unused()


def test_an_entry_open_to_others_is_replaced_by_a_private_one(place):
    write(KEY, CODE)
    entry(place).chmod(0o666)
    write(KEY, b"rebuilt")
    assert read(KEY) == b"rebuilt"
    assert mode(entry(place)) == 0o600


def owned_by_another(monkeypatch, path):
    """Let one file or folder look as if another user owned it."""
    real, inode = os.fstat, path.stat().st_ino

    def fstat(handle):
        status = real(handle)
        if status.st_ino != inode:
            return status
        return SimpleNamespace(
            st_mode=status.st_mode,
            st_uid=status.st_uid + 1,
            st_size=status.st_size,
            st_mtime=status.st_mtime,
        )

    monkeypatch.setattr(os, "fstat", fstat)


@pytest.mark.parametrize("which", ["root", "folder", "entry"])
def test_what_belongs_to_another_user_is_not_read(place, monkeypatch, which):
    write(KEY, CODE)
    path = {"root": place.parent, "folder": place, "entry": entry(place)}[which]
    owned_by_another(monkeypatch, path)
    assert read(KEY) is None
    write(object_key("more"), CODE)
    if which != "entry":
        assert len(list(place.iterdir())) == 1


def test_another_user_with_this_ones_home_reads_and_leaves_nothing(place, monkeypatch):
    write(KEY, CODE)
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    assert read(KEY) is None
    write(object_key("more"), CODE)
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize("mine", [0, 12345])
def test_no_folder_is_made_in_a_strangers_home(tmp_path, monkeypatch, mine):
    """As `sudo` with the home of the user who typed it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MISSTEP_CACHE", str(home / ".cache" / "misstep"))
    real = os.stat
    monkeypatch.setattr(os, "geteuid", lambda: mine)
    monkeypatch.setattr(os, "getuid", lambda: mine)
    owner = SimpleNamespace(st_uid=54321, st_mode=real(home).st_mode)
    monkeypatch.setattr(os, "stat", lambda path, **more: owner if path == home else real(path))
    write(KEY, CODE)
    assert "belongs to another user" in why_unused()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("real", "effective"), [("getuid", "geteuid"), ("getgid", "getegid")])
def test_a_program_with_more_rights_than_its_user_has_no_cache(place, monkeypatch, real, effective):
    write(KEY, CODE)
    other = getattr(os, effective)() + 1
    monkeypatch.setattr(os, real, lambda: other)
    assert read(KEY) is None
    assert why_unused() == "this process has other rights than the user who started it"


@pytest.mark.parametrize("which", ["root", "folder", "entry"])
def test_links_are_not_followed(place, tmp_path, which):
    write(KEY, CODE)
    path = {"root": place.parent, "folder": place, "entry": entry(place)}[which]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert read(KEY) is None


def test_writing_does_not_go_through_a_link(place, tmp_path):
    write(KEY, CODE)
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    file = entry(place)
    file.unlink()
    file.symlink_to(target)
    write(KEY, CODE)
    assert target.read_bytes() == b"precious"
    assert read(KEY) == CODE


def test_a_pipe_or_a_folder_of_that_name_is_not_waited_for(place):
    write(KEY, CODE)
    file = entry(place)
    file.unlink()
    os.mkfifo(file, 0o600)
    assert read(KEY) is None
    file.unlink()
    file.mkdir(0o700)
    assert read(KEY) is None
    write(KEY, CODE)
    assert [path.name for path in place.iterdir()] == [file.name]


@pytest.mark.parametrize("lacking", ["O_NOFOLLOW", "geteuid"])
def test_a_system_without_owners_has_no_cache(place, monkeypatch, lacking):
    monkeypatch.delattr(os, lacking)
    write(KEY, CODE)
    assert read(KEY) is None
    assert "can't say who may write" in why_unused()


# --- damage ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Return a function that reads an entry whose bytes were changed."""
    folder = tmp_path_factory.mktemp("damage")
    before = os.environ.get("MISSTEP_CACHE")
    os.environ["MISSTEP_CACHE"] = str(folder)
    write(KEY, SHORT)
    path = entry(folder / "objects")
    whole = path.read_bytes()

    def reading(change):
        path.write_bytes(change(whole))
        return read(KEY)

    reading.size = len(whole)
    yield reading
    if before is not None:
        os.environ["MISSTEP_CACHE"] = before


def test_an_entry_cut_anywhere_is_not_read(damaged):
    for end in range(damaged.size):
        assert damaged(lambda data, end=end: data[:end]) is None
    assert damaged(lambda data: data) == SHORT


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_flipped_bit_is_found(damaged, data):
    place = data.draw(st.integers(0, damaged.size - 1))
    bit = data.draw(st.integers(0, 7))

    def flip(whole):
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        return bytes(changed)

    assert damaged(flip) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.binary(min_size=1, max_size=40), st.integers(0, 200))
def test_other_contents_are_found(damaged, instead, more, at):
    assert damaged(lambda whole: instead) is None
    assert damaged(lambda whole: whole[:at] + more + whole[at:]) is None


def test_an_entry_of_another_key_or_format_is_not_taken_for_this(place, monkeypatch):
    write(KEY, CODE)
    other = object_key("other")
    entry(place).rename(place / f"{other.hex()}.object")
    assert read(other) is None
    with monkeypatch.context() as changed:
        changed.setattr(object_cache, "FORMAT", 2)
        write(KEY, CODE)
        assert read(KEY) == CODE
    assert read(KEY) is None


def test_a_file_larger_than_any_entry_is_not_read(place, monkeypatch):
    write(KEY, CODE)
    monkeypatch.setattr(object_cache, "MOST_ENTRY_BYTES", len(CODE) - 1)
    assert read(KEY) is None
    entry(place).unlink()
    write(KEY, CODE)
    assert list(place.iterdir()) == []


# --- trouble with the disk ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EMFILE])
def test_a_disk_that_cannot_be_written_to_is_read_on(place, monkeypatch, number):
    write(KEY, CODE)
    real = os.open

    def refuse(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "utime", lambda handle: refuse("", os.O_CREAT))
    write(object_key("more"), CODE)
    assert read(KEY) == CODE
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize("call", ["mkdir", "open", "replace", "scandir", "fstat", "stat"])
def test_no_refusal_of_the_system_reaches_the_user(place, monkeypatch, call):
    def refuse(*args, **more):
        raise PermissionError(errno.EACCES, "no")

    with monkeypatch.context() as changed:
        changed.setattr(os, call, refuse)
        write(KEY, CODE)
        assert read(KEY) in (None, CODE)
    if place.exists():
        assert all(path.suffix == ".object" for path in place.iterdir())


def test_a_full_disk_leaves_nothing_half_written(place, monkeypatch):
    write(KEY, CODE)
    entry(place).unlink()
    real = os.fdopen

    class Full:
        def __init__(self, handle, how):
            self.file = real(handle, how)

        def __enter__(self):
            self.file.__enter__()
            return self

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def write(self, data):
            self.file.write(data[:10])
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fdopen", Full)
    write(KEY, CODE)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("path", ["/dev/null/cache", "/proc/nowhere/cache"])
def test_places_that_cannot_be_are_done_without(monkeypatch, path):
    monkeypatch.setenv("MISSTEP_CACHE", path)
    write(KEY, CODE)
    assert read(KEY) is None


def test_a_file_where_the_folder_should_be_is_left_alone(place, tmp_path):
    (tmp_path / "cache").write_bytes(b"mine")
    write(KEY, CODE)
    assert read(KEY) is None
    assert why_unused()
    assert (tmp_path / "cache").read_bytes() == b"mine"


# --- size -----------------------------------------------------------------------------------------


def test_the_oldest_go_when_all_are_too_large(place, monkeypatch):
    size = object_cache._HEAD.size + 32 + 1000
    monkeypatch.setattr(object_cache, "MOST_BYTES", 8 * size)
    keys = [object_key(str(number)) for number in range(9)]
    for age, key in enumerate(keys):
        write(key, bytes(1000))
        path = place / f"{key.hex()}.object"
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
        if age == 7:
            # What is used counts as new: the oldest is read before room must be made.
            assert read(keys[0]) is not None
    kept = [key for key in keys if read(key) is not None]
    assert kept == [keys[0], *keys[4:]]


def test_what_dead_writers_left_goes_and_what_living_ones_write_stays(place):
    write(KEY, CODE)
    dead, living, strange = (place / name for name in (".a.unfinished", ".b.unfinished", "notes"))
    for file in (dead, living, strange):
        file.write_bytes(b"half")
    os.utime(dead, (1_000_000, 1_000_000))
    os.utime(strange, (1_000_000, 1_000_000))
    write(KEY, CODE)
    assert not dead.exists()
    assert living.exists()
    assert strange.exists()


# --- several at once ------------------------------------------------------------------------------

WRITER = """
import sys
from misstep.compiler.runtime.object_cache import object_key, read, write
import misstep.compiler.runtime.object_cache as cache
cache.MOST_BYTES = 200_000
for round in range(60):
    for number in range(8):
        key = object_key(str(number))
        found = read(key)
        assert found is None or found == bytes([number]) * 20_000, "a torn entry"
        write(key, bytes([number]) * 20_000)
print("done")
"""


def test_processes_that_write_and_read_the_same_entries_see_whole_ones(place):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert outputs == ["done\n"] * 3
    assert all(path.suffix == ".object" for path in place.iterdir())
    assert sum(path.stat().st_size for path in place.iterdir()) <= 200_000


def test_a_folder_that_is_deleted_while_many_write_to_it_is_made_again(place):
    stop = time.monotonic() + 0.3
    broken = []

    def use(number):
        key = object_key(str(number % 2))
        while time.monotonic() < stop:
            write(key, CODE)
            code = read(key)
            if code not in (None, CODE):
                broken.append(code)

    def delete():
        while time.monotonic() < stop:
            for path in list(place.iterdir()) if place.exists() else ():
                path.unlink(missing_ok=True)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    threads.append(threading.Thread(target=delete))
    for count in threads:
        count.start()
    for count in threads:
        count.join()
    assert broken == []
    write(KEY, CODE)
    assert read(KEY) == CODE
