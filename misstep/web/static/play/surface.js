// What the network says: the decision surface, the fit, or some held-out rows with their answers.
// Knows frames and rows, and which row is looked at; draws on one canvas, or makes a list.

import { onTheme, theme } from "/play/colors.js";
import { at, fill, make } from "/play/elements.js";
import { figure, percent } from "/play/numbers.js";
import { mark, paint, sharp, SHAPES, unpacked } from "/play/pixels.js";

// Bytes are steps of 1/255: where the surface is flat, a boundary between them would be a staircase.
function smooth(values, width, height) {
  const before = Float32Array.from(values);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      let sum = 0, weight = 0;
      for (let down = -2; down <= 2; down += 1) {
        for (let across = -2; across <= 2; across += 1) {
          const x = column + across, y = row + down;
          if (x < 0 || y < 0 || x >= width || y >= height) continue;
          const share = 1 / (1 + across * across + down * down);
          sum += share * before[y * width + x];
          weight += share;
        }
      }
      values[row * width + column] = sum / weight + 1e-4;
    }
  }
}

const WIDEST = 420, EDGE = 26, DOT = 4.4;

export class Surface {
  constructor(box, { onRow }) {
    this.box = box;
    this.report = onRow;
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.picture = make("canvas");
    this.canvas.addEventListener("click", (event) => this.clicked(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.frame && this.drawn && this.draw()).observe(box);
    onTheme(() => this.frame && this.show(this.frame));
  }

  // Other rows, or other settings. rows: x and y of those to learn from and those held out.
  begin(problem, rows) {
    this.problem = problem;
    this.rows = {};
    for (const name of ["train", "held_out"]) {
      this.rows[name] = { x: unpacked(rows[name].x), y: unpacked(rows[name].y), features: rows[name].x.shape[1] };
    }
    this.drawn = problem.kind === "plane" || problem.kind === "curve";
    at("held-out-choice").hidden = !this.drawn;
    this.list = make("ol", { class: problem.shape ? "examples pictures" : "examples" });
    fill(this.box, this.drawn ? this.canvas : this.list);
    this.canvas.setAttribute("aria-label", "What the network says, drawn");
    this.frame = null;
    this.legend();
  }

  legend() {
    const { classes } = this.problem;
    const entries = [];
    if (this.drawn && classes.length) {
      classes.forEach((name, number) => {
        const sample = make("canvas", { "aria-hidden": "true" }), context = sharp(sample, 14, 14);
        mark(context, number, 7, 7, 4.5);
        context.fillStyle = theme.classes[number % theme.classes.length];
        context.fill();
        entries.push(make("span", {}, sample, ` ${name}`));
      });
    }
    if (this.drawn) {
      for (const [filled, words] of [[true, "learned from"], [false, "held out"]]) {
        const sample = make("canvas", { "aria-hidden": "true" }), context = sharp(sample, 14, 14);
        mark(context, 0, 7, 7, 4.5);
        context.fillStyle = context.strokeStyle = theme.quiet;
        context.lineWidth = 1.6;
        if (filled) context.fill();
        else context.stroke();
        entries.push(make("span", {}, sample, ` ${words}`));
      }
      entries.push(make("span", { class: "quiet", text: "a click chooses the row to look at" }));
    }
    fill(at("legend"), ...entries);
  }

  show(frame) {
    this.frame = frame;
    if (!this.drawn) {
      this.showExamples(frame);
      return;
    }
    if (frame.surface) this.paintSurface(frame.surface);
    this.legendTheme !== theme.ground && this.legend();
    this.legendTheme = theme.ground;
    this.draw();
  }

  paintSurface(surface) {
    const [classes, height, width] = surface.shape, size = height * width;
    const shares = unpacked(surface);
    if (classes === 2) {
      paint(this.picture, width, height, shares.subarray(size).map((one) => Math.max(1, one)), 0, theme.shares);
    } else {
      const context = (this.picture.width = width, this.picture.height = height, this.picture.getContext("2d"));
      const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
      for (let place = 0; place < size; place += 1) {
        let best = 0;
        for (let one = 1; one < classes; one += 1) {
          if (shares[one * size + place] > shares[best * size + place]) best = one;
        }
        pixels[place] = theme.sure[best % theme.sure.length][shares[best * size + place]];
      }
      context.putImageData(image, 0, 0);
    }
    this.shares = { classes, height, width, given: shares };
  }

  place() {
    const side = Math.max(200, Math.min(WIDEST, this.box.clientWidth));
    this.side = side;
    this.inner = { left: EDGE, top: 6, width: side - EDGE - 6, height: side - EDGE - 6 };
    if (this.problem.kind === "curve") this.inner.height = Math.round(this.inner.height * 0.8);
    return [side, this.inner.height + EDGE + 6];
  }

  x(value) {
    const [low, high] = this.problem.window[0];
    return this.inner.left + (this.inner.width * (value - low)) / (high - low);
  }

  y(value) {
    const [low, high] = this.problem.window[1];
    const share = Math.max(-0.02, Math.min(1.02, (value - low) / (high - low)));
    return this.inner.top + this.inner.height * (1 - share);
  }

  draw() {
    const [width, height] = this.place(), context = sharp(this.canvas, width, height);
    const { left, top, width: across, height: down } = this.inner;
    context.fillStyle = theme.surface;
    context.fillRect(left, top, across, down);
    if (this.frame.surface) {
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.picture, left, top, across, down);
      this.boundary(context);
    }
    this.axes(context);
    if (this.frame.fit) this.fit(context);
    this.points(context, "train", true);
    if (at("show-held-out").checked) this.points(context, "held_out", false);
    this.chosen(context);
  }

