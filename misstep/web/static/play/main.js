// The page: joins its parts, and moves the session on the server that they show. Everything that is
// known comes from there; the page itself computes nothing of a network.

import { Controls, words as settingWords } from "/play/controls.js";
import { Curves } from "/play/curves.js";
import { Doctor } from "/play/doctor.js";
import { at, fill, make } from "/play/elements.js";
import { Why } from "/play/why.js";
import { NetworkDrawing } from "/play/network.js";
import { figure, percent } from "/play/numbers.js";
import { GONE, Server, takeToken } from "/play/server.js";
import { Surface } from "/play/surface.js";
import { readTheme } from "/play/colors.js";

// Updates before each picture, and milliseconds from one picture to the next.
const SPEEDS = [
  ["1 update a second", 1, 1000], ["5 a second", 1, 200], ["30 a second", 1, 1000 / 30],
  ["300 a second", 10, 1000 / 30], ["3,000 a second", 100, 1000 / 30],
];
const USUAL = 2;
// Updates that each remedy is tried for.
const TRIED = 200;
// Below so many milliseconds from picture to picture, the next one is asked for ahead.
const AHEAD = 50;
// Pictures in which a preset is shown: about four seconds.
const SHOWN = 120;
// Milliseconds between what is read aloud, between explanations and between examinations in play.
const SPOKEN = 5000, EXPLAINED = 400, EXAMINED = 1500;

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const page = { playing: false, state: null, frame: null, speed: USUAL, wanted: null };
const server = new Server(takeToken());

const parts = {
  network: new NetworkDrawing(at("drawing"), {
    onSelect: (selected) => choose(selected),
    onLayers: (layers) => parts.controls.changeLayers(layers),
  }),
  surface: new Surface(at("surface"), { onRow: (row) => act("row", row) }),
  curves: new Curves(at("curves")),
  why: new Why(at("why"), { onSelect: (choice) => act("choose", { choice }) }),
  doctor: new Doctor(
    { findings: at("findings"), attempts: at("attempts"), broken: at("broken"), healthy: at("healthy") },
    {
      onTry: () => tryRemedies(),
      onStop: () => { parts.doctor.trying = false; },
      onAdopt: (attempt) => adopt(attempt),
      onPreset: (preset) => show(preset),
      onFound: (findings) => verdict(findings),
    }),
};

// --- what the server says -------------------------------------------------------------------------

function take(answer) {
  if (answer.state) takeState(answer);
  if (answer.frame) takeFrame(answer.frame);
  if (answer.link !== undefined) page.link = answer.link;
  if (answer.explanation !== undefined) {
    page.explanation = answer.explanation;
    parts.why.show(answer.explanation);
  }
  if (answer.diagnosis !== undefined) parts.doctor.show(answer.diagnosis);
  return answer;
}

function takeState({ state, rows }) {
  const before = page.state;
  page.state = state;
  if (before && JSON.stringify(before.settings) !== JSON.stringify(state.settings)) {
    parts.doctor.forget();
    page.caption = null;
  }
  const same = before && !rows && String(before.settings.layers) === String(state.settings.layers);
  if (rows) page.rows = rows;
  if (rows || !before) parts.surface.begin(state.problem, page.rows);
  if (!same) parts.network.begin(state.problem, state.settings);
  else parts.network.settings = state.settings;
  parts.controls.show(state.settings);
  parts.network.select(selection(state.choice));
  at("sentence").textContent = page.caption ?? sentence(state.problem);
  at("network-words").textContent = settingWords(state.settings);
  page.link = state.link;
}

function sentence(problem) {
  const known = page.problems.find((one) => one.name === problem.name);
  return [known?.sentence ?? problem.title, ...problem.notes].join(" ");
}

