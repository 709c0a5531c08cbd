"""`report_page`: one HTML file that needs nothing else, of all sections that have something to say.

No network, no build step, readable without a script; in light and dark, on paper and on a phone.
What may run in it is named by its hash, so that nothing else can, whatever the data hold.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from misstep.drawing import style_sheet
from misstep.report.markup import Markup, joined, paragraph, tag
from misstep.report.material import Material
from misstep.report.section import registered_sections

__all__ = ["page_shell", "report_page"]


def report_page(material: Material, *, careful: bool = False) -> str:
    """Return the report of a run as one HTML page, the same bytes for the same run.

    `careful`: whether a section that can't be made says so, where its error would end the page.
    """
    parts = []
    for section in registered_sections():
        try:
            content = section.content(material)
        except Exception as error:
            if not careful:
                raise
            content = paragraph(f"This could not be drawn: {type(error).__name__}: {error}")
        if content is not None:
            parts.append((section.slug, section.title, content))
    return page_shell(material.name, parts)


def page_shell(title: str, parts: Sequence[tuple[str, str, Markup]], lead: str = "") -> str:
    """Return a page: a heading, links to its parts, and the parts: slug, heading, content each.

    `lead`: a sentence below the heading.
    """
    links = [tag("li", tag("a", head, href=f"#{slug}")) for slug, head, _ in parts]
    sections = [tag("section", tag("h2", head), content, id=slug) for slug, head, content in parts]
    style, script = style_sheet() + _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    head = joined(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"{title} – misstep"),
            Markup(f"<style>{style}</style>"),
        ]
    )
    body = joined(
        [
            tag("a", "to the content", href="#content", class_="skip"),
            tag(
                "header",
                tag("h1", title),
                tag("p", lead) if lead else None,
                tag("button", "light or dark", id="theme", type="button", hidden=True),
            ),
            tag("nav", tag("ul", *links), aria_label="sections") if len(parts) > 1 else None,
            tag("main", *sections, id="content"),
            Markup(f"<script>{script}</script>"),
        ]
    )
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>{body}</body>\n</html>\n'


@cache
def _asset(name: str) -> str:
    return files("misstep.report").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """Return what a policy calls a style or a script that may be used."""
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
