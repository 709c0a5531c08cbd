// The list of runs: how each stands, whether it is shown, and its Stop button.

import { element, say } from "/elements.js";

export class Runs {
  // `onChange(name, shown)`: somebody chose; `onStop(run)`: somebody pressed Stop.
  constructor(place, { onChange, onStop }) {
    this.place = place;
    this.onChange = onChange;
    this.onStop = onStop;
    this.rows = new Map();
  }

  show(runs, shown, mayStop) {
    const names = new Set(runs.map((run) => run.name));
    for (const [name, row] of this.rows) {
      if (!names.has(name)) {
        row.item.remove();
        this.rows.delete(name);
      }
    }
    runs.forEach((run, at) => {
      let row = this.rows.get(run.name);
      if (!row) {
        row = this.make(run);
        this.rows.set(run.name, row);
      }
      if (this.place.children[at] !== row.item) {
        this.place.insertBefore(row.item, this.place.children[at] ?? null);
      }
      this.update(row, run, shown.has(run.name), mayStop);
    });
  }

  make(run) {
    const { name } = run;
    const box = element("input", { type: "checkbox",
      onchange: (event) => this.onChange(name, event.target.checked) });
    const state = element("span", { class: "state" });
    const words = element("span", { class: "small quiet" });
    const far = element("span", { class: "small" });
    const bar = element("progress", { max: "1", "aria-label": `How far ${name} is` });
    const loss = element("span");
    const best = element("span", { class: "small" });
    const found = element("span");
    const stop = element("button", { type: "button", class: "grave", "aria-label": `Stop ${name}`,
      onclick: () => this.onStop(run) }, "Stop");
    const labelled = (label, value) =>
      element("div", {}, element("span", { class: "label" }, label), value);
    const item = element("li", { class: "new" },
      element("label", { class: "choice" }, box, element("span", { class: "name" }, name)),
      element("div", {}, state, " ", words),
      element("div", {}, bar, far),
      labelled("loss lately", loss),
      labelled("best so far", best),
      labelled("found", found),
      element("div", { class: "actions" }, stop));
    return { item, box, state, words, far, bar, loss, best, found, stop };
  }

  update(row, run, shown, mayStop) {
    if (row.box.checked !== shown) row.box.checked = shown;
    const kind = `state ${run.state.replace(" ", "-")}`;
    if (row.state.className !== kind) row.state.className = kind;
    say(row.state, run.state);
    say(row.words, run.state === "going" ? "" : run.words);
    say(row.far, run.progress.words);
    const share = run.progress.share;
    row.bar.hidden = share === null || run.is_over;
    if (share !== null && row.bar.value !== share) row.bar.value = share;
    say(row.loss, run.scores.last || "none yet");
    say(row.best, run.scores.best || "no validation yet");
    say(row.found, foundWords(run.findings));
    row.found.className = run.findings.critical ? "bad" : "";
    row.stop.hidden = !(mayStop && run.can_stop);
  }
}

function foundWords(counts) {
  const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
  const parts = [];
  if (counts.critical) parts.push(`✕ ${counts.critical} critical`);
  if (counts.warning) parts.push(`▲ ${plural(counts.warning, "warning")}`);
  if (counts.note) parts.push(plural(counts.note, "note"));
  return parts.join(", ") || "nothing";
}
