// Why a weight moves, or what a unit does, with the numbers of this very update.
// Knows explanations of the engine; what is asked for next is only reported.

import { fill, make } from "/play/elements.js";
import { derivative, label, math, number, sign, typeset } from "/play/formulas.js";
import { count, figure } from "/play/numbers.js";

// Rows of a table that are shown at first.
const FIRST = 8;

export class Why {
  constructor(box, { onSelect }) {
    this.box = box;
    this.report = onSelect;
    this.unfolded = new Set();
    this.show(null);
  }

  show(explanation) {
    const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    if (!explanation) {
      fill(this.box, make("p", {
        class: "quiet",
        text: "Click a line or a unit of the network, or press Enter on a unit: here stands its chain rule with the numbers of this very update, and what the next update will make of it.",
      }));
    } else if (explanation.kind === "unit") this.unit(explanation);
    else this.entry(explanation);
    if (focused) this.box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  folded(key, title, ...children) {
    const details = make("details", { open: this.unfolded.has(key) },
      make("summary", { text: title, "data-key": key }), ...children);
    details.addEventListener("toggle", () => {
      if (details.open) this.unfolded.add(key);
      else this.unfolded.delete(key);
    });
    return details;
  }

  // A place to go to: a weight or a unit, by the engine's name.
  link(choice, text) {
    return make("button", { type: "button", class: "link", text, "data-key": choice, onclick: () => this.report(choice) });
  }

  // --- a weight or a bias -------------------------------------------------------------------------

  entry(told) {
    const { change, batch, clipping, row } = told;
    fill(this.box,
      make("p", { class: "subject" }, math(label(told.label), sign("="), number(figure(told.value, 4))),
        make("span", { class: "quiet", text: told.sentence })),
      this.step(told.label, change),
      make("ul", { class: "words" }, ...told.words.map((text) => make("li", { text }))),
      make("h3", { text: `The chain rule in ${row.name}` }),
      ...this.chain(row.chain),
      this.folded("batch", `the next batch, ${count(batch.rows.length, "row")}`, ...this.batch(batch, clipping)),
      ...this.whole(row.chain));
  }

  // What the next update makes of it: from, to, and the optimizer's rule.
  step(name, change) {
    const after = change.new === null ? "no number" : figure(change.new, 5);
    return make("div", { class: "next-update" },
      make("p", { class: "from-to" },
        make("span", { class: "quiet", text: "the next update " }),
        make("span", { class: "figure", text: figure(change.old, 5) }),
        make("span", { class: "arrow", "aria-label": "becomes", role: "img", text: "→" }),
        make("span", { class: "figure", text: after })),
      make("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": "the optimizer's rule, with numbers" },
        ...change.steps.map((one) => make("p", { class: "rule" }, ...typeset(one.mathml)))),
      change.steps.length ? this.folded("legend", `the rule of ${change.optimizer}`,
        make("ul", {}, ...change.legend.map((one) => make("li", {}, math(label(one.symbol)), ` ${one.meaning}`)))) : null);
  }

  chain(chain) {
    if (!chain.paths.length) {
      return [make("p", { text: `No path leads from ${chain.label} to the loss: its slope is ${figure(chain.gradient, 4)}.` })];
    }
    const [first, ...others] = chain.paths;
    const made = [this.path(chain, first)];
    if (chain.number_of_paths > 1) {
      const paths = `${chain.all_paths_counted ? "" : "more than "}${count(chain.number_of_paths, "path")}`;
      const listed = others.map((path) => make("li", {},
        make("span", { text: path.links.map((one) => one.by_label).join(" ← ") }),
        make("span", { class: "figure", text: ` ${figure(path.product, 4)}` })));
      made.push(make("p", { class: "total" },
        make("span", { text: `That is the strongest of ${paths}; all of them together: ` }),
        math(derivative(chain.loss_name, chain.label), sign("="), number(figure(chain.gradient, 4)))));
      if (listed.length) made.push(this.folded("paths", `${count(listed.length, "more path")}`, make("ul", {}, ...listed)));
    }
    for (const text of chain.remarks) made.push(make("p", { class: "quiet", text }));
    return made;
  }

