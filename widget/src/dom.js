/* Elements, and the one place where the service's HTML becomes nodes. */

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value != null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function button(title, onClick, attributes) {
  const node = el("button", { type: "button", part: "button", ...attributes }, title);
  // The second click of a double click is none: what it hits may just have moved there.
  node.onclick = ({ detail }) => detail < 2 && onClick(node);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
export function icon(path, turned) {
  const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "path");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["class", turned ? "turned" : ""]]) svg.setAttribute(name, value);
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

let policy;
try {
  policy = window.trustedTypes?.createPolicy("kontakt-chat", { createHTML: (html) => html });
} catch { /* the page allows no such policy: answers are shown as text */ }

const TAGS = new Set(["P", "UL", "OL", "LI", "A", "STRONG", "EM", "H3", "BR"]);

/* null where the page forbids even that.
   The service has sanitised its HTML; here only known tags and link targets are copied from an inert
   document, so that the embedding page need not take its word for it. */
export function fragment(html, base) {
  const made = document.createDocumentFragment();
  try {
    const parsed = new DOMParser().parseFromString(policy?.createHTML(html) ?? html, "text/html");
    copy(parsed.body, made, base);
    return made;
  } catch {
    return null;
  }
}

function copy(from, to, base) {
  for (const node of from.childNodes) {
    if (node.nodeType === 3) to.append(node.data);
    if (node.nodeType !== 1) continue;
    if (!TAGS.has(node.tagName)) copy(node, to, base);
    else if (node.tagName === "A") to.append(link(node.getAttribute("href"), node.textContent, base));
    else {
      const kept = el(node.tagName);
      copy(node, kept, base);
      to.append(kept);
    }
  }
}

/* A link that says where it goes; just its words if it goes nowhere known. */
export function link(href, text, base) {
  let url;
  try { url = new URL(href, `${base}/`); } catch { return text; }
  if (!/^(https?|tel|mailto):$/.test(url.protocol)) return text;
  const node = el("a", { href: url.href, part: "link" }, text);
  const host = url.host.replace(/^www\./, "");
  if (host && url.origin !== new URL(base).origin && !text.includes(host)) {
    node.append(" ", el("span", { class: "host", dir: "ltr" }, `(${host})`));
  }
  return node;
}

export const direction = (lang) => (!lang ? "auto" : /^(ar|fa|ur|he|ps|ckb)\b/.test(lang) ? "rtl" : "ltr");
