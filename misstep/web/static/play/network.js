// The network: units with their pictures, weights as lines, and gradients on their way back.
// Knows frames and where things are drawn; what is selected it only reports.

import { onTheme, theme } from "/play/colors.js";
import { at, fill, make } from "/play/elements.js";
import { count, figure } from "/play/numbers.js";
import { paint, sharp, unpacked } from "/play/pixels.js";

// In pixels: from unit to unit in a column, by how many there are, and above them.
const WIDEST = 62;
const PITCHES = [[6, WIDEST], [8, 54], [12, 44], [16, 36], [24, 26], [32, 22], [Infinity, 16]];
const HEAD = 40, FOOT = 12, NARROWEST = 68;
// More lines than these between two layers can't be told apart: the strongest are drawn.
const MOST_LINES = 500;
// How far from a line a click still means it, in pixels.
const REACH = 7;
// More inputs than these are one box, as the pixels of a picture are.
const MOST_INPUTS = 40;
// Room for names at the left and at the right, in pixels.
const NAMES = [110, 116], MARGIN = 36;
// Milliseconds that gradients take from the loss to the inputs.
const BACKWARD = 900;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

// Width of a line: how large a weight is, and never so wide that it hides others.
const breadth = (weight) => Math.min(9, 0.5 + 2.4 * Math.abs(weight));

