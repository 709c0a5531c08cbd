import { fill, make } from "/play/elements.js";
export class Doctor {
  constructor(findings, broken, healthy, actions) { this.box = findings; this.broken = broken; this.healthy = healthy; this.actions = actions; }
  begin(presets) {
    for (const [box, broken] of [[this.broken, true], [this.healthy, false]]) {
      fill(box, ...presets.filter((one) => one.broken === broken).map((one) => make("button", {
        type: "button", text: one.title, title: one.sentence, onclick: () => this.actions.onPreset(one),
      })));
    }
  }

  show(diagnosis) {}
}