function takeFrame(frame) {
  page.frame = frame;
  parts.network.show(frame);
  parts.surface.show(frame);
  parts.curves.show(frame);
  at("update").textContent = frame.update.toLocaleString("en-US");
  const slider = at("slider");
  slider.max = String(Math.max(frame.furthest, 1));
  if (page.wanted === null) slider.value = String(frame.update);
  slider.setAttribute("aria-valuetext", `update ${frame.update} of ${frame.furthest}`);
  at("back").disabled = at("reset").disabled = frame.update === 0;
  at("step").disabled = at("play").disabled = frame.failed;
  now(frame);
  if (frame.failed && page.playing) pause();
}

function now({ now: { train_loss: train, held_out_loss: held, train_score: right, held_out_score: rightHeld, score }, failed }) {
  const accuracy = score === "accuracy", shown = (one) => (accuracy ? percent(one) : figure(one));
  const facts = [["loss", figure(train)], ["held out", figure(held)],
    [accuracy ? "right" : score, shown(right)], ["held out", shown(rightHeld)]];
  if (!at("now").childElementCount) {
    fill(at("now"), ...facts.map(() => make("div", {}, make("dt"), make("dd"))));
  }
  [...at("now").children].forEach((one, place) => {
    one.firstChild.textContent = facts[place][0];
    one.lastChild.textContent = facts[place][1];
  });
  at("transport").classList.toggle("failed", failed);
}

// In words what is seen, once nothing moves.
function speak() {
  const { frame } = page;
  if (!frame) return;
  const words = [`Update ${frame.update}.`, parts.curves.summary(), parts.surface.summary()];
  if (frame.failed) words.push("The next update can't be done: its loss is no finite number.");
  parts.network.speak(frame);
  at("status").textContent = words.join(" ");
  page.spoken = performance.now();
}

// What is found, in a word beside the network; a click leads to it.
function verdict([worst, ...others]) {
  const button = at("verdict");
  button.hidden = !worst;
  if (!worst) return;
  const more = others.length ? `, and ${others.length} more` : "";
  button.textContent = `${worst.severity}: ${worst.title}${more}`;
  button.className = worst.severity;
}

// --- what a person does ---------------------------------------------------------------------------

function tell(error) {
  const notice = at("notice");
  notice.hidden = false;
  fill(notice, make("span", { text: error.message }),
    make("button", { type: "button", text: "Close", onclick: () => { notice.hidden = true; } }));
  pause();
}

async function act(what, body = {}, after = null, { settles = true } = {}) {
  at("notice").hidden = true;
  try {
    const answer = take(await server.ask(what, body));
    after?.(answer);
    if (settles && !page.playing) settle();
    return answer;
  } catch (error) {
    if (error.status === GONE) return reopen();
    if (!(error.status >= 0)) throw error;
    if (page.state) parts.controls.show(page.state.settings);
    tell(error);
    return null;
  }
}

// The server keeps few sessions: one that it let go begins again from the link.
async function reopen() {
  // The address may say a moment long ago, since it stands still in play.
  await open(page.link ?? decoded(location.hash.slice(1)));
  return null;
}

// Once nothing moves: the chain rule, what the doctor says, and words.
function settle() {
  clearTimeout(page.settling);
  page.settling = setTimeout(async () => {
    if (!page.playing) {
      // Not in play: browsers allow few changes of an address.
      history.replaceState(null, "", `#${page.link}`);
      speak();
      await look("explain");
      await look("examine");
    }
    page.settling = null;
  }, 60);
}

async function look(what, body = {}) {
  try {
    take(await server.ask(what, body));
  } catch (error) {
    if (error.status !== GONE) tell(error);
  }
}

function choose(selected) {
  const { network } = parts;
  let choice = null;
  if (selected.kind === "weight") {
    choice = `${network.layers[selected.layer].name}.${selected.from}.${selected.to}`;
  } else if (selected.column > 0) choice = `unit.${selected.column}.${selected.unit}`;
  if (choice) act("choose", { choice });
}

