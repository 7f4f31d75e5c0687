/* The chat API (/api/openapi.json), and what this browser remembers of it. */

const DAY = 24 * 3600 * 1000;

// crypto.randomUUID exists on https and localhost only.
export const uuid = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g,
  (c) => (c ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> c / 4).toString(16));

/* The token of the conversation, in localStorage and with an end: nothing else is kept.
   Where storage is switched off, the conversation lives as long as the page. */
export class Memory {
  #token = "";

  constructor(base) {
    this.key = `kontakt-chat ${base}`;
  }

  get token() {
    try {
      const { token, until } = JSON.parse(localStorage.getItem(this.key)) ?? {};
      if (token && until > Date.now()) return token;
      if (token) this.forget();
      return "";
    } catch {
      return this.#token;
    }
  }

  // Also called after each answer: it moves the end, and tells other tabs to look.
  keep(token) {
    this.#token = token;
    try {
      localStorage.setItem(this.key, JSON.stringify({ token, until: Date.now() + DAY }));
    } catch { /* off */ }
  }

  forget() {
    this.#token = "";
    try { localStorage.removeItem(this.key); } catch { /* off */ }
  }
}

/* Throws {status, detail, detail_en, wait}; status 0: no network, or no answer in time. */
export async function call(base, token, method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (token) headers.Authorization = `Bearer ${token}`;
  let response, data;
  try {
    response = await fetch(`${base}/api/chat/${path}`, {
      method, headers, body: body && JSON.stringify(body),
      cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout?.(30000),
    });
    data = await (/json/.test(response.headers.get("Content-Type")) ? response.json() : response.blob());
  } catch {
    throw { status: 0 };
  }
  if (response.ok) return data;
  throw {
    status: response.status, detail: data?.detail, detail_en: data?.detail_en,
    wait: +response.headers.get("Retry-After") || 0,
  };
}
