// Asks the server, one thing at a time, with the token of the address. Knows requests only.

// Of what a refusal says: the session is no more.
export const GONE = 410;
const KEPT = "misstep-token";

// The token stands behind the #, beside what a link holds; it is kept apart, so that a copied link
// does not give it away. A second page of the same address finds it too.
export function takeToken() {
  const parts = location.hash.replace(/^#/, "").split("&");
  const token = parts.find((one) => one.startsWith("token="))?.slice("token=".length);
  if (token) {
    localStorage.setItem(KEPT, token);
    history.replaceState(null, "", `#${parts.filter((one) => !one.startsWith("token=")).join("&")}`);
  }
  return localStorage.getItem(KEPT) ?? "";
}

class Refusal extends Error {
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

export class Server {
  constructor(token) {
    this.token = token;
    this.session = null;
    this.last = Promise.resolve();
    this.waiting = 0;
  }

  // Resolves to what the server says; what was asked before is answered before.
  ask(what, body = {}) {
    this.waiting += 1;
    const asked = this.last.catch(() => null).then(() => this.send(what, body));
    this.last = asked;
    return asked.finally(() => { this.waiting -= 1; });
  }

  async send(what, body) {
    let answer;
    try {
      answer = await fetch(`/api/${what}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-misstep-token": this.token },
        body: JSON.stringify({ ...body, session: this.session }),
      });
    } catch {
      throw new Refusal("The playground has ended: nothing answers at its address. Start it again with misstep play.", 0);
    }
    const said = await answer.json().catch(() => ({ error: answer.statusText }));
    if (said.gone) throw new Refusal("This page was left alone for too long.", GONE);
    if (said.error || !answer.ok) throw new Refusal(said.error ?? answer.statusText, answer.status);
    if (said.session) this.session = said.session;
    return said;
  }
}
