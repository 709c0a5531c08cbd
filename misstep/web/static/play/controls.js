// What can be chosen, as controls made of the engine's own description of its settings.
// Knows settings; a change is only reported.

import { fill, make } from "/play/elements.js";
import { count, figure } from "/play/numbers.js";

// Headings, and which settings stand below; "more" are folded away at first.
const GROUPS = [
  { title: "Data", names: ["problem", "noise", "rows"], more: ["data_seed", "standardize", "input_scale"] },
  {
    title: "Network", names: ["layers", "activation", "initialization", "seed"],
    more: ["normalization", "residual", "dropout", "initialization_scale", "bias"],
  },
  {
    title: "Learning", names: ["optimizer", "learning_rate", "batch_size", "l2"],
    more: ["momentum", "weight_decay", "l1", "clipping", "clipping_by"],
  },
];
// Short names for controls; the engine's words are told when one points at them.
const SHORT = {
  problem: "What to learn", noise: "Noise", rows: "Rows", data_seed: "Seed of the rows",
  input_scale: "Inputs times", layers: "Hidden layers", activation: "Activation",
  initialization: "First weights", seed: "Seed", normalization: "Normalization", dropout: "Dropout",
  initialization_scale: "First weights times", bias: "First bias", optimizer: "Optimizer",
  learning_rate: "Learning rate", batch_size: "Batch", l2: "L2 penalty", momentum: "Momentum",
  l1: "L1 penalty", clipping: "Clip gradients at", clipping_by: "Clip by",
  standardize: "Standardized inputs", residual: "Shortcuts", weight_decay: "Weight decay",
};
// What says how rows are made up.
const MADE_UP = ["noise", "rows", "data_seed"];
// Values that − and + go to; all others can be typed.
const RISING = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const STEPS = {
  learning_rate: RISING, weight_decay: [0, ...RISING.slice(0, 8)], l1: [0, ...RISING.slice(0, 8)], l2: [0, ...RISING.slice(0, 8)],
  noise: [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1], rows: [2, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
  batch_size: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], momentum: [0, 0.5, 0.8, 0.9, 0.95, 0.99],
  dropout: [0, 0.1, 0.2, 0.3, 0.5, 0.7], clipping: [0, 0.01, 0.1, 0.5, 1, 5, 10],
  input_scale: [0.001, 0.01, 0.1, 1, 10, 100, 1000], initialization_scale: [0, 0.1, 0.5, 1, 2, 5, 10, 20],
  bias: [-12, -3, -1, 0, 1, 3],
};

export class Controls {
  constructor(box, described, problems, { onChange }) {
    this.report = onChange;
    this.fields = new Map(described.map((one) => [one.name, one]));
    this.problems = problems;
    this.inputs = {};
    fill(box, ...GROUPS.map((group) => this.group(group)));
    // Settings that a later engine adds are there as well, at the end.
    const known = new Set(GROUPS.flatMap(({ names, more }) => [...names, ...more]));
    const others = described.map((one) => one.name).filter((name) => !known.has(name));
    if (others.length) box.append(this.group({ title: "More", names: others, more: [] }));
  }

  group({ title, names, more }) {
    const made = (some) => some.filter((name) => this.fields.has(name)).map((name) => this.control(name));
    return make("fieldset", {}, make("legend", { text: title }), ...made(names),
      more.length ? make("details", {}, make("summary", { text: "more" }), ...made(more)) : null);
  }

  control(name) {
    const one = this.fields.get(name);
    if (name === "problem") return this.problem();
    if (name === "layers") return this.layers();
    if (one.choices) return this.choice(name, one.choices.map((value) => [value, value]));
    if (one.type === "bool") return this.check(name);
    return this.number(name, one);
  }

  labelled(name, input, ...more) {
    const id = `setting-${name}`;
    input.id = id;
    this.inputs[name] = input;
    return make("div", { class: name === "problem" ? "control tall" : "control", title: this.fields.get(name).words },
      make("label", { for: id, text: SHORT[name] ?? this.fields.get(name).words }),
      make("span", { class: "value" }, input, ...more));
  }

  choice(name, options) {
    const select = make("select", { onchange: () => this.report({ [name]: select.value }) },
      ...options.map(([value, text]) => make("option", { value, text })));
    return this.labelled(name, select);
  }

  problem() {
    return this.choice("problem", this.problems.map((one) => [one.name, one.title]));
  }

  check(name) {
    const input = make("input", { type: "checkbox", onchange: () => this.report({ [name]: input.checked }) });
    return this.labelled(name, input);
  }

  number(name, one) {
    const input = make("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false",
      onchange: () => {
        const value = Number(input.value.replace(/,/g, "").replace("−", "-"));
        this.report({ [name]: input.value.trim() === "" || Number.isNaN(value) ? input.value : value });
      },
    });
    const button = (sign, by, words) => make("button", {
      type: "button", class: "small", text: sign, "aria-label": `${words}: ${SHORT[name] ?? one.words}`,
      onclick: () => this.report({ [name]: this.neighbor(name, by) }),
    });
    return this.labelled(name, input, button("−", -1, "Less"), button("+", 1, "More"));
  }

  neighbor(name, by) {
    const { low, high, type } = this.fields.get(name), now = this.settings[name], steps = STEPS[name];
    let next = now + by;
    if (steps) {
      const beyond = steps.filter((one) => (by > 0 ? one > now * (1 + 1e-9) && one > now : one < now));
      const further = type === "int" ? Math.round(by > 0 ? now * 2 : now / 2) : by > 0 ? now * 10 : now / 10;
      next = beyond.length ? beyond.at(by > 0 ? 0 : -1) : further;
    }
    return Math.min(high, Math.max(low, next));
  }

  layers() {
    const { low, high, most } = this.fields.get("layers");
    this.limits = { low, high, most };
    const shown = make("output", { class: "figure" });
    const change = (by, sign, words) => make("button", {
      type: "button", class: "small", text: sign, "aria-label": words,
      onclick: () => {
        const { layers } = this.settings;
        this.changeLayers(by < 0 ? layers.slice(0, -1) : [...layers, layers.at(-1) ?? 4]);
      },
    });
    return this.labelled("layers", shown,
      change(-1, "−", "A hidden layer fewer"), change(1, "+", "A hidden layer more"));
  }

  // Layers within what the engine takes; others are not asked for.
  changeLayers(layers) {
    const { low, high, most } = this.limits;
    if (layers.length > most || layers.some((units) => units < low || units > high)) return;
    this.report({ layers });
  }

  show(settings) {
    this.settings = settings;
    // Of a person's own rows there are as many as there are.
    for (const name of MADE_UP) {
      const control = this.inputs[name]?.closest(".control");
      if (control) control.hidden = settings.problem === "own";
    }
    for (const [name, input] of Object.entries(this.inputs)) {
      const value = settings[name];
      if (name === "layers") input.textContent = value.length > 3 ? String(value.length) : value.length ? value.join(" · ") : "none";
      else if (typeof value === "boolean") input.checked = value;
      else if (document.activeElement !== input || input.tagName === "SELECT") {
        input.value = typeof value === "number" ? plain(value) : value;
      }
    }
  }
}

// As one types it: no thousands, no powers of ten in superscript.
function plain(value) {
  return Number(value.toPrecision(6)).toString();
}

export function words(settings) {
  const hidden = settings.layers.length ? count(settings.layers.length, "hidden layer") : "no hidden layer";
  return `${hidden}, ${settings.activation}, ${settings.optimizer} with rate ${figure(settings.learning_rate)}`;
}
