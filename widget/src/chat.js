import { call, Memory, uuid } from "./api.js";
import { button, direction, el, fragment, icon, link } from "./dom.js";
import { words } from "./words.js";
import css from "./style.css";

const LIMIT = 1000; // characters, as the service counts
const SLOW = 4000; // milliseconds until a slow answer is excused
const REFUSED = [400, 404, 409, 413, 422]; // trying again won't help
const BUBBLE = "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-6 5v-5H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z";
const CROSS = "M6 6l12 12M18 6L6 18";
const THUMB = "M7 11v9H3v-9zM7 12l4-9a2.5 2.5 0 0 1 2.5 2.5V9H20a1.5 1.5 0 0 1 1.5 1.8l-1.4 7.5A2 2 0 0 1 18.1 20H7";

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
const coarse = () => matchMedia("(pointer: coarse)").matches;

let sheet;

export function define(script) {
  if (customElements.get("kontakt-chat")) return;
  sheet = new CSSStyleSheet(); // a constructed sheet needs no style-src in the page's CSP
  sheet.replaceSync(css);
  customElements.define("kontakt-chat", class extends KontaktChat {
    origin = new URL(script).origin;
  });
}

class KontaktChat extends HTMLElement {
  static observedAttributes = ["lang"];

  #items = []; // what the log shows: {id?, role, text, node, state?}
  #age = 0; // counts erasures and new conversations: what belongs to an older one is dropped
  #queue = Promise.resolve();
  #waiting = 0;
  #timers = [];
  #opening = null;
  #loaded = false;
  #built = false;
  #begun = false; // the page's own question has been asked
  #missed = false; // another tab had news while an answer was on its way
  #stale = false; // ended by another tab