  // The links of a path as cards: the loss's own derivative first, the entry's last.
  path(chain, path) {
    const cards = path.links.map((one) => make("li", { class: "link-card" },
      math(derivative(one.label, one.by_label)),
      make("code", { text: one.formula ?? "" }),
      one.with_numbers && one.with_numbers !== figure(one.number, 4) ? make("code", { class: "quiet", text: one.with_numbers }) : null,
      make("strong", { class: "figure", text: figure(one.number, 4) }),
      ...one.notes.map((text) => make("small", { class: "quiet", text }))));
    const total = make("li", { class: "link-card total" },
      math(derivative(chain.loss_name, chain.label)),
      make("strong", { class: "figure", text: figure(path.product, 4) }));
    return make("ol", { class: "chain" }, ...cards, total);
  }

  // The whole derivation, set, and as text to be copied.
  whole(chain) {
    return [
      this.folded("derivation", "the whole derivation, forth and back", make("div", { class: "derivation", tabindex: "0", role: "region", "aria-label": "the whole derivation" }, ...typeset(chain.mathml))),
      this.folded("text", "the same as text", make("pre", { text: chain.text, tabindex: "0" })),
    ];
  }

  batch({ rows, sum, penalty, gradient }, clipping) {
    const strongest = [...rows].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
    const facts = [["the mean over the batch", sum]];
    if (penalty) facts.push(["the penalty's slope", penalty], ["together", gradient]);
    if (clipping) facts.push([clipping.changed ? `clipped at ${figure(clipping.limit)}` : `not clipped, below ${figure(clipping.limit)}`, clipping.after]);
    return [
      this.table(["row", "what came in", "× slope of its unit", "= blame"],
        strongest.slice(0, FIRST).map((one) => [one.name, figure(one.came, 4), figure(one.slope, 4), figure(one.product, 4)])),
      strongest.length > FIRST ? make("p", { class: "quiet small", text: `The ${FIRST} strongest of ${rows.length}; slopes are shares of the mean.` }) : null,
      make("ul", {}, ...facts.map(([words, value]) => make("li", { text: `${words}: ${figure(value, 4)}` }))),
    ];
  }

  table(heads, rows) {
    return make("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": heads.join(", ") }, make("table", {},
      make("thead", {}, make("tr", {}, ...heads.map((text, place) => make("th", { text, scope: "col", class: place ? "number" : "" })))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell, place) => {
        const made = make(place ? "td" : "th", { class: place ? "number" : "", scope: place ? null : "row" });
        made.append(cell);
        return made;
      }))))));
  }

  // --- a unit -------------------------------------------------------------------------------------

  unit(told) {
    const news = new Map(told.changes.map((one) => [one.label, one]));
    const after = (name) => {
      const found = news.get(name);
      return found && found.new !== null ? figure(found.new, 4) : "no number";
    };
    const bias = told.changes.at(-1);
    const inputs = [...told.inputs].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
    const rows = inputs.map((one) => [this.link(one.label, one.name), figure(one.value, 4), figure(one.weight, 4), figure(one.product, 4), after(one.label)]);
    const biasRow = [this.link(bias.label, "bias"), "1", figure(told.bias, 4), figure(told.bias, 4), after(bias.label)];
    const heads = ["from", "gives", "× weight", "= product", "next weight"];
    const more = rows.slice(FIRST);
    fill(this.box,
      make("p", { class: "subject" }, math(label(told.label), sign("="), number(figure(told.given, 4))),
        make("span", { class: "quiet", text: told.sentence })),
      make("ul", { class: "words" }, ...told.words.map((text) => make("li", { text }))),
      make("h3", { text: `What comes in, in ${told.row.name}` }),
      this.table(heads, [...rows.slice(0, FIRST), biasRow]),
      more.length ? this.folded("inputs", `${count(more.length, "more input")}`, this.table(heads, more)) : null,
      make("h3", { text: "How the loss hears of it" }),
      told.goes_to.length
        ? this.table(["through", "its slope", "× weight", "= share"],
          told.goes_to.map((one) => [this.link(one.label, one.name), figure(one.slope, 4), figure(one.weight, 4), figure(one.product, 4)]))
        : make("p", { text: `Directly: the slope of the loss by it is ${figure(told.given_slope, 4)}.` }),
      ...this.chain(told.row.chain),
      ...this.whole(told.row.chain));
  }
}
