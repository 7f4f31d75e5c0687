// Keys for reading conversations: without them the page works just as well.
// They can be turned off (WCAG 2.1.4) and never act while somebody types.
"use strict";

const KEPT = "kortkommandon";
const keys = document.querySelector(".keys");
const toggle = keys.querySelector(".keys-toggle");
const help = keys.querySelector(".keys-help");
const list = document.getElementById("kommandon");
const turns = [...document.querySelectorAll(".turn")];

function remembered() {
  try {
    return localStorage.getItem(KEPT) !== "av";
  } catch {
    return true; // storage is blocked: then they are on until the page is left
  }
}

let on = remembered();

function show() {
  toggle.textContent = on ? "Stäng av kortkommandon" : "Sätt på kortkommandon";
  help.hidden = !on;
  if (!on) showHelp(false);
}

function showHelp(visible) {
  list.hidden = !visible;
  help.setAttribute("aria-expanded", String(visible));
  help.textContent = visible ? "Dölj kortkommandon" : "Visa kortkommandon";
}

function here() {
  return turns.findIndex((turn) => turn.contains(document.activeElement));
}

function go(steps) {
  const at = here();
  const next = at < 0 ? (steps > 0 ? 0 : turns.length - 1) : at + steps;
  turns[Math.max(0, Math.min(next, turns.length - 1))]?.focus();
}

function judge(number) {
  const turn = turns[Math.max(0, here())];
  const form = turn?.querySelector("form.verdict");
  if (!form) return;
  form.querySelectorAll("[name=omdome]")[number - 1].checked = true;
  if (number === 1 || number === 4) form.requestSubmit();
  else form.querySelector("[name=amne]").focus(); // Enter saves
}

const ACTIONS = {
  j: () => go(1),
  k: () => go(-1),
  s: () => document.querySelector("form.seen").requestSubmit(),
  "?": () => showHelp(list.hidden),
};

function typing(element) {
  return element.isContentEditable || element.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}

addEventListener("keydown", (event) => {
  if (!on || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target instanceof Element && typing(event.target)) return;
  const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (/^[1-4]$/.test(event.key)) judge(Number(event.key));
  else if (link) link.click();
  else if (Object.hasOwn(ACTIONS, event.key)) ACTIONS[event.key]();
  else return;
  event.preventDefault();
});

toggle.addEventListener("click", () => {
  on = !on;
  try {
    localStorage.setItem(KEPT, on ? "på" : "av");
  } catch {
    // nothing to remember it in
  }
  show();
});
help.addEventListener("click", () => showHelp(list.hidden));

keys.hidden = false;
show();
// after a verdict the address names the turn, so that j goes on from there
const named = turns.find((turn) => `#${turn.id}` === location.hash) ?? turns.find((turn) => turn.querySelector("[role=alert]"));
named?.focus();
