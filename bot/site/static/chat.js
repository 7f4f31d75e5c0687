/* The chat page. The API is described in /api/openapi.json. */
const LIMIT = 1000;
const $ = (id) => document.getElementById(id);
const chat = $("chat"), log = $("log"), typing = $("typing"), confirm = $("confirm");
const form = $("composer"), input = $("text"), hint = $("hint"), count = $("count");
const CALL = `Du kan också ringa kontaktcenter på ${chat.dataset.phone}.`;

// sessionStorage ends with the tab. Where it is switched off, a reload starts anew.
const store = (key, value) => { try { sessionStorage.setItem(key, value || ""); } catch { /* off */ } };
const stored = (key) => { try { return sessionStorage.getItem(key); } catch { return ""; } };
let token = stored("chat-session");
let age = 0; // counts erasures: answers to an erased talk are dropped

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function button(title, onClick, attributes) {
  const node = el("button", { type: "button", ...attributes }, title);
  node.onclick = () => onClick(node);
  return node;
}

// The only place where text becomes HTML. The server has sanitised it.
const policy = window.trustedTypes?.createPolicy("chat", { createHTML: (html) => html });
const parse = (html) => new DOMParser()
  .parseFromString(policy?.createHTML(html) ?? html, "text/html").body.childNodes;

// crypto.randomUUID exists on https and localhost only.
const uuid = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g,
  (c) => (c ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> c / 4).toString(16));

async function api(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (token) headers.Authorization = `Bearer ${token}`;
  let response, data;
  try {
    response = await fetch(`/api/chat/${path}`, {
      method, headers, body: body && JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout?.(30000),
    });
    data = await (/json/.test(response.headers.get("Content-Type")) ? response.json() : response.blob());
  } catch {
    throw { status: 0 }; // no network, or no answer in time
  }
  if (response.ok) return data;
  throw { status: response.status, detail: data?.detail, wait: +response.headers.get("Retry-After") || 0 };
}

// -- The log --

// Whoever has scrolled up to read is left alone.
const following = () => !(log.lastChild?.getBoundingClientRect().top > innerHeight);

function add(nodes, follow = following()) {
  const before = log.offsetHeight;
  log.append(...nodes);
  if (!follow || !nodes.length) return;
  if (log.offsetHeight - before < innerHeight * 0.6) nodes.at(-1).scrollIntoView({ block: "nearest" });
  else nodes[0].scrollIntoView(); // long: reading begins at the top
}

function status(text) {
  const node = el("div", { class: "msg status" }, el("p", {}, text));
  add([node]);
  return node;
}

