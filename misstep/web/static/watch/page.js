// The page that watches runs: asks the server once a second and shows what is new.
// Everything it keeps is the latest answer, so that it does not grow however long it is open.

import { Cards } from "/cards.js";
import { Chart, colorOf, dashesOf } from "/charts.js";
import { element, refresh, say } from "/elements.js";
import { Runs } from "/runs.js";

// Milliseconds until the next question where one failed, and until one counts as failed; else the
// server says when to ask again.
const AGAIN_AFTER_FAILURE = 4000;
const PATIENCE = 15000;
// Runs that are shown without asking, and at most.
const FIRST_SHOWN = 5;
const MOST_SHOWN = 8;
// Words that stay for who can't see the page.
const MOST_TOLD = 5;

const place = (id) => document.getElementById(id);
let token = takeToken();
const shown = new Map(); // name → number of its color
const hidden = new Set(); // runs that somebody does not want to see
let answer = { version: "", runs: [], shown: {} };
let failures = 0;
let timer = 0;

const charts = {
  loss: new Chart(place("chart-loss"), { title: "Loss", lines: [
    { name: "loss", words: "training", banded: true },
    { name: "validation_loss", words: "validation", marked: true },
  ] }),
  score: new Chart(place("chart-score"), { title: "Score on validation rows", lines: [
    { name: "validation_accuracy", words: "share right", marked: true },
    { name: "validation_rmse", words: "RMSE", marked: true },
  ] }),
  rate: new Chart(place("chart-rate"), { title: "Learning rate", lines: [
    { name: "learning_rate", words: "learning rate" },
  ] }),
};
const runs = new Runs(place("runs"), { onChange: choose, onStop: confirmStop });
const cards = new Cards(place("cards"), { ask, tell });

// The token stands behind the # of the printed address. It is kept for this tab alone and taken out
// of the address, so that who gets that as a link can look and nothing else.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") ?? "";
}

function headers() {
  return token ? { "X-Misstep-Token": token } : {};
}

async function ask(path) {
  const got = await fetch(path, { headers: headers(), signal: AbortSignal.timeout(PATIENCE) });
  const told = await got.json();
  if (!got.ok) throw new Error(told.error ?? got.statusText);
  return told;
}

async function turn() {
  clearTimeout(timer);
  if (document.hidden) return; // It goes on when somebody looks again.
  try {
    // By its key, since a name may hold what an address can't.
    const query = new URLSearchParams(answer.runs.filter((run) => shown.has(run.name))
      .map((run) => ["show", run.key]));
    query.set("known", answer.version);
    const told = await ask(`/api/runs?${query}`);
    failures = 0;
    if (told.runs) {
      answer = told;
      if (chooseFirst()) {
        timer = setTimeout(turn, 50);
        show();
        return;
      }
      show();
    }
    const going = answer.runs.filter((run) => !run.is_over).length;
    say(place("connection"), going ? `Following ${going} of ${answer.runs.length}`
      : answer.runs.length ? "No run is going" : "Waiting for a run");
    const missing = [...shown.keys()].some((name) => !Object.hasOwn(answer.shown, name));
    timer = setTimeout(turn, missing ? told.again / 5 : told.again);
  } catch (error) {
    failures += 1;
    const words = error.name === "TypeError" || error.name === "TimeoutError"
      ? "The server of this page does not answer: it has ended, as with a training that is over, "
        + "or is busy. What stands here is the last that it said; misstep watch shows it again."
      : error.message;
    if (failures > 1 || answer.version === "") say(place("connection"), words);
    timer = setTimeout(turn, AGAIN_AFTER_FAILURE);
  }
}

// Shows what is going, then the latest ones, unless somebody chose otherwise.
function chooseFirst() {
  let chosen = false;
  for (const name of [...shown.keys()]) {
    if (!answer.runs.some((run) => run.name === name)) shown.delete(name);
  }
  const wanted = [...answer.runs].sort((a, b) => Number(a.is_over) - Number(b.is_over));
  for (const run of wanted) {
    const room = shown.size < FIRST_SHOWN || (!run.is_over && shown.size < MOST_SHOWN);
    if (room && !shown.has(run.name) && !hidden.has(run.name)) {
      shown.set(run.name, freeColor());
      chosen = true;
    }
  }
  return chosen;
}

function freeColor() {
  const taken = new Set(shown.values());
  let number = 0;
  while (taken.has(number)) number += 1;
  return number;
}

function choose(name, isShown) {
  if (isShown && shown.size < MOST_SHOWN) {
    hidden.delete(name);
    shown.set(name, freeColor());
  } else {
    if (isShown) tell(`At most ${MOST_SHOWN} runs are shown at once`);
    shown.delete(name);
    hidden.add(name);
  }
  show();
  turn();
}

function show() {
  place("no-runs").hidden = answer.runs.length > 0;
  place("view-only").hidden = Boolean(token) || !answer.runs.some((run) => run.can_stop);
  runs.show(answer.runs, shown, Boolean(token));
  const drawn = answer.runs
    .filter((run) => shown.has(run.name) && Object.hasOwn(answer.shown, run.name))
    .map((run) => ({ ...run, ...answer.shown[run.name], number: shown.get(run.name) }));
  showKeys(drawn);
  charts.loss.show(drawn, place("logarithmic").checked);
  charts.score.show(drawn);
  charts.rate.show(drawn, place("logarithmic").checked);
  cards.show(drawn);
}

function showKeys(drawn) {
  refresh(place("keys"), drawn.map((run) => [run.name, run.number]), () => [
    ...drawn.map((run) => element("li", {}, lineOf(run.number), run.name)),
    element("li", {}, "thin: training, thick: validation"),
  ]);
}

function lineOf(number) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 34 12");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "line");
  const facts = { x1: 1, x2: 33, y1: 6, y2: 6, stroke: `var(${colorOf(number)})`,
    "stroke-width": 2.5, "stroke-dasharray": dashesOf(number).join(" ") || "none" };
  for (const [name, value] of Object.entries(facts)) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

function tell(words) {
  const told = place("told");
  told.append(element("p", {}, words));
  while (told.children.length > MOST_TOLD) told.firstChild.remove();
}

function confirmStop({ name, key }) {
  const dialog = place("stopping");
  say(place("stopping-title"), `Stop ${name}?`);
  say(place("stopping-trouble"), "");
  place("stopping-no").onclick = () => dialog.close();
  place("stopping-yes").onclick = async () => {
    try {
      const got = await fetch("/api/stop", {
        method: "POST", body: JSON.stringify({ run: key }),
        headers: { ...headers(), "Content-Type": "application/json" },
      });
      const told = await got.json();
      if (!got.ok) throw new Error(told.error);
      tell(`${name}: ${told.words}`);
      dialog.close();
      turn();
    } catch (error) {
      say(place("stopping-trouble"), error.message);
    }
  };
  dialog.showModal();
  place("stopping-no").focus();
}

place("logarithmic").addEventListener("change", show);
document.addEventListener("visibilitychange", turn);
// The printed address, opened where the page is open already, loads nothing anew.
addEventListener("hashchange", () => {
  token = takeToken();
  show();
  turn();
});
ask("/api/root").then((told) => say(place("root"), told.root), () => undefined);
turn();
