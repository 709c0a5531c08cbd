// Loss over updates: of rows learned from and of rows held out. Knows frames; draws on one canvas.

import { onTheme, theme } from "/play/colors.js";
import { fill, make } from "/play/elements.js";
import { figure } from "/play/numbers.js";
import { sharp, unpacked } from "/play/pixels.js";

const HEIGHT = 170, LEFT = 50, BOTTOM = 20;
// The lowest loss that a logarithmic axis shows.
const LOWEST = 1e-7;

export class Curves {
  constructor(box) {
    this.box = box;
    this.canvas = make("canvas", { role: "img", "aria-label": "Loss over updates" });
    this.legend = make("p", { class: "legend small" },
      make("span", { class: "key train", text: "learned from" }),
      make("span", { class: "key held-out", text: "held out" }),
      make("span", { class: "key batch", text: "each batch" }));
    fill(box, this.canvas, this.legend);
    new ResizeObserver(() => this.frame && this.draw()).observe(box);
    onTheme(() => this.frame && this.draw());
  }

  show(frame) {
    this.frame = frame;
    this.draw();
  }

  draw() {
    const { curve, losses, update, furthest } = this.frame;
    const width = Math.max(180, this.box.clientWidth), context = sharp(this.canvas, width, HEIGHT);
    const batch = unpacked(losses.batch);
    const real = (one) => one !== null && Number.isFinite(one);
    const all = [...curve.train_loss, ...curve.held_out_loss].filter(real).map((one) => Math.max(one, LOWEST));
    const far = [...all, ...[...batch].filter(real).map((one) => Math.max(one, LOWEST))];
    const low = Math.min(...(far.length ? far : [0.1])), high = Math.max(...(far.length ? far : [1]));
    const from = Math.log10(low) - 0.05, to = Math.max(Math.log10(high) + 0.05, from + 0.3);
    const last = Math.max(furthest, update, 10);
    const x = (one) => LEFT + ((width - LEFT - 8) * one) / last;
    const y = (one) => 8 + (HEIGHT - BOTTOM - 8) * (1 - (Math.log10(Math.max(one, LOWEST)) - from) / (to - from));
    this.grid(context, width, from, to, y, last, x);
    const line = (xs, ys, color, dash, breadth) => {
      context.strokeStyle = color;
      context.lineWidth = breadth;
      context.setLineDash(dash);
      context.beginPath();
      let broken = true;
      ys.forEach((one, place) => {
        if (!real(one)) broken = true;
        else if (broken) context.moveTo(x(xs[place]), y(one));
        else context.lineTo(x(xs[place]), y(one));
        broken = !real(one);
      });
      context.stroke();
      context.setLineDash([]);
    };
    context.globalAlpha = 0.4;
    line(Array.from(batch, (_, place) => Math.min((place + 1) * losses.every, update)), [...batch], theme.quiet, [], 1);
    context.globalAlpha = 1;
    line(curve.updates, curve.train_loss, theme.positive, [], 2);
    line(curve.updates, curve.held_out_loss, theme.negative, [6, 4], 2);
    context.strokeStyle = theme.words;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(update), 8);
    context.lineTo(x(update), HEIGHT - BOTTOM);
    context.stroke();
  }

  grid(context, width, from, to, y, last, x) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = theme.quiet;
    context.strokeStyle = theme.grid;
    context.lineWidth = 1;
    let written = Infinity;
    for (const value of this.marks(from, to)) {
      const place = y(value);
      context.beginPath();
      context.moveTo(LEFT, place);
      context.lineTo(width - 8, place);
      context.stroke();
      if (Math.abs(place - written) > 14) {
        context.textAlign = "right";
        context.fillText(this.mark(value), LEFT - 5, place + 4);
        written = place;
      }
    }
    context.textAlign = "left";
    context.fillText("0", LEFT, HEIGHT - 4);
    context.textAlign = "right";
    context.fillText(`${last.toLocaleString("en-US")} updates`, width - 8, HEIGHT - 4);
    return x;
  }

  // Beside the axis there is little room: 2·10⁸.
  mark(value) {
    return figure(value, 2).replace(/^(\d)\.0/, "$1").replace(" × ", "·").replace(/^1·/, "");
  }

  // Round numbers between powers of ten: as many as can be told apart.
  marks(from, to) {
    const steps = to - from > 2.5 ? [1] : to - from > 0.8 ? [1, 2, 5] : [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
    const made = [];
    for (let power = Math.floor(from); power <= Math.ceil(to); power += 1) {
      for (const step of steps) {
        const value = step * 10 ** power, size = Math.log10(value);
        if (size >= from && size <= to) made.push(value);
      }
    }
    return made;
  }

  summary() {
    const { curve, now, update } = this.frame;
    const first = curve.train_loss[0];
    const words = `Loss at update ${update}: ${figure(now.train_loss)} on rows learned from, ${figure(now.held_out_loss)} on held-out rows; ${figure(first)} at the beginning.`;
    this.canvas.setAttribute("aria-label", words);
    return words;
  }
}
