// Curves of several runs over one axis, drawn by uPlot, each with the same in words beside it.

import { element, figure, folded, refresh, say, table, whole } from "/elements.js";

// As in the style sheet of all drawings: lines that color does not tell apart, dashes do.
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4], [1, 3], [6, 2, 1, 2]];
// Rows of the table that stands for a chart.
const ROWS = 9;

export function colorOf(number) {
  return `--series-${(number % DASHES.length) + 1}`;
}

export function dashesOf(number) {
  return DASHES[number % DASHES.length];
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function translucent(name, share) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color(name).slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}

export class Chart {
  // `lines`: kinds of curves in the order of drawing, each {name, words, marked, banded}.
  constructor(place, { title, lines }) {
    this.place = place;
    this.lines = lines;
    this.plot = null;
    this.shape = "";
    this.heading = element("h3", {}, title);
    this.drawn = element("div", { class: "plot", role: "img", "aria-label": title });
    this.reading = element("p", { class: "reading small quiet", "aria-hidden": "true" });
    this.caption = element("figcaption");
    this.numbers = folded("numbers", "The numbers");
    this.inner = element("div");
    this.numbers.append(this.inner);
    this.numbers.addEventListener("toggle", () => this.tell());
    const head = element("div", { class: "row" }, this.heading, this.reading);
    this.place.replaceChildren(head, this.drawn, this.caption, this.numbers);
    this.logarithmic = false;
    this.series = [];
    new ResizeObserver(() => this.resize()).observe(this.drawn);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(true));
  }

  // `runs`: [{name, number, curves}]; `number` is the color of each.
  show(runs, logarithmic = false) {
    this.logarithmic = logarithmic;
    this.series = [];
    for (const run of runs) {
      for (const line of this.lines) {
        const curve = run.curves[line.name];
        if (curve && curve.x.length) this.series.push({ run, line, curve });
      }
    }
    this.place.hidden = this.series.length === 0;
    if (!this.place.hidden) this.draw();
    this.tell();
  }

  draw(anew = false) {
    if (!this.series.length) return;
    // One run alone shows how far its batches lie apart; of several that would be a tangle.
    const alone = new Set(this.series.map(({ run }) => run.name)).size === 1;
    const tables = [];
    const drawn = [{}];
    const bands = [];
    for (const { run, line, curve } of this.series) {
      const stroke = color(colorOf(run.number));
      const common = { spanGaps: true, scale: "y" };
      const points = line.marked && curve.x.length < 60;
      drawn.push({
        ...common, stroke, width: line.marked ? 2.2 : 1.3, dash: dashesOf(run.number),
        points: { show: points || curve.x.length === 1, size: 5, fill: stroke },
      });
      if (alone && line.banded && curve.low) {
        tables.push([curve.x, curve.mean, curve.high, curve.low]);
        const edge = { ...common, stroke: "transparent", width: 0, points: { show: false } };
        bands.push({ series: [drawn.length, drawn.length + 1],
          fill: translucent(colorOf(run.number), 0.16) });
        drawn.push(edge, { ...edge });
      } else {
        tables.push([curve.x, curve.mean]);
      }
    }
    const data = tables.length === 1 ? tables[0] : uPlot.join(tables);
    const usable = !this.logarithmic || data.slice(1).some((one) => one.some((y) => y > 0));
    const logarithmic = this.logarithmic && usable;
    const shape = JSON.stringify([
      logarithmic, bands.length, this.series.map(({ run, line, curve }) =>
        [run.name, run.number, line.name, curve.x.length < 60, curve.x.length === 1]),
    ]);
    if (logarithmic) {
      for (let at = 1; at < data.length; at++) data[at] = data[at].map((y) => (y > 0 ? y : null));
    }
    if (this.plot && this.shape === shape && !anew) {
      this.plot.setData(data);
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    const axis = {
      stroke: color("--quiet"), grid: { stroke: color("--grid"), width: 1 },
      ticks: { stroke: color("--axis"), width: 1 }, font: "12px system-ui, sans-serif",
    };
    this.plot = new uPlot({
      ...this.size(), series: drawn, bands, legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
      axes: [
        { ...axis, size: 30, label: "updates", labelSize: 18, labelFont: axis.font, labelGap: 0,
          values: (_, ticks) => ticks.map((one) => (one % 1 ? "" : whole(one))) },
        { ...axis, size: 62, values: (_, ticks) =>
          ticks.map((one) => (one === null ? null : figure(one, 3))) },
      ],
      hooks: { setCursor: [(plot) => this.read(plot)] },
    }, data, this.drawn);
  }

  size() {
    const large = this.place.classList.contains("large");
    const wide = this.drawn.clientWidth || 300;
    return { width: wide, height: large ? (wide < 500 ? 240 : 290) : 210 };
  }

  resize() {
    const { width, height } = this.size();
    if (this.plot && (this.plot.width !== width || this.plot.height !== height)) {
      this.plot.setSize({ width, height });
    }
  }

  // Says what stands under the pointer.
  read(plot) {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) {
      say(this.reading, "");
      return;
    }
    const x = plot.data[0][at];
    const parts = this.series.map(({ run, line, curve }) => {
      const place = nearest(curve.x, x);
      return `${run.name} ${line.words} ${figure(curve.mean[place])}`;
    });
    say(this.reading, `update ${whole(x)}: ${parts.join("; ")}`);
  }

  // Says the same in words, and in a table where that is open.
  tell() {
    const parts = this.series.map(({ run, line, curve }) => {
      const known = curve.mean.filter((one) => one !== null);
      if (!known.length) return `${run.name}, ${line.words}: no numbers`;
      const [first, last] = [known[0], known[known.length - 1]];
      const way = first === last ? "is" : `went from ${figure(first)} to`;
      return `${run.name}, ${line.words}: ${way} ${figure(last)} at update ${
        whole(curve.x[curve.x.length - 1])}`;
    });
    const words = parts.join(". ") + (parts.length ? "." : "");
    say(this.caption, words);
    this.drawn.setAttribute("aria-label", `${this.heading.textContent}. ${words}`);
    if (!this.numbers.open || !this.series.length) return;
    const last = Math.max(...this.series.map(({ curve }) => curve.x[curve.x.length - 1]));
    const first = Math.min(...this.series.map(({ curve }) => curve.x[0]));
    const places = Array.from({ length: ROWS }, (_, at) =>
      Math.round(first + ((last - first) * at) / (ROWS - 1)));
    const rows = [...new Set(places)].map((place) => [
      whole(place),
      ...this.series.map(({ curve }) => {
        const ended = place > curve.x[curve.x.length - 1] || place < curve.x[0];
        return ended ? "–" : figure(curve.mean[nearest(curve.x, place)]);
      }),
    ]);
    const heads = ["updates", ...this.series.map(({ run, line }) => `${run.name}, ${line.words}`)];
    refresh(this.inner, [heads, rows], () => table(heads, rows, heads.map((_, at) => at)));
  }
}

function nearest(sorted, x) {
  let low = 0;
  let high = sorted.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle;
    else high = middle;
  }
  return x - sorted[low] < sorted[high] - x ? low : high;
}
