// Elements made by hand: nothing from outside ever becomes markup.

export function make(name, facts = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((one) => one !== null && one !== undefined));
  return element;
}

export const at = (id) => document.getElementById(id);

export function fill(element, ...children) {
  element.replaceChildren(...children.filter((one) => one !== null && one !== undefined));
}