function render({ id, role, text, html, lang, choices, sources }) {
  const mine = role === "user";
  const language = { ...(lang && { lang }), dir: !lang ? "auto" : /^(ar|fa|ur|he|ps|ckb)\b/.test(lang) ? "rtl" : "ltr" };
  // The name takes focus after a choice: Tab goes on into the answer, which isn't read out twice.
  const node = el("div", { class: `msg ${mine ? "user" : "assistant"}` },
    el("p", { class: "who", tabindex: -1 }, mine ? "Du:" : "Assistenten:"),
    el("div", { class: "bubble", ...language }, ...(html && !mine ? parse(html) : [text || ""])));

  if (sources?.length) {
    const line = el("p", { class: "source" }, sources[1] ? "Källor: " : "Källa: ");
    sources.forEach(({ title, url, reviewed, read }, i) => {
      if (i) line.append("; ");
      line.append(/^(https?:\/)?\//.test(url) ? el("a", { href: url }, title) : title);
      const date = reviewed || read;
      if (date) line.append(reviewed ? ", granskad " : ", läst ", el("time", { datetime: date }, date));
    });
    node.append(line);
  }

  if (choices?.length) {
    const offeredBy = token;
    node.append(el("div", { class: "choices", role: "group", "aria-label": "Förslag", ...language },
      ...choices.map(({ id, title }) => {
        let busy = false; // a double click is one choice
        return button(title, async (pressed) => {
          if (busy) return;
          busy = true;
          // Only the session that offered a choice knows its id; later its words must do.
          await send(title, offeredBy === token ? { choice: id } : { text: title }, pressed);
          busy = false;
        });
      })));
  }

  if (!mine && id && sources?.length) node.append(feedback(id));
  return node;
}

// aria-live off: answers are announced, not this question after each of them.
function feedback(message) {
  const said = el("span", { role: "status" });
  let helpful;
  const rate = async (value, comment) => {
    try {
      await api("POST", "feedback", { message, helpful: value, ...(comment && { comment }) });
      helpful = value;
      said.textContent = "Tack för ditt svar.";
      return true;
    } catch {
      said.textContent = "Det gick inte att spara just nu.";
      return false;
    }
  };
  const vote = (title, value) => button(title, async (pressed) => {
    if (!await rate(value)) return;
    for (const one of votes) one.ariaPressed = one === pressed;
    more.hidden = false;
  }, { "aria-pressed": false });
  const votes = [vote("Ja", true), vote("Nej", false)];
  const line = el("input", { id: `more-${message}`, name: "comment", maxlength: 500, autocomplete: "off" });
  const more = el("form", { class: "comment", hidden: "" },
    el("label", { for: line.id }, "Vill du säga något mer? Det är frivilligt."),
    el("div", { class: "row" }, line, el("button", {}, "Skicka kommentar")));
  more.onsubmit = async (event) => {
    event.preventDefault();
    if (!line.value.trim() || !await rate(helpful, line.value.trim())) return;
    votes[+!helpful].focus();
    more.remove();
  };
  return el("div", { class: "feedback", role: "group", "aria-label": "Hjälpte svaret?", "aria-live": "off" },
    "Hjälpte svaret?", ...votes, said, more);
}

let waiting = 0, timers = [];
function wait(more) {
  waiting += more;
  timers.forEach(clearTimeout);
  if (!waiting) typing.textContent = "";
  const say = (text, after) => setTimeout(() => {
    typing.textContent = text;
    if (following()) typing.scrollIntoView({ block: "nearest" });
  }, after);
  if (waiting) timers = [say("Assistenten skriver …", 400), say("Det tar lite längre tid än vanligt.", 4000)];
}

// Says what went wrong, and offers `again` once the server's Retry-After is over.
function explain({ detail, wait: seconds = 0 }, fallback, again) {
  const node = status(detail || fallback);
  const retry = button("Försök igen", () => { node.remove(); again(); });
  if (again) setTimeout(() => node.append(retry), Math.min(seconds, 600) * 1000);
}

// -- Session --

function showNotice(text) {
  store("chat-notice", text); // said only once, but needed after a reload too
  $("notice").textContent = text || "";
  $("notice").hidden = !text;
}

let opening = null; // one session, even if two ask for it at once
function open() {
  if (!opening) token = null;
  return opening ??= api("POST", "sessions", {}).then(({ session, notice, messages }) => {
    store("chat-session", token = session);
    showNotice(notice);
    return messages;
  }).finally(() => { opening = null; });
}

async function start() {
  const asked = () => log.querySelector(".user"); // someone quick needs no greeting any more
  if (asked()) return;
  try {
    if (token) {
      const old = await api("GET", "messages").catch((e) => { if (e.status !== 401) throw e; });
      if (old) {
        log.ariaLive = "off"; // what was said before is no news
        log.prepend(...old.messages.map(render));
        showNotice(stored("chat-notice"));
        if (asked()) log.lastChild.scrollIntoView({ block: "end" });
        return setTimeout(() => { log.ariaLive = "polite"; }, 1000);
      }
    }
    const greeting = await open();
    if (!asked()) add(greeting.map(render), false);
  } catch (error) {
    explain(error, `Assistenten går inte att nå just nu. ${CALL}`, start);
  }
}

// -- Sending --

function send(text, body, pressed) {
  const mine = render({ role: "user", text });
  add([mine], true);
  return deliver({ ...body, client_id: uuid() }, text, mine, pressed);
}

let queue = Promise.resolve(); // one at a time, so that answers come in order
function deliver(body, text, mine, pressed) {
  const then = age;
  wait(1);
  return queue = queue.then(async () => {
    if (then !== age) return;
    if (!token) await open();
    const { messages } = await api("POST", "messages", body).catch(async (error) => {
      if (error.status !== 401 || then !== age) throw error;
      await open(); // the session had run out
      return api("POST", "messages", { text, client_id: body.client_id });
    });
    if (then !== age) return;
    const nodes = messages.map(render);
    add(nodes);
    // Unless the reader has gone elsewhere meanwhile.
    if (document.activeElement === pressed) nodes[0]?.firstChild.focus({ preventScroll: true });
  }).catch((error) => {
    if (then !== age) return;
    // Words the server won't take go back to be changed; all else may be tried again.
    const refused = [400, 404, 409, 413, 422].includes(error.status);
    if (refused && body.text && !input.value) write(text);
    const name = mine.firstChild; // takes focus: the pressed button is gone
    const retry = () => { name.focus(); deliver(body, text, mine, name); }; // with the same client_id
    explain(error, error.status ? `Assistenten svarar inte just nu. ${CALL}` : "Meddelandet kunde inte skickas.",
      refused ? null : retry);
  }).finally(() => wait(-1));
}

// -- Composer --

const length = () => [...input.value.trim()].length; // code points, as the server counts

function say(text) {
  if (hint.textContent !== text) hint.textContent = text; // live: only when it changes
}

function measure() {
  const n = length(), over = n > LIMIT;
  input.ariaInvalid = over;
  count.textContent = n >= 900 ? `${n.toLocaleString("sv")} av ${LIMIT.toLocaleString("sv")} tecken` : "";
  say(over ? "Meddelandet är för långt. Korta det eller dela upp det i flera." : "");
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight + 2}px`; // CSS stops it at four rows
}

function write(text) {
  input.value = text;
  measure();
}

form.onsubmit = (event) => {
  event.preventDefault();
  const text = input.value.trim(), bad = !text || length() > LIMIT;
  // A tap on the button leaves a phone's keyboard closed, so that the answer is seen.
  if (bad || !matchMedia("(pointer: coarse)").matches) input.focus();
  if (!text) say("Skriv din fråga först.");
  if (bad) return;
  write("");
  send(text, { text });
};
input.oninput = measure;
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
};

// What scrolls into view, or gets focus, must not end up behind the sticky composer.
const root = document.documentElement.style;
new ResizeObserver(() => root.setProperty("--composer", `${form.offsetHeight + 12}px`)).observe(form);

// -- Download and erase --

$("download").onclick = async () => {
  try {
    const href = URL.createObjectURL(await api("GET", "transcript"));
    el("a", { href, download: `samtal-${new Date().toLocaleDateString("sv")}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  } catch (error) {
    explain(error, "Samtalet kunde inte laddas ner. Försök igen om en stund.");
  }
};

