// Elements made of words: whatever a run is called or says, it is text and never markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Sets words only where they are others, so that nothing is laid out, or read aloud, twice.
export function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

// Makes `place` hold what `make` returns, but only where `what` is not what it was made of before.
export function refresh(place, what, make) {
  const mark = JSON.stringify(what);
  if (place.mark === mark) return false;
  place.mark = mark;
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  place.replaceChildren(...[make()].flat().filter(Boolean));
  for (const one of place.querySelectorAll("details")) if (open.has(one.dataset.key)) one.open = true;
  return true;
}

// Words in which `code` stands between backticks.
export function spelled(words) {
  return words.split(/`([^`]+)`/).map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

export function folded(key, words, ...children) {
  return element("details", { "data-key": key }, element("summary", {}, words), ...children);
}

export function table(heads, rows, numbers = []) {
  const cell = (kind, words, at, more = {}) =>
    element(kind, { class: numbers.includes(at) ? "number" : null, ...more }, words);
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table" },
    element("table", {},
      element("thead", {}, element("tr", {},
        ...heads.map((words, at) => cell("th", words, at, { scope: "col" })))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((words, at) =>
        at ? cell("td", words, at) : cell("th", words, at, { scope: "row" })))))));
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// A number with a few figures, as the rest of the library writes it.
export function figure(number, figures = 4) {
  if (number === null || number === undefined) return "no number";
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1e9 || size < 1e-4) {
    const [digits, power] = number.toExponential(2).split("e");
    const raised = [...String(Number(power))].map((one) => one === "-" ? "⁻" : SUPERSCRIPTS[one]);
    return `${Number(digits)}×10${raised.join("")}`.replace(/^-/, "−");
  }
  if (size >= 1000) return Math.round(number).toLocaleString("en").replace("-", "−");
  return String(Number(number.toPrecision(figures))).replace("-", "−");
}

export function whole(number) {
  return Math.round(number).toLocaleString("en");
}