// What is selected in the drawing, of what the engine calls it.
function selection(choice) {
  if (!choice) return null;
  if (choice.of === "unit") return { kind: "unit", column: choice.index[0], unit: choice.index[1] };
  const weights = page.frame?.weights.find((one) => one.name === choice.of);
  if (!weights || weights.layer === null) return null;
  if (choice.index.length < 2) return { kind: "unit", column: weights.layer, unit: choice.index[0] };
  return { kind: "weight", layer: weights.layer - 1, from: choice.index[0], to: choice.index[1] };
}

// One remedy after the other, until all are tried, or somebody stops it or goes on.
async function tryRemedies() {
  pause();
  const { doctor } = parts;
  doctor.forget();
  doctor.trying = true;
  doctor.offer();
  for (let what = "try"; doctor.trying && !page.playing; what = "try-next") {
    const answer = await act(what, { updates: TRIED }, null, { settles: false });
    if (answer?.others) doctor.others = answer.others;
    // A large network takes longer than one question may.
    if (answer?.trying) continue;
    if (!answer?.attempt || !doctor.trying) break;
    doctor.attempts.push(answer.attempt);
    doctor.offer();
  }
  doctor.trying = false;
  doctor.offer();
}

async function adopt(attempt) {
  pause();
  const { update } = page.frame;
  if (await act("adopt", { number: attempt.number }) === null) return;
  parts.doctor.forget();
  const way = attempt.begins_anew ? `it began anew, and stands at update ${page.frame.update}` : `it goes on from update ${update}`;
  parts.doctor.note = `Adopted: ${attempt.label}; ${way}.`;
  parts.doctor.offer();
  at("play").focus();
}

function step() {
  pause();
  act("step", { updates: 1 }, () => parts.network.flowBack());
}

function seek(update) {
  // Only the latest wish counts while one is on its way.
  const waiting = page.wanted !== null;
  page.wanted = update;
  if (waiting) return;
  (async () => {
    let goal;
    do {
      goal = page.wanted;
      if (await act("seek", { update: goal }) === null) break;
      // A long way goes in several questions.
    } while (page.wanted !== goal || (page.frame.update < goal && !page.frame.failed));
    page.wanted = null;
    if (page.frame) at("slider").value = String(page.frame.update);
  })();
}

function back() {
  pause();
  if (page.frame) seek(Math.max((page.wanted ?? page.frame.update) - 1, 0));
}

function pause() {
  page.playing = false;
  showPlaying();
}

function showPlaying() {
  const button = at("play");
  button.setAttribute("aria-label", page.playing ? "Pause" : "Play");
  document.body.classList.toggle("playing", page.playing);
}

const wait = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const painted = () => new Promise((done) => { requestAnimationFrame(done); });

// Begins a preset, and plays it as far as one must see.
async function show(preset) {
  pause();
  if (await act("preset", { preset: preset.name }) === null) return;
  page.caption = preset.sentence;
  at("sentence").textContent = preset.sentence;
  at("transport").scrollIntoView({ block: "nearest" });
  play(preset.updates);
}

// Plays on, or as far as `until` in about the time that people watch.
async function play(until = Infinity) {
  if (page.playing || !page.frame || page.frame.failed) return;
  page.playing = true;
  showPlaying();
  let explained = performance.now(), examined = explained, due = explained;
  page.pictures = { since: explained, count: 0 };
  const pace = () => (until < Infinity ? [Math.ceil(until / SHOWN), SPEEDS[USUAL][2]] : SPEEDS[page.speed].slice(1));
  const next = () => {
    const updates = Math.min(pace()[0], until - page.frame.update);
    return updates > 0 && !page.frame.failed ? act("step", { updates }) : null;
  };
  let asked = next();
  while (page.playing && asked) {
    if (!(await asked)) break;
    page.pictures.count += 1;
    const [, least] = pace();
    // At full speed the next picture is made while this one is painted.
    asked = page.playing && least <= AHEAD ? next() : null;
    await painted();
    const now = performance.now();
    if (now - (page.spoken ?? 0) > SPOKEN) speak();
    if (now - explained > EXPLAINED && page.state.choice) {
      explained = now;
      await look("explain");
    }
    if (now - examined > EXAMINED) {
      examined = now;
      await look("examine", { throttled: true });
    }
    // Counted from when it was due, so that waits do not add up; what is lost is not made up for.
    due = Math.max(due + least, performance.now() - least);
    // In short waits, so that a pause ends the slow speeds at once, too.
    while (page.playing && due > performance.now()) await wait(Math.min(due - performance.now(), 50));
    if (page.playing) asked ??= next();
  }
  await asked;
  pause();
  settle();
}

