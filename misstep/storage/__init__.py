"""Files that outlive a crash, and files of strangers: whole or not at all, and never code.

Knows bytes, arrays and plain JSON; nothing of networks.
"""

from misstep.storage.atomic import (
    make_folder,
    sync_file,
    sync_folder,
    write_bytes,
    write_own_text,
    write_text,
)
from misstep.storage.checkpoint import (
    Checkpoint,
    foreign_files,
    load_latest_checkpoint,
    save_checkpoint,
)
from misstep.storage.container import Container, is_container, read_container, write_container
from misstep.storage.lock import FolderInUseError, Holder, folder_holder, folder_in_use, folder_lock
from misstep.storage.mapped import check_mapped, expect_rows, is_beyond_memory
from misstep.storage.mapped_rows import (
    MappedRows,
    Scale,
    column_means,
    joined_rows,
    limits_and_entries,
    pieces_of,
    some_rows,
    spaced_rows,
    taken_rows,
)
from misstep.storage.memory import available_memory
from misstep.storage.plain import from_plain, to_plain
from misstep.storage.prepared import PreparedFiles, RowWriter
from misstep.storage.processes import process_mark

__all__ = [
    "Checkpoint",
    "Container",
    "FolderInUseError",
    "Holder",
    "MappedRows",
    "PreparedFiles",
    "RowWriter",
    "Scale",
    "available_memory",
    "check_mapped",
    "column_means",
    "expect_rows",
    "folder_holder",
    "folder_in_use",
    "folder_lock",
    "foreign_files",
    "from_plain",
    "is_beyond_memory",
    "is_container",
    "joined_rows",
    "limits_and_entries",
    "load_latest_checkpoint",
    "make_folder",
    "pieces_of",
    "process_mark",
    "read_container",
    "save_checkpoint",
    "some_rows",
    "spaced_rows",
    "sync_file",
    "sync_folder",
    "taken_rows",
    "to_plain",
    "write_bytes",
    "write_container",
    "write_own_text",
    "write_text",
]
