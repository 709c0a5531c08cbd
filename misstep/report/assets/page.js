"use strict";
// What the page can do beyond being read: light or dark by choice, and whatever data-choose names.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });
  // <div data-choose="words"> holds alternatives, each with data-name; without this script all of
  // them stand one below the other.
  for (const group of document.querySelectorAll("[data-choose]")) {
    const choices = [...group.children].filter((child) => child.dataset.name);
    if (choices.length < 2) continue;
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.append(`${group.dataset.choose} `, select);
    for (const choice of choices) select.add(new Option(choice.dataset.name));
    const show = () => choices.forEach((choice, at) => {
      choice.hidden = at !== select.selectedIndex;
    });
    select.addEventListener("change", show);
    const line = document.createElement("p");
    line.append(label);
    group.prepend(line);
    show();
  }
  // Within a notebook's frame the page has no address of its own, so that a link to one of its
  // parts would lead to the notebook.
  if (location.protocol === "about:") {
    addEventListener("click", (event) => {
      const link = event.target.closest?.('a[href^="#"]');
      const part = link && document.getElementById(link.getAttribute("href").slice(1));
      if (!part) return;
      event.preventDefault();
      part.scrollIntoView();
    });
  }
  // On paper everything that is folded is unfolded.
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });
})();
