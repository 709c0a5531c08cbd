"""A hook of mkdocs: pages made for reading in the repository become pages of a site.

What they link to outside of docs, such as `../../examples/tune.py`, comes along under
`repository/`; one that is itself a page with links, or a folder, is named only. A folder in `nav`
stands for its pages, and one without a page of its own gets a list of them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
# Folders that pages name as a whole: the first of their pages stands for them.
_INDEX = "README.md"


def on_config(config: Any) -> Any:
    """Put the pages of folders into `nav`."""
    config.nav = [_with_pages(entry) for entry in config.nav]
    return config


def _with_pages(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((title, below),) = entry.items()
    if isinstance(below, list):
        return {title: [_with_pages(one) for one in below]}
    folder = ROOT / "docs" / below
    if not folder.is_dir():
        return entry
    pages = sorted(page.name for page in folder.glob("*.md") if page.name != _INDEX)
    return {title: [f"{below}/{name}" for name in (_INDEX, *pages)]}


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to outside of docs, and a list of the decisions."""
    outside = set()
    for page in files.documentation_pages():
        text = Path(page.abs_src_path).read_text(encoding="utf-8")
        for match in _LINK.finditer(text):
            place = _outside(page.src_uri, match.group(3))
            if place is not None and _is_served(place):
                outside.add(place)
    for place in sorted(outside):
        added = File.generated(config, f"repository/{place}", abs_src_path=str(ROOT / place))
        files.append(added)
    files.append(File.generated(config, f"decisions/{_INDEX}", content=_list_of_decisions()))
    return files


def _list_of_decisions() -> str:
    lines = [
        "# Decisions",
        "",
        "Why things are as they are, half a page each, the latest first.",
        "",
    ]
    for page in sorted((ROOT / "docs" / "decisions").glob("*.md"), reverse=True):
        title = page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        lines.append(f"- {page.name[:10]}: [{title}]({page.name})")
    return "\n".join([*lines, ""])


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links that leave docs lead to what came along."""
    source = page.file.src_uri

    def mended(match: re.Match[str]) -> str:
        mark, words, target, anchor = match.groups()
        place = _outside(source, target)
        if place is not None:
            if not _is_served(place):
                return f"{words} (`{place}`)"
            target = posixpath.relpath(f"repository/{place}", posixpath.dirname(source) or ".")
        elif ":" not in target and not target.startswith("/"):
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
            if (ROOT / "docs" / inside).is_dir():
                target = posixpath.join(target, _INDEX)
        return f"{mark}[{words}]({target}{anchor or ''})"

    return _LINK.sub(mended, markdown)


def _outside(source: str, target: str) -> str | None:
    """Return the place in the repository that a link of a page leads to, None if within docs."""
    if ":" in target or target.startswith("/"):
        return None
    place = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), target))
    return None if place.startswith(("docs/", "..")) or place == "docs" else place


def _is_served(place: str) -> bool:
    return (ROOT / place).is_file() and not place.endswith(".md")