  // Where one class ends and another begins, so that color alone says nothing.
  boundary(context) {
    const { classes, height, width, given } = this.shares, size = height * width;
    const { left, top, width: across, height: down } = this.inner;
    context.strokeStyle = theme.words;
    context.lineWidth = 1.4;
    context.globalAlpha = 0.75;
    context.beginPath();
    for (let one = classes === 2 ? 1 : 0; one < classes; one += 1) {
      // How far a class is ahead of the best of the others: 0 on the boundary.
      const ahead = new Float32Array(size);
      for (let place = 0; place < size; place += 1) {
        let other = 0;
        for (let each = 0; each < classes; each += 1) {
          if (each !== one) other = Math.max(other, given[each * size + place]);
        }
        ahead[place] = given[one * size + place] - other;
      }
      smooth(ahead, width, height);
      for (let row = 0; row + 1 < height; row += 1) {
        for (let column = 0; column + 1 < width; column += 1) {
          const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
          const values = corners.map(([x, y]) => ahead[y * width + x]);
          const cuts = [];
          for (let edge = 0; edge < 4; edge += 1) {
            const a = values[edge], b = values[(edge + 1) % 4];
            if (a > 0 === b > 0) continue;
            const share = a / (a - b), [x1, y1] = corners[edge], [x2, y2] = corners[(edge + 1) % 4];
            cuts.push([x1 + (x2 - x1) * share, y1 + (y2 - y1) * share]);
          }
          for (let cut = 0; cut + 1 < cuts.length; cut += 2) {
            for (const [number, [x, y]] of cuts.slice(cut, cut + 2).entries()) {
              const place = [left + (across * (x + 0.5)) / width, top + (down * (y + 0.5)) / height];
              if (number) context.lineTo(...place);
              else context.moveTo(...place);
            }
          }
        }
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  axes(context) {
    const { left, top, width, height } = this.inner, { window, features, target, kind } = this.problem;
    context.strokeStyle = theme.axis;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    context.fillStyle = theme.quiet;
    context.font = "11px system-ui, sans-serif";
    const [x, y] = window, bottom = top + height + 14;
    context.textAlign = "left";
    context.fillText(figure(x[0]), left, bottom);
    context.textAlign = "right";
    context.fillText(figure(x[1]), left + width, bottom);
    context.textAlign = "center";
    context.fillText(features[0], left + width / 2, bottom);
    context.save();
    context.translate(left - 8, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(kind === "curve" ? target : features[1], 0, 0);
    context.restore();
    context.textAlign = "right";
    context.fillText(figure(y[1]), left - 4, top + 10);
    context.fillText(figure(y[0]), left - 4, top + height - 1);
  }

  fit(context) {
    const xs = unpacked(this.frame.fit.x), ys = unpacked(this.frame.fit.y);
    const { left, top, width, height } = this.inner;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.strokeStyle = theme.accent;
    context.lineWidth = 3;
    context.beginPath();
    xs.forEach((x, place) => context.lineTo(this.x(x), this.y(ys[place])));
    context.stroke();
    context.restore();
  }

  points(context, name, filled) {
    const { x, y, features } = this.rows[name], classes = this.problem.classes.length;
    const crowd = y.length > 400 ? 0.7 : 1;
    y.forEach((answer, row) => {
      const color = classes ? theme.classes[answer % theme.classes.length] : theme.negative;
      const [across, down] = this.point(name, row);
      mark(context, classes ? answer : 0, across, down, DOT * crowd);
      if (filled) {
        context.fillStyle = color;
        context.fill();
        context.strokeStyle = theme.ground;
        context.lineWidth = 1;
      } else {
        context.fillStyle = theme.ground;
        context.fill();
        context.strokeStyle = color;
        context.lineWidth = 1.8;
      }
      context.stroke();
    });
    return features;
  }

  point(name, row) {
    const { x, y, features } = this.rows[name], { kind, unit = 1, middle = 0 } = this.problem;
    const up = kind === "curve" ? y[row] * unit + middle : x[row * features + 1];
    return [this.x(x[row * features]), this.y(up)];
  }

  chosen(context) {
    const { number, held_out: heldOut } = this.frame.row;
    const [x, y] = this.point(heldOut ? "held_out" : "train", number);
    context.strokeStyle = theme.words;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, DOT + 5, 0, 2 * Math.PI);
    context.stroke();
  }

  clicked(event) {
    if (!this.drawn || !this.frame) return;
    const box = this.canvas.getBoundingClientRect(), best = { away: 24 };
    for (const name of at("show-held-out").checked ? ["train", "held_out"] : ["train"]) {
      this.rows[name].y.forEach((_, row) => {
        const [x, y] = this.point(name, row);
        const away = Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top);
        if (away < best.away) Object.assign(best, { away, number: row, held_out: name === "held_out" });
      });
    }
    if ("number" in best) this.report({ number: best.number, held_out: best.held_out });
  }

  // With the arrow keys, from row to row of those to learn from, or of those held out.
  key(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by || !this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { number, held_out: heldOut } = this.frame.row, count = this.rows[heldOut ? "held_out" : "train"].y.length;
    this.report({ number: (number + by + count) % count, held_out: heldOut });
  }

  // Some held-out rows, what is said of each and what is right; a click looks at one.
  showExamples(frame) {
    const items = frame.examples.map((one) => {
      const said = this.words(one.prediction), truth = this.truth(one.truth);
      const right = this.problem.classes.length ? one.prediction.class === one.truth : null;
      const chosen = frame.row.held_out && frame.row.number === one.number;
      const button = make("button", {
        type: "button", "aria-pressed": String(chosen), class: right === null ? "" : right ? "right" : "wrong",
        onclick: () => this.report({ number: one.number, held_out: true }),
      }, this.thumbnail(one),
      make("span", { class: "said", text: said }),
      make("span", { class: "quiet", text: right === null ? `is ${truth}` : right ? "✓ right" : `✗ is ${truth}` }));
      return make("li", {}, button);
    });
    const focused = [...this.list.querySelectorAll("button")].indexOf(document.activeElement);
    fill(this.list, ...items);
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus();
  }

  thumbnail({ number: row, name }) {
    const { shape } = this.problem;
    if (!shape) return make("span", { class: "quiet", text: name });
    const canvas = make("canvas", { "aria-hidden": "true" }), { x, features } = this.rows.held_out;
    const ink = Uint8Array.from(x.subarray(row * features, (row + 1) * features), (one) => Math.max(0, Math.min(255, one * 255)));
    paint(canvas, shape[1], shape[0], ink, 0, theme.ink);
    return canvas;
  }

  truth(value) {
    return typeof value === "number" ? figure(value) : String(value);
  }

  words(prediction) {
    if ("number" in prediction) return figure(prediction.number);
    if (prediction.class === null) return "no number";
    return `${prediction.class}, ${percent(prediction.probability)}`;
  }

  // In words, for who can't see it, and for the line that is read aloud.
  summary() {
    const { now, row } = this.frame;
    const said = this.words(row.prediction);
    const words = `Of ${row.name}, the network says ${said}; right is ${this.truth(row.truth)}.`;
    if (!this.drawn) return words;
    const kind = this.problem.kind === "curve" ? `The fit of ${this.problem.target} by ${this.problem.features[0]}`
      : `The decision surface over ${this.problem.features.join(" and ")}`;
    const shapes = this.problem.classes.map((name, number) => `${name}: ${SHAPES[number % 5]}s`).join(", ");
    const score = now && this.problem.classes.length ? ` ${percent(now.held_out_score)} of held-out rows are right.` : "";
    this.canvas.setAttribute("aria-label", `${kind}${shapes ? ` (${shapes})` : ""}, at update ${this.frame.update}.${score} ${words} Arrow keys choose another row.`);
    return words;
  }
}