$("erase").onclick = () => {
  confirm.returnValue = "";
  confirm.showModal();
};
confirm.onclose = async () => {
  if (confirm.returnValue !== "erase") return;
  const error = token && await api("DELETE", "session").then(() => null, (e) => e);
  // 401: it was gone already, which is what was asked for.
  if (error && error.status !== 401) return explain(error, `Samtalet kunde inte raderas. ${CALL}`);
  age += 1;
  token = null;
  store("chat-session");
  log.replaceChildren();
  write("");
  status("Samtalet är raderat.");
  start();
};

// -- How things are now --

// The page has it from when it was made; a tab that one comes back to looks again.
function show({ opening, crisis }) {
  $("opening").textContent = opening;
  const old = $("crisis");
  if ((old?.querySelector("span").textContent ?? "") === (crisis?.text ?? "")) return;
  old?.remove();
  if (!crisis) return;
  const line = el("p", {}, el("strong", {}, crisis.word), " ", el("span", {}, crisis.text));
  if (crisis.url) line.append(" ", el("a", { href: crisis.url }, crisis.title));
  // news in an open page: announced, once
  document.querySelector(".top").before(el("section",
    { id: "crisis", class: `crisis ${crisis.severity}`, "aria-label": "Viktigt meddelande" }, el("div", { role: "alert" }, line)));
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) api("GET", "status").then(show).catch(() => { /* no network: next time */ });
});

chat.hidden = false;
measure();
const ready = start();

// A link may come with a question of ours. A reload doesn't ask it again.
const { ask } = chat.dataset;
if (ask) {
  history.replaceState(null, "", location.pathname);
  ready.then(() => send(ask, { text: ask }));
}
