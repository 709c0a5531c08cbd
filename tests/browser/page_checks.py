"""What every page must be: usable without sight, words for every drawing, no wider than the screen.

Each check returns its faults as sentences, and `faults` joins them: a test asserts that there are
none. Knows no page of misstep.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SERIOUS = ("serious", "critical")

# A drawing speaks by its own name or title, or stands inside of something that has them; or it is
# marked as an ornament.
CHARTS_WITHOUT_WORDS = """
() => {
  const words = (id) => document.getElementById(id)?.textContent.trim() ?? "";
  const named = (one) =>
    (one.getAttribute("aria-label") ?? "").trim() ||
    (one.getAttribute("aria-labelledby") ?? "").split(/\\s+/).map(words).join("") ||
    (one.tagName === "CANVAS" ? one.textContent.trim() : "") ||
    (one.tagName === "IMG" ? (one.getAttribute("alt") ?? "").trim() : "") ||
    [...one.children].some((child) => child.tagName === "title" && child.textContent.trim()) ||
    (one.tagName === "FIGURE" && one.querySelector("figcaption")?.textContent.trim());
  const hidden = (one) => one.closest('[aria-hidden="true"]') || one.closest("[hidden]");
  const spoken = (one) => {
    for (let up = one; up; up = up.parentElement) {
      if (named(up) && (up === one || up.matches('[role="img"], figure, button, a'))) return true;
    }
    return one.tagName === "IMG" && one.getAttribute("alt") === "";
  };
  return [...document.querySelectorAll("svg, canvas, img")]
    .filter((one) => !one.parentElement?.closest("svg") && !hidden(one) && !spoken(one))
    .map((one) => one.outerHTML.slice(0, 120));
}
"""

# What sticks out, its own scrolling box aside, in the order of the page; the outermost ones tell.
TOO_WIDE = """
() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const scrolls = (one) => {
    for (let up = one.parentElement; up; up = up.parentElement) {
      if (up !== document.body && getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };
  const out = [...document.querySelectorAll("body *")].filter(
    (one) => one.getBoundingClientRect().right > wide + 1 && !scrolls(one));
  const name = (one) => one.tagName.toLowerCase() + (one.id ? "#" + one.id : "") +
    [...one.classList].map((each) => "." + each).join("");
  const found = out.slice(0, 5).map(
    (one) => `${name(one)} ends at ${Math.round(one.getBoundingClientRect().right)} of ${wide}`);
  return found.length ? found : [`the page is ${document.documentElement.scrollWidth} wide`];
}
"""

AXE_FAULTS = """
async (levels) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter((one) => levels.includes(one.impact)).map((one) =>
    `${one.impact}: ${one.id}: ${one.help}: ` +
    one.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " +
      (node.any[0]?.message ?? node.all[0]?.message ?? "")).join(" | "));
}
"""


def accessibility_faults(page: Page) -> list[str]:
    """Return the serious and critical violations that axe-core finds."""
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))  # by the driver: a page's CSP stays as it is
    return page.evaluate(AXE_FAULTS, list(SERIOUS))


def charts_without_words(page: Page) -> list[str]:
    """Return the beginning of each drawing that says nothing to who cannot see it."""
    return page.evaluate(CHARTS_WITHOUT_WORDS)


def sideways_faults(page: Page) -> list[str]:
    """Return what sticks out of the screen to the right."""
    return page.evaluate(TOO_WIDE)


def faults(page: Page) -> list[str]:
    """Return all that is wrong with a page, as it stands now."""
    return [
        *(f"accessibility: {one}" for one in accessibility_faults(page)),
        *(f"chart without words: {one}" for one in charts_without_words(page)),
        *(f"wider than the screen: {one}" for one in sideways_faults(page)),
    ]