async function copy() {
  const address = `${location.origin}/#${page.link}`;
  try {
    await navigator.clipboard.writeText(address);
    at("copy").textContent = "Copied";
    at("status").textContent = "The link is copied.";
  } catch {
    at("copy").textContent = "It is in the address bar";
  }
  setTimeout(() => { at("copy").textContent = "Copy link"; }, 2000);
}

// --- the page's own ------------------------------------------------------------------------------

function dress(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  at("theme").textContent = dark ? "Light" : "Dark";
  at("theme").setAttribute("aria-label", `${dark ? "Light" : "Dark"} colors`);
  readTheme();
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, select, textarea, summary");
  const button = event.target.closest("button, summary");
  const actions = {
    " ": () => (page.playing ? pause() : play()), ".": step,
    ",": back,
    Home: () => { pause(); act("seek", { update: 0 }); },
  };
  if (typing || (button && [" ", "Home"].includes(event.key)) || !actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

async function open(link) {
  pause();
  try {
    const answer = await server.send("open", { link });
    page.problems = answer.problems;
    parts.controls ??= new Controls(at("controls"), answer.settings, answer.problems, {
      onChange: (settings) => act("change", { settings }),
    });
    parts.doctor.begin(answer.presets);
    take(answer);
    parts.network.select(selection(answer.state.choice));
    if (answer.frame.update < answer.goal) seek(answer.goal);
    else settle();
  } catch (error) {
    if (!(error.status >= 0)) throw error;
    if (link && error.status === 200) {
      await open("");
      tell(error);
    } else tell(error);
  }
}

// Some browsers escape what stands in an address; of what can't be read the server says so.
function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

function begin() {
  const kept = localStorage.getItem("misstep-theme");
  dress(kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  fill(at("speed"), ...SPEEDS.map(([text], number) => make("option", { value: number, text })));
  at("speed").value = String(page.speed);
  at("speed").addEventListener("change", () => { page.speed = Number(at("speed").value); });
  at("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme !== "dark";
    localStorage.setItem("misstep-theme", dark ? "dark" : "light");
    dress(dark);
  });
  at("play").addEventListener("click", () => (page.playing ? pause() : play()));
  at("step").addEventListener("click", step);
  at("back").addEventListener("click", back);
  at("reset").addEventListener("click", () => { pause(); act("seek", { update: 0 }); });
  at("slider").addEventListener("input", () => { pause(); seek(Number(at("slider").value)); });
  at("verdict").addEventListener("click", () => {
    at("trouble").scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth" });
    at("trouble").focus({ preventScroll: true });
  });
  at("copy").addEventListener("click", copy);
  at("show-held-out").addEventListener("change", () => page.frame && parts.surface.show(page.frame));
  document.addEventListener("keydown", key);
  // What stands behind the # is a link, so that a way within the page may not be written there.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    at("network").focus();
    at("network").scrollIntoView();
  });
  window.addEventListener("hashchange", () => {
    // Of a server that was started anew at the same port, the token is another one.
    const before = server.token;
    server.token = takeToken();
    const link = decoded(location.hash.slice(1));
    if (link !== page.link || server.token !== before) open(link);
  });
  open(location.hash.slice(1));
}

// For whoever looks from outside, tests above all: what is shown, and whether more is to come.
Object.defineProperty(page, "quiet", { get: () => !page.settling && server.waiting === 0 });
window.playground = page;
begin();
