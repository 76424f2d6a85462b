// Single keys for those who decide all day. Never while somebody types, never with a modifier; they can be switched off.
"use strict";

const SEARCHES = ["#searchbar", "#home-search", "#find"];
const OFF = "goodwill.keys.off";
const dialog = document.querySelector("#keys-help");
const TYPING = 'textarea, select, [contenteditable], input:not([type="checkbox"], [type="radio"], [type="submit"], [type="button"])';

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

function focusOn(selector) {
  const element = document.querySelector(selector);
  if (!element || element.disabled || !element.checkVisibility()) return false;
  element.focus();
  return true;
}

// To one of the two decisions; first to the message, where none is written yet.
let decision = null;

function decide(selector) {
  const button = document.querySelector(selector);
  const message = button && button.form && button.form.elements.message;
  if (!message) return focusOn(selector);
  decision = selector;
  return focusOn(message.value.trim() ? selector : `#${message.id}`);
}

// From the message to the decision that it was begun for.
function leaveMessage(event) {
  if (event.key !== "Enter" || !event.ctrlKey || !decision || event.target.name !== "message") return;
  if (!isOff() && focusOn(decision)) event.preventDefault();
}

// The row after or before the one that has the focus; the first one where none has.
function moveRow(step) {
  const links = [...document.querySelectorAll(".rows .row-link")];
  if (!links.length) return false;
  const row = document.activeElement.closest(".rows tr");
  const at = row ? links.findIndex((link) => row.contains(link)) : -1;
  const to = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
  links[to].focus({ preventScroll: true });
  links[to].closest("tr").scrollIntoView({ block: "nearest" });
  return true;
}

function chooseRow() {
  const row = document.activeElement.closest(".rows tr");
  const box = row && row.querySelector('input[name="chosen"]');
  if (!box) return false;
  box.click();
  return true;
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (!link) return false;
  link.click();
  return true;
}

function help() {
  dialog.showModal();
  return true;
}

const KEYS = {
  "/": () => SEARCHES.some(focusOn),
  j: () => moveRow(1) || follow("a[data-next]"),
  k: () => moveRow(-1) || follow("a[data-previous]"),
  x: chooseRow,
  a: () => decide(".button.approve"),
  r: () => decide(".button.reject"),
  n: () => follow("a[data-next]"),
  "?": help,
};

if (dialog) {
  const choice = dialog.querySelector("input");
  choice.checked = !isOff();
  choice.addEventListener("change", () => {
    try {
      if (choice.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      choice.checked = true; // the browser keeps nothing for this site
    }
  });
  for (const opener of document.querySelectorAll("[data-open-keys]")) {
    opener.hidden = false;
    opener.addEventListener("click", help);
  }
  document.addEventListener("keydown", leaveMessage);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (isOff() || dialog.open || event.target.closest(TYPING)) return;
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (act && act()) event.preventDefault();
  });
}
