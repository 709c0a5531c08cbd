// What the doctor says of the training so far, remedies tried beside an unchanged control, and
// presets. Knows diagnoses and attempts; what is to be done is only reported.

import { fill, make } from "/play/elements.js";
import { figure, percent } from "/play/numbers.js";

const SVG = "http://www.w3.org/2000/svg";
// Of the small picture of an attempt, in pixels.
const WIDTH = 120, HEIGHT = 40;
const WORDS = { critical: "critical", warning: "warning", note: "note" };

// Words with `code` in them.
function spoken(name, facts, text) {
  const parts = text.split("`").map((part, place) => (place % 2 ? make("code", { text: part }) : part));
  return make(name, facts, ...parts);
}

export class Doctor {
  constructor({ findings, attempts, broken, healthy }, actions) {
    this.boxes = { findings, attempts, broken, healthy };
    this.actions = actions;
    this.attempts = [];
    this.others = [];
    this.told = "";
  }

  begin(presets) {
    for (const [box, broken] of [[this.boxes.broken, true], [this.boxes.healthy, false]]) {
      fill(box, ...presets.filter((one) => one.broken === broken).map((one) => make("button", {
        type: "button", text: one.title, title: one.sentence, onclick: () => this.actions.onPreset(one),
      })));
    }
  }

  // --- findings -----------------------------------------------------------------------------------

  show(diagnosis) {
    this.diagnosis = diagnosis;
    this.actions.onFound(diagnosis.findings);
    const told = JSON.stringify([diagnosis.findings, diagnosis.judges_end, diagnosis.origin]);
    // What is there already stays as it is, with what is unfolded and where the focus is.
    if (told === this.told) return;
    this.told = told;
    const { findings } = diagnosis;
    const cards = findings.map((one) => this.card(one));
    if (diagnosis.origin) {
      const { origin } = diagnosis;
      cards.unshift(make("p", { class: "card critical", text: `${origin[0].toUpperCase()}${origin.slice(1)}.` }));
    }
    if (!cards.length) {
      const words = diagnosis.update === 0 ? "Nothing yet: let it learn, or break it on purpose below."
        : diagnosis.judges_end ? "Nothing is wrong with this training that its record would show."
          : "Nothing is wrong so far. What it comes to is judged after some more updates.";
      cards.push(make("p", { class: "card good", text: words }));
    }
    fill(this.boxes.findings, ...cards);
    this.offer();
  }

  card(finding) {
    const followers = finding.consequences.map((one) => make("li", {},
      make("strong", { text: one.title }), " ", spoken("span", {}, one.symptom)));
    return make("article", { class: `card ${finding.severity}` },
      make("h3", {}, make("span", { class: "severity", text: WORDS[finding.severity] ?? finding.severity }), ` ${finding.title}`),
      spoken("p", {}, finding.symptom),
      spoken("p", { class: "advice" }, finding.remedy),
      followers.length ? make("details", {},
        make("summary", { text: `what follows from it: ${followers.length}` }), make("ul", {}, ...followers)) : null);
  }

  // --- remedies -----------------------------------------------------------------------------------

  // What was tried for another training is no more.
  forget() {
    this.attempts = [];
    this.trying = false;
    this.note = null;
    this.others = [];
    this.offer();
  }

  offer() {
    const box = this.boxes.attempts, any = this.diagnosis?.findings.length;
    const [control, ...others] = this.attempts;
    const button = this.trying
      ? make("button", { type: "button", "data-key": "try", text: "Stop trying", onclick: () => this.actions.onStop() })
      : make("button", { type: "button", "data-key": "try", class: "main", text: control ? "Try again from here" : "Try remedies", onclick: () => this.actions.onTry() });
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    fill(box,
      this.note ? make("p", { class: "card good", text: this.note }) : null,
      any || control ? make("p", { class: "try" }, button, make("span", {
        class: "quiet",
        text: control
          ? `Each goes ${control.updates} updates on from update ${control.curve.updates[0]}, beside one that nothing is changed in; nothing here moves by it. Each is judged by itself: of forty that do nothing, one seems to help.`
          : "Each is tried beside an unchanged control, from here; nothing here moves by it.",
      })) : null,
      control ? make("ol", { class: "attempts" }, this.row(control, control), ...this.sorted(others).map((one) => this.row(one, control))) : null,
      this.others.length && !this.trying ? make("details", {},
        make("summary", { text: `what repair would try besides: ${this.others.length}` }),
        make("ul", {}, ...this.others.map((one) => make("li", { text: `${one.title}: ${one.label}` })))) : null,
      this.trying ? make("p", { class: "quiet", role: "status", text: "trying …" }) : null);
    if (focused) box.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  // The ones that help first; while trying in their order, so that nothing jumps.
  sorted(attempts) {
    if (this.trying) return attempts;
    const rank = ({ effect }) => (effect.helps ? 0 : effect.harms ? 2 : 1);
    return [...attempts].sort((one, other) => rank(one) - rank(other) || (other.effect.mean ?? 0) - (one.effect.mean ?? 0));
  }

  row(attempt, control) {
    const isControl = attempt === control, { effect } = attempt;
    const verdict = isControl ? ["", "the control"] : effect.helps ? ["helps", "✓ helps"]
      : effect.harms ? ["harms", "✗ harms"] : ["", "no difference"];
    const score = attempt.score === "accuracy" ? `${percent(attempt.held_out_score)} right`
      : `${attempt.score} ${figure(attempt.held_out_score)}`;
    const loss = attempt.failed ? "its loss is no number" : `loss ${figure(attempt.held_out_loss)}, ${score}`;
    return make("li", { class: `attempt ${verdict[0]}` },
      make("span", { class: "what" }, make("strong", { text: isControl ? "nothing changed" : attempt.label }),
        isControl ? null : make("span", { class: "quiet small", text: attempt.begins_anew ? `${attempt.title}; begins anew` : attempt.title })),
      this.picture(attempt, control),
      make("span", { class: "came" }, make("span", { class: "figure", text: loss }), make("span", { class: `verdict ${verdict[0]}`, text: verdict[1] })),
      isControl ? make("span") : make("button", {
        type: "button", text: "Adopt", "data-key": `adopt-${attempt.number}`, "aria-label": `Adopt: ${attempt.label}`,
        onclick: () => this.actions.onAdopt(attempt),
      }));
  }

  // Loss on held-out rows over its updates, the control's dashed beside it.
  picture(attempt, control) {
    const curves = attempt === control ? [control] : [control, attempt];
    const all = curves.flatMap((one) => one.curve.held_out_loss).filter((one) => one !== null && one > 0).map(Math.log);
    const low = Math.min(...all), high = Math.max(...all, low + 0.05);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("class", "spark");
    svg.setAttribute("role", "img");
    const last = attempt.curve.held_out_loss.at(-1), first = attempt.curve.held_out_loss[0];
    svg.setAttribute("aria-label", `loss on held-out rows from ${figure(first)} to ${figure(last)}`);
    for (const one of curves) {
      const { updates, held_out_loss: losses } = one.curve, begin = updates[0], span = updates.at(-1) - begin || 1;
      const points = updates.map((at, place) => [at, losses[place]]).filter(([, loss]) => loss !== null && loss > 0)
        .map(([at, loss]) => `${((at - begin) / span) * (WIDTH - 6) + 3},${3 + (HEIGHT - 6) * (1 - (Math.log(loss) - low) / (high - low))}`);
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("points", points.join(" "));
      line.setAttribute("class", one === control ? "control" : "tried");
      svg.append(line);
    }
    return svg;
  }
}
