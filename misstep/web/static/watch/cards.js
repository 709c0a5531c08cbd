// One run seen closer: findings, gradient flow, what it got wrong at first and later, what it is.

import { element, folded, refresh, say, spelled, table, whole } from "/elements.js";

// Milliseconds between two drawings of the same strip at least.
const FLOW_APART = 4000;

export class Cards {
  // `ask(path)`: gets JSON from the server; `tell(words)`: says it to who can't see the page.
  constructor(place, { ask, tell }) {
    this.place = place;
    this.ask = ask;
    this.tell = tell;
    this.cards = new Map();
  }

  show(runs) {
    const names = new Set(runs.map((run) => run.name));
    for (const [name, card] of this.cards) {
      if (!names.has(name)) {
        card.whole.remove();
        this.cards.delete(name);
      }
    }
    runs.forEach((run, at) => {
      let card = this.cards.get(run.name);
      if (!card) {
        card = this.make(run);
        this.cards.set(run.name, card);
      }
      if (this.place.children[at] !== card.whole) {
        this.place.insertBefore(card.whole, this.place.children[at] ?? null);
      }
    });
    for (const run of runs) this.update(this.cards.get(run.name), run);
  }

  make({ name, key }) {
    const state = element("span", { class: "state" });
    const words = element("p", { class: "small quiet" });
    const findings = element("div");
    const flow = element("div", { hidden: true });
    const stages = element("div", { hidden: true });
    const more = element("div");
    const title = element("h3", {}, name);
    const whole = element("article", { class: "card", "aria-label": `The run ${name}` },
      element("header", {}, title, state), words, findings, flow, stages, more);
    return { name, key, whole, state, words, findings, flow, stages, more, told: null, mark: "", at: 0,
      room: 0 };
  }

  update(card, run) {
    const kind = `state ${run.state.replace(" ", "-")}`;
    if (card.state.className !== kind) card.state.className = kind;
    say(card.state, run.state);
    say(card.words, [run.progress.words, run.words].filter(Boolean).join("; "));
    this.showFindings(card, run);
    this.showStages(card, run.stages ?? []);
    refresh(card.more, [run.facts, run.events, run.notes], () => moreOf(run));
    if (!run.flow) card.flow.hidden = true;
    else if (run.flow !== card.mark || Math.abs(card.whole.clientWidth - card.room) > 40) {
      this.drawFlow(card);
    }
  }

  showFindings(card, run) {
    const findings = run.findings ?? [];
    refresh(card.findings, [findings, run.outcome], () => [
      element("h4", {}, "What goes wrong"),
      run.outcome || findings.length ? null
        : element("p", { class: "quiet small" }, "It is looked at again and again."),
      ...findings.map(findingOf),
      run.outcome ? element("p", { class: "small" }, run.outcome) : null,
    ]);
    // Only what is new is read aloud, and not what was there when the page was opened.
    const slugs = new Set(findings.map((one) => one.slug));
    if (card.told) {
      for (const one of findings) {
        if (!card.told.has(one.slug)) this.tell(`${card.name}. ${one.heading}. ${one.symptom}`);
      }
      if (card.said !== run.state) this.tell(`${card.name} is ${run.state}: ${run.words}`);
    }
    card.told = slugs;
    card.said = run.state;
  }

  showStages(card, stages) {
    card.stages.hidden = stages.length === 0;
    refresh(card.stages, stages, () => stages.length === 0 ? [] : [
      element("h4", {}, `What it got wrong of the same ${stages[0].rows}`),
      element("table", {},
        element("thead", { class: "unseen" }, element("tr", {},
          element("th", { scope: "col" }, "when"), element("th", { scope: "col" }, "what"))),
        element("tbody", {}, ...stages.map((one) => element("tr", {},
          element("th", { scope: "row" },
            one.last ? `at the end (${whole(one.step)})` : `after update ${whole(one.step)}`),
          element("td", {}, one.words.endsWith("wrong") && one.number !== null
            ? element("meter", { min: "0", max: "1", value: String(one.number),
              "aria-label": one.words }) : null, " ", one.words))))),
    ]);
  }

  async drawFlow(card) {
    if (card.asking || Date.now() - card.at < FLOW_APART) return;
    card.asking = true;
    try {
      card.room = card.whole.clientWidth;
      const query = new URLSearchParams({ run: card.key, width: card.room - 40 });
      const told = await this.ask(`/api/strips?${query}`);
      if (!told.strips.length) return;
      card.mark = told.mark;
      card.flow.hidden = false;
      const open = new Set([...card.flow.querySelectorAll("details[open]")]
        .map((one) => one.dataset.key));
      const [first, ...others] = told.strips;
      card.flow.replaceChildren(
        element("h4", {}, first.title), ...stripOf(first),
        ...others.map((one) => folded(one.title, one.title, ...stripOf(one))));
      for (const one of card.flow.querySelectorAll("details")) one.open = open.has(one.dataset.key);
    } catch {
      // The next turn asks again.
    } finally {
      card.asking = false;
      card.at = Date.now();
    }
  }
}

function stripOf(one) {
  const drawn = new DOMParser().parseFromString(one.svg, "image/svg+xml").documentElement;
  return [
    element("div", { class: "flow" }, document.importNode(drawn, true)),
    element("p", { class: "small quiet" }, one.aside),
    folded(`numbers: ${one.title}`, "The latest numbers",
      table(["where", "number", "that is"], one.rows, [1])),
  ];
}

function findingOf(one) {
  const parts = one.parts.flatMap(([label, words]) =>
    [element("dt", {}, label), element("dd", {}, ...spelled(words))]);
  const below = one.consequences.map(([named, words]) =>
    element("li", {}, words ? `${named}: ${words}` : named));
  return element("section", { class: `finding ${one.severity}` },
    element("h5", {}, one.heading),
    element("p", {}, ...spelled(one.symptom)),
    element("dl", {}, ...parts),
    below.length ? folded(one.slug, "What follows from it", element("ul", {}, ...below)) : null);
}

function moreOf(run) {
  const facts = (run.facts ?? []).flatMap(([label, words]) =>
    [element("dt", {}, label), element("dd", {}, words)]);
  const events = (run.events ?? []).map((one) =>
    element("li", {}, `${one.kind}: ${one.words}`));
  const notes = (run.notes ?? []).map((words) => element("p", { class: "small quiet" }, words));
  return [
    facts.length ? folded("facts", "What it is", element("dl", {}, ...facts)) : null,
    events.length ? folded("events", "What happened", element("ul", { class: "events" }, ...events))
      : null,
    ...notes,
  ];
}
