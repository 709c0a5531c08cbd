// The page of a served model: asks what the model is and shows it, and asks what somebody types.
// Texts only ever become text: nothing that the server says is taken as markup.

const place = (id) => document.getElementById(id);
const token = takeToken();
let paths = {};
// Of several answers an explanation is of one: the first, until somebody asks for another one.
let answers = [];

// The token stands behind the # of the printed address, where no log holds it.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") ?? "";
}

function headers(more = {}) {
  return token ? { "X-Misstep-Token": token, ...more } : more;
}

async function read(path) {
  const got = await fetch(path, { headers: headers() });
  const told = await got.json();
  if (!got.ok) throw new Error(told.error ?? `status ${got.status}`);
  return told;
}

function line(body, ...cells) {
  const row = body.insertRow();
  for (const cell of cells) row.insertCell().textContent = cell;
}

function shown(value) {
  return value === undefined ? "" : JSON.stringify(value);
}

function fieldsOf(schema) {
  const body = place("fields").tBodies[0];
  for (const part of schema.oneOf ?? [schema]) {
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      const example = schema.example?.[name] ?? field.examples?.slice(0, 6);
      const words = field.description ?? [field.type ?? "numbers"].flat().join(" or ");
      line(body, name, words, shown(example));
    }
    if (part.items) line(body, "(a list)", part.description ?? "", "");
  }
}

function scoresOf(facts) {
  const body = place("scores").tBodies[0];
  for (const [split, scores] of Object.entries(facts.metrics ?? {})) {
    const words = Object.entries(scores).map(([name, score]) => `${name} ${Number(score.toPrecision(4))}`);
    line(body, split.replaceAll("_", " "), words.join(", "));
  }
}

function pathsOf(document_) {
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, what] of Object.entries(methods)) {
      const term = document.createElement("dt");
      term.textContent = `${method.toUpperCase()} ${path}`;
      const words = document.createElement("dd");
      words.textContent = what.summary;
      place("paths").append(term, words);
    }
  }
}

function showCommand() {
  const secret = token ? " -H 'Authorization: Bearer TOKEN'" : "";
  const question = place("question").value.replace(/\s*\n\s*/g, " ").replaceAll("'", "'\\''");
  place("command").textContent =
    `curl ${location.origin}/api/predict -H 'Content-Type: application/json'${secret} -d '${question}'`;
}

async function ask(path, question) {
  place("answer").textContent = "…";
  try {
    const got = await fetch(path, {
      method: "POST", headers: headers({ "Content-Type": "application/json" }), body: question,
    });
    place("answer").textContent = JSON.stringify(await got.json(), null, 2);
  } catch (error) {
    place("answer").textContent = `The server gave no answer: ${error.message}`;
  }
}

place("asking").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("/api/predict", place("question").value);
});
place("explain").addEventListener("click", () => {
  try {
    const row = JSON.parse(place("question").value).rows[0];
    ask("/api/explain", JSON.stringify(answers.length ? { row, answer: answers[0] } : { row }));
  } catch (error) {
    place("answer").textContent = `No row to explain: ${error.message}`;
  }
});
place("question").addEventListener("input", showCommand);
place("document").addEventListener("click", async (event) => {
  event.preventDefault();
  place("answer").textContent = JSON.stringify(await read("/api/openapi.json"), null, 2);
  place("answer").scrollIntoView();
});

try {
  const [about, document_] = await Promise.all([read("/api/model"), read("/api/openapi.json")]);
  paths = document_.paths;
  answers = about.answers;
  const schema = document_.components.schemas.Row;
  document.title = `${about.name} · misstep`;
  place("title").textContent = `${about.name}: predicts ${about.target}`;
  const classes = about.classes.length ? ` among ${about.classes.length} classes` : "";
  place("about").textContent = `${about.task}${classes}; ${about.parameters.toLocaleString("en")} parameters`;
  const question = about.task === "forecast" ? { steps: about.horizon } : { rows: [schema.example] };
  place("question").value = JSON.stringify(question, null, 2);
  place("explain").hidden = !("/api/explain" in paths);
  fieldsOf(schema);
  scoresOf(about.facts);
  pathsOf(document_);
  showCommand();
} catch (error) {
  place("about").textContent = `${error.message}`;
}
