// Labels and derivatives of the engine as MathML: W2[0, 3] with its places below. Knows text only.

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