export class NetworkDrawing {
  constructor(box, { onSelect, onLayers }) {
    this.box = box;
    this.report = onSelect;
    this.changeLayers = onLayers;
    this.lines = make("canvas", { class: "lines", "aria-hidden": "true" });
    this.flow = make("canvas", { class: "flow", "aria-hidden": "true" });
    this.selected = null;
    this.hovered = null;
    this.frame = null;
    box.addEventListener("pointermove", (event) => this.hover(event));
    box.addEventListener("pointerleave", () => this.hover(null));
    box.addEventListener("click", (event) => this.clicked(event));
    box.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.place()).observe(box.parentElement);
    onTheme(() => this.frame && this.show(this.frame));
  }

  // A network of other layers, or other rows.
  begin(problem, settings) {
    this.problem = problem;
    this.settings = settings;
    this.together = problem.kind === "pictures" || problem.features.length > MOST_INPUTS;
    this.beside = [problem.kind === "table" && !this.together, problem.classes.length > 2];
    const inputs = this.together ? 1 : problem.features.length;
    this.columns = [
      { kind: "input", count: inputs },
      ...settings.layers.map((units, layer) => ({ kind: "hidden", count: units, layer })),
      { kind: "output", count: this.outputs(), layer: settings.layers.length },
    ];
    this.columns.forEach((column, number) => {
      column.units = Array.from({ length: column.count }, (_, unit) => this.unit(column, number, unit));
    });
    const heads = this.columns.map((column) => this.head(column));
    fill(this.box, this.lines, this.flow, ...heads, ...this.columns.flatMap((one) => one.units));
    this.heads = heads;
    this.box.querySelector("button.unit")?.setAttribute("tabindex", "0");
    this.place();
  }

  outputs() {
    const classes = this.problem.classes.length;
    return classes > 2 ? classes : 1;
  }

  unit(column, number, unit) {
    return make("button", {
      type: "button", class: `unit of-${column.kind}`, tabindex: "-1",
      "data-column": number, "data-unit": unit, "aria-label": this.name(column, unit),
    }, make("canvas", { "aria-hidden": "true" }), this.caption(column, unit));
  }

  caption(column, unit) {
    const words = column.kind === "input" ? this.inputName(unit)
      : column.kind === "output" && this.problem.classes.length > 2 ? this.problem.classes[unit] : null;
    const side = column.kind === "input" ? this.beside[0] && "left" : this.beside[1] && "right";
    return words === null ? null : make("span", { class: `name ${side || ""}`, text: words, title: words });
  }

  inputName(unit) {
    if (!this.together) return this.problem.features[unit];
    return this.problem.kind === "pictures" ? "picture" : "all inputs";
  }

  name(column, unit) {
    if (column.kind === "input") return `input ${this.inputName(unit)}`;
    if (column.kind === "hidden") return `layer ${column.layer + 1}, unit ${unit}`;
    const classes = this.problem.classes;
    if (classes.length > 2) return `output ${classes[unit]}`;
    return classes.length === 2 ? `output: how likely ${classes[1]}` : `output ${this.problem.target}`;
  }

  head(column) {
    if (column.kind === "input") return make("div", { class: "head", text: count(this.problem.features.length, "input") });
    if (column.kind === "output") return make("div", { class: "head", text: count(column.count, "output") });
    const change = (by, sign, words) => make("button", {
      type: "button", class: "small", text: sign, "aria-label": words,
      onclick: () => this.changeLayers(
        this.settings.layers.map((units, layer) => units + (layer === column.layer ? by : 0)),
        words),
    });
    const name = `layer ${column.layer + 1}`;
    return make("div", { class: "head" },
      change(-1, "−", `A unit fewer in ${name}`),
      make("span", { text: String(column.count), title: count(column.count, "unit") }),
      change(1, "+", `A unit more in ${name}`));
  }

  // Where everything stands, for the width that there is.
  place() {
    if (!this.columns) return;
    const most = Math.max(...this.columns.map((column) => column.count));
    const pitch = PITCHES.find(([upto]) => most <= upto)[1];
    const [left, right] = this.beside.map((has, number) => (has ? NAMES[number] : MARGIN));
    this.width = Math.max(this.box.parentElement.clientWidth, (this.columns.length - 1) * NARROWEST + left + right);
    const room = Math.max(most * pitch, 150);
    this.height = HEAD + room + FOOT;
    this.box.style.width = `${this.width}px`;
    this.box.style.height = `${this.height}px`;
    const step = (this.width - left - right) / (this.columns.length - 1);
    const middle = HEAD + (this.height - HEAD - FOOT) / 2;
    this.columns.forEach((column, number) => {
      column.x = left + step * number;
      // A layer of few has room for larger pictures, and for names below them.
      const own = Math.min(WIDEST, room / column.count);
      column.size = column.kind === "input" && this.together ? 58
        : Math.min(44, Math.round(own * (own < 50 && column.kind === "output" && !this.beside[1] ? 0.6 : 0.78)));
      column.ys = column.units.map((_, unit) => middle + (unit - (column.count - 1) / 2) * own);
      column.units.forEach((button, unit) => {
        button.style.width = `${column.size}px`;
        button.style.height = `${column.size}px`;
        button.style.left = `${column.x - column.size / 2}px`;
        button.style.top = `${column.ys[unit] - column.size / 2}px`;
      });
      this.heads[number].style.left = `${column.x}px`;
    });
    if (this.frame) this.drawLines();
  }

  show(frame) {
    this.frame = frame;
    this.layers = [];
    for (const one of frame.weights) {
      if (one.layer === null) continue;
      const layer = (this.layers[one.layer - 1] ??= {});
      const kind = one.values.shape.length === 2 ? "weight" : "bias";
      layer[kind] = unpacked(one.values);
      layer[`${kind}Gradient`] = unpacked(one.gradients);
      if (kind === "weight") layer.name = one.name;
    }
    this.paintUnits(frame);
    this.drawLines();
  }

  paintUnits(frame) {
    const inputs = unpacked(frame.row.inputs);
    const painted = (column, unit, ...picture) => paint(column.units[unit].firstChild, ...picture);
    const [input, ...rest] = this.columns;
    if (this.problem.kind === "pictures") {
      const [height, width] = this.problem.shape;
      const ink = Uint8Array.from(inputs, (one) => Math.max(0, Math.min(255, one * 255)));
      painted(input, 0, width, height, ink, 0, theme.ink);
    } else if (this.together) {
      const bands = Uint8Array.from(inputs, (one) => 128 + Math.round(127 * Math.max(-1, Math.min(1, one / 3))));
      painted(input, 0, bands.length, 1, bands, 0, theme.signed);
    } else input.units.forEach((_, unit) => this.paintInput(input, unit, inputs[unit]));
    for (const column of rest) {
      const pictures = column.kind === "hidden" ? frame.units[column.layer] : null;
      if (pictures) {
        const [units, height, width] = pictures.shape;
        const given = unpacked(pictures);
        for (let unit = 0; unit < units; unit += 1) {
          painted(column, unit, width, height, given, unit * height * width, theme.signed);
          if (pictures.of === "activation" && height === 1) this.paintCurve(column.units[unit].firstChild, given, unit * width, width);
        }
      } else if (column.kind === "output" && frame.surface) this.paintOutput(column, frame.surface);
      else if (column.kind === "output" && frame.fit) this.paintFit(column, frame.fit);
      else this.paintValues(column, frame.row.layers[column.layer].given);
    }
  }

  // An input of a plane: what rises along it. Of a table: its number in the row that is looked at.
  paintInput(column, unit, value) {
    const canvas = column.units[unit].firstChild;
    if (this.problem.kind === "plane" || this.problem.kind === "curve") {
      const side = 20, picture = new Uint8Array(side * side);
      for (let place = 0; place < picture.length; place += 1) {
        const across = (place % side) / (side - 1), up = 1 - Math.floor(place / side) / (side - 1);
        picture[place] = 1 + Math.round(254 * (unit === 0 ? across : up));
      }
      paint(canvas, side, side, picture, 0, theme.signed);
      if (this.problem.kind === "curve") this.paintCurve(canvas, picture, 0, side);
    } else this.paintValue(canvas, value, 3);
  }

  paintValues(column, packed) {
    const values = unpacked(packed);
    const most = values.reduce((top, one) => Math.max(top, Math.abs(one)), 0);
    column.units.forEach((button, unit) => this.paintValue(button.firstChild, values[unit], most));
  }

  paintValue(canvas, value, most) {
    const share = Number.isFinite(value) && most > 0 ? Math.max(-1, Math.min(1, value / most)) : 0;
    paint(canvas, 1, 1, [128 + Math.round(127 * share)], 0, theme.signed);
  }

  paintOutput(column, surface) {
    const [classes, height, width] = surface.shape;
    const shares = unpacked(surface), size = height * width;
    column.units.forEach((button, unit) => {
      const of = column.count === 1 ? classes - 1 : unit;
      const picture = shares.subarray(of * size, (of + 1) * size);
      const colors = column.count === 1 ? theme.signed : theme.sure[unit % theme.sure.length];
      const shown = column.count === 1 ? picture.map((one) => Math.max(1, one)) : picture;
      paint(button.firstChild, width, height, shown, 0, colors);
    });
  }

  paintFit(column, fit) {
    const ys = unpacked(fit.y), [low, high] = this.problem.window[1];
    const given = Uint8Array.from(ys, (y) => 128 + 127 * Math.max(-1, Math.min(1, 2 * (y - low) / (high - low) - 1)));
    this.paintCurve(column.units[0].firstChild, given, 0, given.length);
  }

  // A unit on a line of inputs: what it gives, as a curve.
  paintCurve(canvas, given, offset, length) {
    const side = 48;
    canvas.width = side;
    canvas.height = side;
    const context = canvas.getContext("2d");
    context.fillStyle = theme.surface;
    context.fillRect(0, 0, side, side);
    context.strokeStyle = theme.axis;
    context.beginPath();
    context.moveTo(0, side / 2);
    context.lineTo(side, side / 2);
    context.stroke();
    context.strokeStyle = theme.accent;
    context.lineWidth = 3;
    context.beginPath();
    for (let place = 0; place < length; place += 1) {
      const y = side / 2 - ((given[offset + place] - 128) / 127) * (side / 2 - 4);
      context.lineTo((place / (length - 1)) * side, y);
    }
    context.stroke();
  }

  // --- lines --------------------------------------------------------------------------------------

  // Each pair of neighbors: where its line begins and ends, its weight and its gradient.
  *pairs(layer) {
    const from = this.columns[layer], to = this.columns[layer + 1], made = this.layers[layer];
    if (!made?.weight) return;
    const units = to.count, inputs = made.weight.length / units;
    if (from.count !== inputs) {
      // A picture is one box: a line stands for all of its pixels, as long as their weights together.
      for (let unit = 0; unit < units; unit += 1) {
        let square = 0, slopes = 0;
        for (let input = 0; input < inputs; input += 1) {
          square += made.weight[input * units + unit] ** 2;
          slopes += made.weightGradient[input * units + unit] ** 2;
        }
        yield { layer, from: 0, to: unit, weight: Math.sqrt(square), gradient: Math.sqrt(slopes), bundle: true };
      }
      return;
    }
    const places = Array.from({ length: made.weight.length }, (_, place) => place);
    if (places.length > MOST_LINES) {
      places.sort((one, other) => Math.abs(made.weight[other]) - Math.abs(made.weight[one]));
      places.length = MOST_LINES;
    }
    for (const place of places) {
      yield {
        layer, from: Math.floor(place / units), to: place % units,
        weight: made.weight[place], gradient: made.weightGradient[place],
      };
    }
  }

  ends(pair) {
    const from = this.columns[pair.layer], to = this.columns[pair.layer + 1];
    return [from.x + from.size / 2, from.ys[pair.from], to.x - to.size / 2, to.ys[pair.to]];
  }

  trace(context, [x1, y1, x2, y2]) {
    const bend = (x2 - x1) / 2;
    context.beginPath();
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  }

  drawLines() {
    const context = sharp(this.lines, this.width, this.height);
    this.drawn = [];
    for (let layer = 0; layer + 1 < this.columns.length; layer += 1) {
      for (const pair of this.pairs(layer)) {
        pair.ends = this.ends(pair);
        this.drawn.push(pair);
        this.line(context, pair);
      }
    }
    for (const one of [this.hovered, this.selected?.kind === "weight" ? this.selected : null]) {
      const pair = one && this.drawn.find((each) => each.layer === one.layer && each.from === one.from && each.to === one.to);
      if (pair) {
        context.globalAlpha = 1;
        context.setLineDash([]);
        context.strokeStyle = theme.words;
        context.lineWidth = breadth(pair.weight) + 5;
        this.trace(context, pair.ends);
        context.stroke();
        context.strokeStyle = theme.ground;
        context.lineWidth = breadth(pair.weight) + 2;
        context.stroke();
        this.line(context, pair);
      }
    }
    this.mark();
  }

  line(context, pair) {
    const finite = Number.isFinite(pair.weight);
    context.globalAlpha = finite ? Math.min(0.9, 0.25 + Math.abs(pair.weight)) : 1;
    context.strokeStyle = !finite ? theme.bad : pair.bundle ? theme.quiet
      : pair.weight < 0 ? theme.negative : theme.positive;
    context.lineWidth = finite ? breadth(pair.bundle ? pair.weight / 2 : pair.weight) : 3;
    context.setLineDash(!finite ? [2, 6] : pair.weight < 0 ? [7, 4] : []);
    this.trace(context, pair.ends);
    context.stroke();
  }

  mark() {
    this.columns.forEach((column, number) => column.units.forEach((button, unit) => {
      const chosen = this.selected?.kind === "unit" && this.selected.column === number && this.selected.unit === unit;
      button.setAttribute("aria-pressed", String(chosen));
    }));
  }

  select(selected) {
    this.selected = selected;
    if (this.frame) this.drawLines();
  }

  // --- gradients ----------------------------------------------------------------------------------

  // Dots run from the loss to the inputs, layer by layer, the larger the larger the gradient.
  flowBack(pairs = this.drawn) {
    if (STILL.matches || !pairs?.length) return;
    const begun = performance.now(), layers = this.columns.length - 1;
    const largest = Array.from({ length: layers }, (_, layer) => Math.max(1e-30,
      ...pairs.filter((one) => one.layer === layer).map((one) => Math.abs(one.gradient) || 0)));
    cancelAnimationFrame(this.flowing);
    const draw = (now) => {
      const passed = (now - begun) / BACKWARD, context = sharp(this.flow, this.width, this.height);
      if (passed >= 1) return;
      for (const pair of pairs) {
        const share = passed * layers - (layers - 1 - pair.layer);
        const size = Math.abs(pair.gradient) / largest[pair.layer];
        if (share < 0 || share > 1 || !(size > 0.02)) continue;
        const t = 1 - share, [x1, y1, x2, y2] = pair.ends, bend = (x2 - x1) / 2;
        const along = (a, b, c, d) => a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3;
        context.beginPath();
        context.arc(along(x1, x1 + bend, x2 - bend, x2), along(y1, y1, y2, y2), 1.2 + 4.3 * size, 0, 2 * Math.PI);
        context.fillStyle = theme.bad;
        context.fill();
      }
      this.flowing = requestAnimationFrame(draw);
    };
    this.flowing = requestAnimationFrame(draw);
  }

  // --- pointing -----------------------------------------------------------------------------------

  nearest(event) {
    const box = this.box.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = REACH;
    for (const pair of this.drawn ?? []) {
      const [x1, y1, x2, y2] = pair.ends;
      if (x < x1 || x > x2 || pair.bundle) continue;
      // Across, the curve is nearly even; a few steps find where it is as far as the pointer.
      let low = 0, high = 1;
      for (let turn = 0; turn < 14; turn += 1) {
        const t = (low + high) / 2, bend = (x2 - x1) / 2;
        const reached = x1 * (1 - t) ** 3 + 3 * (x1 + bend) * t * (1 - t) ** 2 + 3 * (x2 - bend) * t ** 2 * (1 - t) + x2 * t ** 3;
        if (reached < x) low = t;
        else high = t;
      }
      const t = low, there = y1 * ((1 - t) ** 3 + 3 * t * (1 - t) ** 2) + y2 * (3 * t ** 2 * (1 - t) + t ** 3);
      const away = Math.abs(there - y) - breadth(pair.weight) / 2;
      if (away < least) [best, least] = [pair, away];
    }
    return best;
  }

  hover(event) {
    const found = event && !event.target.closest("button") && event.pointerType !== "touch" ? this.nearest(event) : null;
    if (found === this.hovered) return;
    this.hovered = found;
    this.box.classList.toggle("pointing", Boolean(found));
    const tip = at("weight-tip");
    tip.hidden = !found;
    if (found) {
      tip.textContent = `${this.ofWeight(found)}: ${figure(found.weight)}, gradient ${figure(found.gradient)}`;
    }
    if (this.frame) this.drawLines();
  }

  ofWeight({ layer, from, to }) {
    return `weight from ${this.name(this.columns[layer], from)} to ${this.name(this.columns[layer + 1], to)}`;
  }

  clicked(event) {
    const button = event.target.closest("button.unit");
    if (button) {
      this.focus(button);
      this.report({ kind: "unit", column: Number(button.dataset.column), unit: Number(button.dataset.unit) });
      return;
    }
    if (event.target.closest("button")) return;
    const pair = this.nearest(event);
    if (pair) this.report({ kind: "weight", layer: pair.layer, from: pair.from, to: pair.to });
  }

  // Arrow keys go from unit to unit; Enter and the space bar are a click, as of any button.
  key(event) {
    const button = event.target.closest("button.unit");
    if (!button) return;
    const column = Number(button.dataset.column), unit = Number(button.dataset.unit);
    const beside = (number) => {
      const there = this.columns[number];
      if (!there) return null;
      const y = this.columns[column].ys[unit];
      const places = there.ys.map((one) => Math.abs(one - y));
      return there.units[places.indexOf(Math.min(...places))];
    };
    const { units } = this.columns[column];
    const next = {
      ArrowUp: () => units[unit - 1], ArrowDown: () => units[unit + 1],
      ArrowLeft: () => beside(column - 1), ArrowRight: () => beside(column + 1),
      Home: () => units[0], End: () => units.at(-1),
    }[event.key]?.();
    if (next === undefined) return;
    event.preventDefault();
    if (next) this.focus(next);
  }

  // What each unit says, in its name, for who can't see its picture; once nothing moves.
  speak(frame) {
    this.columns.forEach((column, number) => column.units.forEach((button, unit) => {
      const packed = number ? frame.row.layers[number - 1].given : frame.row.inputs;
      const value = column.count === packed.shape[0] ? figure(unpacked(packed)[unit]) : null;
      const said = value === null ? "" : `, ${value} for ${frame.row.name}`;
      button.setAttribute("aria-label", `${this.name(column, unit)}${said}`);
    }));
  }

  focus(button) {
    this.box.querySelector('button.unit[tabindex="0"]')?.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
    button.focus();
  }
}