  connectedCallback() {
    if (!this.#built) this.#build();
    this.#life = new AbortController();
    const { signal } = this.#life;
    // Another tab has said something, ended the conversation, or begun one.
    addEventListener("storage", (event) => {
      if (event.key === this.#memory.key || event.key === null) this.#catchUp();
    }, { signal });
    addEventListener("focus", () => {
      this.#catchUp();
      if (!this.#panel.hidden) this.#look();
    }, { signal });
    addEventListener("online", () => this.#again(), { signal });
  }

  #life;

  disconnectedCallback() {
    this.#life.abort();
    this.#hush();
  }

  attributeChangedCallback() {
    if (!this.#built || this.#lang() === this.#spoken) return;
    const shown = !this.#panel.hidden, draft = this.#input.value;
    this.shadowRoot.replaceChildren();
    this.#items = [];
    this.#loaded = false;
    this.#build();
    this.#write(draft);
    if (shown) this.open();
  }

  /** Shows the chat and moves focus into it. */
  open() {
    if (!this.#built) return;
    this.#panel.hidden = false;
    this.#launcher.hidden = true;
    this.#launcher.ariaExpanded = "true";
    this.#label(false);
    // On a phone the keyboard stays down, so that the greeting is seen.
    (coarse() ? this.#title : this.#input).focus({ preventScroll: true });
    if (this.#memory.token) this.#look(); // a new conversation begins with it
    if (!this.#loaded) this.#start();
    else this.#catchUp();
  }

  /** Hides the chat; the conversation goes on when it is opened again. */
  close() {
    if (!this.#built || this.#panel.hidden) return;
    const inside = this.shadowRoot.activeElement;
    this.#panel.hidden = true;
    this.#launcher.hidden = false;
    this.#launcher.ariaExpanded = "false";
    this.#hush();
    if (inside) this.#launcher.focus();
  }

  // -- What it is made of --

  #t;
  #spoken;
  #base;
  #memory;
  #launcher;
  #caption;
  #news;
  #panel;
  #title;
  #hours;
  #crisis;
  #alert;
  #known;
  #notice;
  #scroller;
  #log;
  #typing;
  #input;
  #hint;
  #count;
  #aloud;
  #confirm;

  #lang() {
    const lang = this.lang || this.parentElement?.closest("[lang]")?.lang || "sv";
    return /^en\b/i.test(lang) ? "en" : "sv";
  }

  #build() {
    this.#spoken = this.#lang();
    const t = this.#t = words(this.#spoken);
    const src = this.getAttribute("src");
    this.#base = (src ? new URL(src, document.baseURI).href : this.origin).replace(/\/+$/, "");
    this.#memory = new Memory(this.#base);

    this.#caption = el("span", {}, t.launch);
    this.#launcher = button("", () => this.open(), { part: "launcher", class: "launcher", "aria-expanded": "false", "aria-controls": "panel" });
    this.#launcher.append(icon(BUBBLE), this.#caption);
    this.#news = el("span", { class: "vh", role: "status" });

    this.#title = el("h2", { id: "title", tabindex: -1, part: "title" }, t.title);
    const close = button("", () => this.close(), { class: "close", "aria-label": t.close });
    close.append(icon(CROSS));
    const human = button(t.human, (node) => this.#say(t.human, { text: t.human }, node), { class: "human", part: "button human" });

    this.#hours = el("p", { class: "opening", part: "opening" });
    this.#crisis = el("section", { "aria-label": t.crisis, part: "crisis", hidden: true });
    this.#alert = el("p", { class: "vh", role: "alert" });
    this.#known = "";
    this.#notice = el("p", { class: "notice", part: "notice" }, t.notice);
    this.#log = el("div", { class: "log", part: "log", role: "log", "aria-live": "polite", "aria-label": t.log });
    this.#typing = el("p", { class: "typing", role: "status", part: "typing" });
    this.#scroller = el("div", { class: "middle", role: "group", "aria-label": t.log, tabindex: 0 }, this.#notice, this.#log, this.#typing);

    this.#input = el("textarea", { id: "text", rows: 1, autocomplete: "off", enterkeyhint: "send", "aria-describedby": "keys hint count", part: "field" });
    this.#hint = el("p", { id: "hint", role: "status", class: "hint" });
    this.#count = el("p", { id: "count", class: "count" });
    const form = el("form", { class: "composer", part: "composer" },
      el("label", { for: "text" }, t.field),
      el("div", { class: "row" }, this.#input, el("button", { class: "primary", part: "button send" }, t.send)),
      el("div", { class: "under" }, el("p", { id: "keys", class: "keys" }, t.keys), this.#hint, this.#count));
    form.onsubmit = (event) => this.#submit(event);
    this.#input.oninput = () => this.#measure();
    this.#input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };

    const tools = el("div", { class: "tools" });
    if ("speechSynthesis" in window) {
      this.#aloud = button(t.aloud, (node) => {
        node.ariaPressed = node.ariaPressed === "true" ? "false" : "true";
        if (node.ariaPressed === "false") this.#hush();
        else this.#read(this.#items.findLast(({ role }) => role === "assistant"));
      }, { "aria-pressed": "false" });
      tools.append(this.#aloud);
    }
    tools.append(button(t.download, () => this.#download()), button(t.end, () => this.#ask()));

    this.#confirm = el("dialog", { "aria-labelledby": "end-title", "aria-describedby": "end-text", part: "dialog" },
      el("h2", { id: "end-title" }, t.endTitle), el("p", { id: "end-text" }, t.endText),
      el("div", { class: "tools" },
        button(t.back, () => this.#confirm.close(), { autofocus: true }),
        button(t.endNow, () => this.#end(false)),
        button(t.erase, () => this.#end(true), { class: "danger" })));

    this.#panel = el("div", { id: "panel", class: "panel", part: "panel", role: "group", "aria-labelledby": "title", hidden: true },
      el("div", { class: "head", part: "header" }, el("div", {}, this.#title, el("p", {}, t.machine), this.#hours), close),
      this.#crisis,
      el("p", { class: "sos", part: "help" }, `${t.danger} `, el("a", { href: "tel:112" }, t.call)),
      this.#scroller, form,
      el("div", { class: "foot" }, human, el("details", { class: "more" }, el("summary", {}, t.tools), tools)),
      this.#confirm);
    // Escape closes, unless it closes the question about ending.
    this.#panel.onkeydown = (event) => {
      if (event.key === "Escape" && !this.#confirm.open && !event.isComposing) this.close();
    };

    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(el("aside", { lang: this.#spoken, "aria-label": t.name, part: "chat" }, this.#launcher, this.#news, this.#alert, this.#panel));
    this.#built = true;
  }

  // Whether kontaktcenter is open now, and what everybody must know.
  async #look() {
    try {
      this.#situation(await call(this.#base, "", "GET", `status?lang=${this.#spoken}`));
    } catch { /* no network: next time */ }
  }

  #situation({ opening, crisis }) {
    this.#hours.textContent = opening;
    const said = crisis ? `${crisis.word} ${crisis.text}` : "";
    if (said === this.#known) return; // read out once, not each time the chat is opened
    this.#known = said;
    this.#crisis.hidden = !crisis;
    this.#alert.textContent = said;
    setTimeout(() => { this.#alert.textContent = ""; }, 5000); // else it is met twice when browsing
    if (!crisis) return;
    this.#crisis.className = `crisis ${crisis.severity}`;
    this.#crisis.replaceChildren(el("strong", {}, crisis.word), ` ${crisis.text} `, ...crisis.url ? [link(crisis.url, crisis.title, this.#base)] : []);
  }

  #label(unread) {
    this.#caption.textContent = unread ? this.#t.unread : this.#t.launch;
    this.#news.textContent = unread ? this.#t.unread : "";
  }

  // -- The log --

  #show(items) {
    // Whoever has scrolled up to read is left alone.
    const box = this.#scroller, following = this.#following();
    const before = box.scrollHeight;
    this.#items.push(...items);
    this.#log.append(...items.map(({ node }) => node));
    if (!following || !items.length) return;
    const long = box.scrollHeight - before > box.clientHeight * 0.9;
    items.at(long ? 0 : -1).node.scrollIntoView({ block: long ? "start" : "nearest" });
  }

  #following() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  #status(text) {
    const node = el("div", { class: "msg status", part: "status" }, el("p", {}, text));
    this.#show([{ node, role: "status" }]);
    return node;
  }

  #item({ id, role, text = "", html, lang, choices = [], sources = [] }) {
    const t = this.#t, mine = role === "user", said = { lang: mine ? null : lang, dir: mine ? "auto" : direction(lang) };
    // The name takes focus after a choice: Tab goes on into the answer, which isn't read out twice.
    const node = el("div", { class: `msg ${mine ? "user" : "assistant"}`, part: `message ${mine ? "user" : "assistant"}` },
      el("p", { class: "who", tabindex: -1 }, mine ? t.you : t.it),
      el("div", { class: "bubble", part: "bubble", ...said }, (!mine && html && fragment(html, this.#base)) || text));
    const item = { id, role, text, lang, node };

    if (sources.length) {
      node.append(el("details", { class: "sources" }, el("summary", {}, t.sources(sources.length)),
        el("ul", {}, ...sources.map(({ title, url, reviewed, read }) => {
          const line = el("li", {}, link(url, title, this.#base)), date = reviewed || read;
          if (date) line.append(`, ${reviewed ? t.reviewed : t.read} `, el("time", { datetime: date }, date));
          return line;
        }))));
    }
    if (choices.length) {
      const offeredBy = this.#age;
      node.append(el("div", { class: "choices", role: "group", "aria-label": t.suggestions, ...said },
        ...choices.map((choice) => {
          let busy = false; // a double click is one choice
          return button(choice.title, async (pressed) => {
            if (busy) return;
            busy = true;
            // Only the conversation that offered a choice knows its id; later its words must do.
            await this.#say(choice.title, offeredBy === this.#age ? { choice: choice.id } : { text: choice.title }, pressed);
            busy = false;
          }, { part: "button choice" });
        })));
    }
    if (!mine && id && sources.length) node.append(this.#feedback(id));
    return item;
  }

  // aria-live off: answers are announced, not this question after each of them.
  #feedback(message) {
    const t = this.#t, said = el("span", { role: "status" });
    let vote;
    const send = async (helpful, comment) => {
      try {
        await this.#call("POST", "feedback", { message, helpful, ...(comment && { comment }) });
        vote = helpful;
        said.textContent = t.thanks;
        return true;
      } catch {
        said.textContent = t.unsaved;
        return false;
      }
    };
    const thumb = (title, helpful) => {
      const made = button("", async () => {
        if (!await send(helpful)) return;
        for (const one of votes) one.ariaPressed = one === made ? "true" : "false";
        more.hidden = false;
      }, { "aria-pressed": "false" });
      made.append(icon(THUMB, !helpful), title);
      return made;
    };
    const votes = [thumb(t.yes, true), thumb(t.no, false)];
    const field = el("input", { id: `more-${message}`, maxlength: 500, autocomplete: "off" });
    const more = el("form", { class: "comment", hidden: true },
      el("label", { for: `more-${message}` }, t.more),
      el("div", { class: "row" }, field, el("button", { part: "button" }, t.sendMore)));
    more.onsubmit = async (event) => {
      event.preventDefault();
      if (!field.value.trim() || !await send(vote, field.value.trim())) return;
      votes[+!vote].focus();
      more.remove();
    };
    return el("div", { class: "feedback", role: "group", "aria-label": t.helpful, "aria-live": "off" },
      el("span", {}, t.helpful), ...votes, said, more);
  }

  #wait(more) {
    this.#waiting += more;
    this.#timers.forEach(clearTimeout);
    if (!this.#waiting) {
      this.#typing.textContent = "";
      if (this.#missed) this.#catchUp();
    }
    const say = (text, after) => setTimeout(() => {
      this.#typing.textContent = text;
      if (this.#following()) this.#typing.scrollIntoView({ block: "nearest" });
    }, after);
    this.#timers = this.#waiting ? [say(this.#t.typing, 400), say(this.#t.slow, SLOW)] : [];
  }

  // -- The conversation --

  async #call(method, path, body) {
    return call(this.#base, this.#memory.token, method, path, body);
  }

  #begin() {
    if (!this.#opening) this.#memory.forget();
    return this.#opening ??= this.#call("POST", "sessions", {
      lang: this.#spoken, context: this.getAttribute("context") || undefined,
    }).then(({ session, notice, messages, status }) => {
      this.#memory.keep(session);
      this.#situation(status);
      if (notice) this.#notice.textContent = notice;
      return messages.map((message) => this.#item(message));
    }).finally(() => { this.#opening = null; });
  }

  // Old messages are no news: they come in silence.
  #quietly(change) {
    this.#log.ariaLive = "off";
    change();
    setTimeout(() => { this.#log.ariaLive = "polite"; }, 1000);
  }

  async #start() {
    const age = this.#age, asked = () => this.#items.some(({ role }) => role === "user");
    this.#loaded = true;
    this.#stale = false;
    try {
      const old = this.#memory.token && await this.#history();
      if (age !== this.#age) return;
      if (old) {
        this.#quietly(() => this.#reconcile(old.messages));
        this.#bottom();
      } else if (!this.#memory.token) {
        const greeting = await this.#begin();
        if (age === this.#age && !asked()) this.#show(greeting); // someone quick needs none
      }
      if (!asked() && !this.#begun) this.#topic();
    } catch (error) {
      if (age !== this.#age) return;
      this.#loaded = false;
      this.#explain(error, () => this.#start());
    }
  }

  // null if the conversation is over.
  async #history() {
    const { token } = this.#memory;
    return this.#call("GET", "messages").catch((error) => {
      if (error.status !== 401) throw error;
      if (this.#memory.token === token) this.#memory.forget();
      return null;
    });
  }

  #topic() {
    this.#begun = true; // not again after an erasure
    const topic = this.getAttribute("topic")?.trim();
    if (!topic) return;
    if (!/^[a-z0-9-]+$/.test(topic)) this.#say(topic, { text: topic });
    else this.#deliver({ topic, client_id: uuid() }, topic);
  }

  /* Show what the service has: known messages keep their nodes, new ones are added, gone ones go. */
  #reconcile(messages) {
    const known = [...this.#items];
    const take = (fits) => {
      const at = known.findIndex(fits);
      return at < 0 ? null : known.splice(at, 1)[0];
    };
    const items = messages.map((message) => {
      const found = take(({ id }) => id === message.id)
        ?? take(({ id, role, text }) => !id && role === "user" && message.role === "user" && text === message.text);
      if (found) found.id = message.id;
      if (found?.state) this.#mark(found, ""); // it had come through, only the answer was lost
      return found ?? this.#item(message);
    });
    // What hasn't been sent yet stays last.
    items.push(...known.filter(({ state }) => state));
    this.#items = items;
    items.forEach(({ node }, i) => {
      if (this.#log.children[i] !== node) this.#log.insertBefore(node, this.#log.children[i] ?? null);
    });
    while (this.#log.children.length > items.length) this.#log.lastChild.remove();
  }

  #bottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  async #catchUp() {
    if (this.#stale && !this.#panel.hidden) return this.#start();
    this.#missed = this.#waiting > 0;
    if (!this.#loaded || this.#waiting || this.#opening) return;
    const age = this.#age, { token } = this.#memory;
    if (!token) {
      if (this.#items.some(({ id }) => id)) this.#reset(this.#t.ended);
      return;
    }
    if (this.#panel.hidden) return; // looked up when it is opened
    try {
      const old = await this.#history();
      if (age !== this.#age || this.#waiting || token !== this.#memory.token) return;
      if (!old) return this.#reset(this.#t.ended);
      const before = this.#items.length;
      this.#reconcile(old.messages);
      if (this.#items.length > before) this.#bottom();
    } catch { /* no network: next time */ }
  }

  #reset(text) {
    this.#age += 1;
    this.#items = [];
    this.#log.replaceChildren();
    this.#hush();
    if (text) this.#status(text);
    this.#loaded = false;
    // A tab in the background leaves it to the other one to begin anew.
    this.#stale = !document.hasFocus();
    if (!this.#panel.hidden && !this.#stale) this.#start();
  }

  // -- Sending --

  #say(text, body, pressed) {
    const item = { ...this.#item({ role: "user", text }), age: this.#age };
    item.note = el("p", { class: "state" });
    item.node.append(item.note);
    this.#show([item]);
    item.node.scrollIntoView({ block: "nearest" });
    return this.#deliver({ ...body, client_id: uuid() }, text, item, pressed);
  }

  #mark(item, state, ...nodes) {
    if (!item) return;
    item.state = state;
    item.note.replaceChildren(...nodes);
  }

  // One at a time, so that answers come in order.
  #deliver(body, text, item, pressed) {
    const age = this.#age, t = this.#t;
    this.#mark(item, "waiting");
    const slow = setTimeout(() => { if (item?.state === "waiting") this.#mark(item, "waiting", t.sending); }, 300);
    this.#wait(1);
    return this.#queue = this.#queue.then(async () => {
      if (this.#dropped(item, age)) return;
      const answer = await this.#post(body, text, item, age);
      if (!answer) return;
      this.#memory.keep(this.#memory.token);
      this.#mark(item, "");
      if (!item) return this.#reconcile((await this.#history())?.messages ?? []);
      const shown = new Set(this.#items.map(({ id }) => id));
      const items = answer.filter(({ id }) => !shown.has(id)).map((message) => this.#item(message));
      this.#show(items);
      this.#read(items[0], items.length > 1 && items.slice(1));
      if (this.#panel.hidden) this.#label(true);
      // Unless the reader has gone elsewhere meanwhile.
      if (pressed && this.shadowRoot.activeElement === pressed && this.#log.contains(pressed)) {
        items[0]?.node.firstChild.focus({ preventScroll: true });
      }
    }).catch((error) => {
      if (this.#dropped(item, age)) return;
      if (item) this.#failed(error, body, text, item);
      else this.#explain(error, () => this.#topic());
    }).finally(() => {
      clearTimeout(slow);
      this.#wait(-1);
    });
  }

  // Erased meanwhile: nobody wants the answer any more.
  #dropped(item, age) {
    return item ? !this.#items.includes(item) : age !== this.#age;
  }

  async #post(body, text, item, age) {
    // A choice is known to the conversation that offered it; in a later one its words must do.
    if (body.choice && item.age !== this.#age) body = { text, client_id: body.client_id };
    for (let tries = 0; ; tries += 1) {
      try {
        if (!this.#memory.token) await this.#renew(item);
        const { messages } = await this.#call("POST", "messages", body);
        return this.#dropped(item, age) ? null : messages;
      } catch (error) {
        if (this.#dropped(item, age)) return null;
        if (error.status === 401 && !tries) {
          await this.#renew(item);
          if (!body.topic) body = { text, client_id: body.client_id };
        } else if (error.status === 404 && body.topic) {
          body = { text, client_id: body.client_id };
        } else if (error.status === 429 && tries < 3 && error.wait <= 120) {
          this.#mark(item, "waiting", this.#t.wait(error.wait));
          await pause(error.wait * 1000);
        } else throw error;
      }
    }
  }

  /* The conversation is over: a new one begins, with the message that is on its way. */
  async #renew(item) {
    const had = this.#items.some(({ id }) => id);
    await this.#begin();
    if (!had) return;
    this.#age += 1;
    const unsent = this.#items.filter((one) => one === item || one.state);
    this.#items = [];
    this.#log.replaceChildren();
    this.#status(this.#t.renewed);
    this.#show(unsent);
  }

  #failed(error, body, text, item) {
    const t = this.#t, refused = REFUSED.includes(error.status);
    const said = this.#spoken === "en" ? error.detail_en : error.detail;
    // Words the service won't take go back to be changed; all else may be tried again.
    if (refused && body.text && !this.#input.value) this.#write(text);
    const retry = button(t.retry, () => {
      item.node.firstChild.focus({ preventScroll: true }); // the pressed button goes
      item.retry();
    });
    item.retry = () => this.#deliver(body, text, item, item.node.firstChild); // same client_id: never twice
    item.lost = !error.status;
    this.#mark(item, "failed", `${said || t.failed} `);
    if (refused) item.state = ""; // never again by itself
    else setTimeout(() => item.state === "failed" && item.note.append(retry), Math.min(error.wait ?? 0, 600) * 1000);
    this.#log.lastChild === item.node && item.node.scrollIntoView({ block: "nearest" });
  }

  // The network is back.
  #again() {
    for (const item of this.#items) if (item.state === "failed" && item.lost) item.retry();
    if (!this.#loaded && !this.#panel.hidden && !this.#items.some(({ state }) => state)) {
      this.#log.replaceChildren();
      this.#items = [];
      this.#start();
    }
  }

  #explain({ detail, detail_en, wait = 0 }, again, fallback) {
    const phone = this.getAttribute("phone");
    const said = this.#spoken === "en" ? detail_en : detail;
    const text = said || fallback || this.#t.unreachable + (phone ? this.#t.phone(phone) : "");
    const node = this.#status(text);
    const retry = button(this.#t.retry, () => {
      this.#items = this.#items.filter((item) => item.node !== node);
      node.remove();
      this.#input.focus();
      again();
    });
    if (again) setTimeout(() => node.append(retry), Math.min(wait, 600) * 1000);
  }

  // -- Writing --

  #length() {
    return [...this.#input.value.trim()].length; // code points, as the service counts
  }

  #measure() {
    const n = this.#length(), over = n > LIMIT;
    this.#input.ariaInvalid = over ? "true" : "false";
    this.#count.textContent = n >= LIMIT * 0.9 ? this.#t.count(n.toLocaleString(this.#spoken), LIMIT.toLocaleString(this.#spoken)) : "";
    this.#hinted(over ? this.#t.long : "");
  }

  #hinted(text) {
    if (this.#hint.textContent !== text) this.#hint.textContent = text; // live: only when it changes
  }

  #write(text) {
    this.#input.value = text;
    this.#measure();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim(), bad = !text || this.#length() > LIMIT;
    if (bad || !coarse()) this.#input.focus();
    if (!text) this.#hinted(this.#t.empty);
    if (bad) return;
    this.#write("");
    this.#say(text, { text });
  }

  // -- Reading aloud --

  #read(item, rest) {
    if (!item || this.#aloud?.ariaPressed !== "true" || this.#panel.hidden) return;
    for (const { node, lang } of [item, ...(rest || [])]) {
      const speech = new SpeechSynthesisUtterance(node.querySelector(".bubble").innerText);
      speech.lang = lang || this.#spoken;
      speechSynthesis.speak(speech);
    }
  }

  #hush() {
    if (this.#aloud) speechSynthesis.cancel();
  }

  // -- Download, end and erase --

  async #download() {
    try {
      if (!this.#memory.token) return;
      const href = URL.createObjectURL(await this.#call("GET", "transcript"));
      el("a", { href, download: `${this.#t.file}-${new Date().toLocaleDateString("sv")}.txt` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60000);
    } catch (error) {
      this.#explain(error, null, this.#t.noDownload);
    }
  }

  #ask() {
    this.#confirm.showModal();
  }

  async #end(erase) {
    this.#confirm.close();
    if (erase && this.#memory.token) {
      const error = await this.#call("DELETE", "session").then(() => null, (e) => e);
      // 401: it was gone already, which is what was asked for.
      if (error && error.status !== 401) return this.#explain(error, null, this.#t.noErase);
    }
    this.#memory.forget();
    this.#write("");
    if (this.#aloud) this.#aloud.ariaPressed = "false";
    this.#reset(erase ? this.#t.erased : this.#t.ended);
    this.#title.focus();
  }
}
