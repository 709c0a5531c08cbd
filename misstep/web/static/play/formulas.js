// Labels, derivatives and formulas of the engine as MathML: W2[0, 3] with its places below.
// Knows text only; what the engine has set is taken over element by element.

const SPACE = "http://www.w3.org/1998/Math/MathML";

function made(name, ...children) {
  const element = document.createElementNS(SPACE, name);
  element.append(...children);
  return element;
}

const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

// W2[0, 3] is W₂ with 0, 3 below it; z2 is z₂.
export function label(text) {
  const parts = /^([^[\d]+)(\d*)(?:\[(.*)\])?$/.exec(text);
  if (!parts) return made("mtext", text);
  const [, name, number, places] = parts;
  const letter = made("mi", name + number.replace(/\d/g, (one) => LOWERED[one]));
  return places ? made("msub", letter, made("mtext", places)) : letter;
}

export function math(...children) {
  return made("math", made("mrow", ...children));
}

export function derivative(of, by) {
  return made("mfrac", made("mrow", made("mo", "∂"), label(of)), made("mrow", made("mo", "∂"), label(by)));
}

export const sign = (text) => made("mo", text);
export const number = (text) => made("mn", text);

// What set formulas are made of. Names of a person's columns stand in them, escaped; should that
// ever fail, nothing but these elements and attributes gets onto the page all the same.
const ELEMENTS = new Set([
  "div", "p", "h4", "h5", "dl", "dt", "dd", "ul", "ol", "li", "span", "strong", "em", "code",
  "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msub", "msup", "msubsup", "msqrt",
  "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mpadded",
]);
const ATTRIBUTES = new Set(["class", "displaystyle", "display", "form", "stretchy", "width", "mathvariant"]);

// Formulas that the engine has set, as nodes.
export function typeset(markup) {
  const { body } = new DOMParser().parseFromString(markup, "text/html");
  for (const element of [...body.querySelectorAll("*")]) {
    if (!ELEMENTS.has(element.localName)) element.replaceWith(element.textContent);
    else for (const name of element.getAttributeNames()) {
      if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
    }
  }
  return [...body.childNodes].map((node) => document.importNode(node, true));
}
