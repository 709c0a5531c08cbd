"""Looks into wheel and source archive, and adds what is carried along to the bill of materials.

    python scripts/release_contents.py PACKAGES.json BILL.json DIST

Runs where cyclonedx-bom is installed; knows nothing of misstep but where its files lie.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# Without these the package installs and then fails; with the others it carries what nobody needs.
NEEDED = ("py.typed", "report/assets/page.css", "web/static/vendor/uplot/")
REFUSED = ("tests/", "benchmarks/", "runs/", ".venv", "__pycache__", ".misstep", ".npz")
# Other people's files in the package, which no tool finds: docs/dependencies.md lists them too.
CARRIED = [
    {
        "type": "library",
        "bom-ref": "uPlot==1.6.32",
        "name": "uPlot",
        "version": "1.6.32",
        "purl": "pkg:npm/uplot@1.6.32",
        "description": "carried along in misstep/web/static/vendor/uplot",
        "licenses": [{"license": {"id": "MIT"}}],
    }
]


def fail(what: str) -> None:
    """Stop, saying why there is no release."""
    sys.exit(f"build: {what}")


def check_archive(archive: Path, names: list[str], top: str) -> None:
    """Stop where an archive lacks a file that is under version control, or holds others."""
    listed = subprocess.run(
        ["git", "ls-files", "misstep"], check=True, capture_output=True, text=True
    ).stdout.split()
    held = {name.removeprefix(top) for name in names}
    if missing := sorted(set(listed) - held):
        fail(f"{archive.name} lacks {missing[:5]}")
    for needed in NEEDED:
        if not any(name.startswith(f"misstep/{needed}") for name in held):
            fail(f"{archive.name} has no misstep/{needed}")
    if not any(name.endswith("LICENSE") for name in held):
        fail(f"{archive.name} has no LICENSE")
    refused = [n for n in held if any(n.startswith(bad) or bad in Path(n).name for bad in REFUSED)]
    if refused:
        fail(f"{archive.name} holds {sorted(refused)[:5]}")
    print(f"build: {archive.name} holds {len(names)} entries", file=sys.stderr)


def finished(bill: dict[str, Any]) -> dict[str, Any]:
    """Return a bill with what is carried along, and without the place where it was made."""
    root = bill["metadata"]["component"]
    for component in (root, *bill["components"]):
        kept = [
            reference
            for reference in component.get("externalReferences", [])
            if not reference["url"].startswith("file:")
        ]
        component.pop("externalReferences", None)
        if kept:
            component["externalReferences"] = kept
    bill["components"] += CARRIED
    needs = {each["ref"]: each for each in bill["dependencies"]}
    root_needs = needs.get(root["bom-ref"])
    if root_needs is None:
        root_needs = {"ref": root["bom-ref"]}
        bill["dependencies"].append(root_needs)
    refs = [each["bom-ref"] for each in CARRIED]
    root_needs["dependsOn"] = sorted({*root_needs.get("dependsOn", ()), *refs})
    bill["dependencies"] += [{"ref": ref} for ref in refs]
    return bill


def main(packages: Path, bill: Path, dist: Path) -> None:
    """Check both archives and write the bill beside them."""
    [wheel] = dist.glob("*.whl")
    [source] = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as opened:
        check_archive(wheel, opened.namelist(), "")
    with tarfile.open(source) as archive:
        check_archive(source, archive.getnames(), source.name.removesuffix(".tar.gz") + "/")
    text = json.dumps(finished(json.loads(packages.read_text("utf-8"))), indent=2) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        fail(f"the bill of materials is not valid: {error}")
    bill.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
