// What changes under an open page is shown on it. The pages work without this file; then a reload shows the same.
"use strict";

const SHORTEST = 1500;
const LONGEST = 20000;

// Ask again and again, more and more seldom while nothing changes, never while nobody looks, and not after the end.
function watch(url, show) {
  let pause = SHORTEST;
  let etag = null;
  let timer = null;
  let ended = false;

  async function ask() {
    timer = null;
    try {
      const headers = { Accept: "application/json" };
      if (etag) headers["If-None-Match"] = etag;
      const answer = await fetch(url, { headers, credentials: "same-origin", redirect: "manual" });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag");
        pause = SHORTEST;
        ended = show(await answer.json());
      } else if (answer.type === "opaqueredirect") {
        ended = sayLoggedOut();
      } else if (answer.status !== 304) {
        ended = answer.status === 403;
        pause *= 2;
      }
    } catch {
      pause *= 2; // no connection for the moment
    }
    pause = Math.min(pause * 1.5, LONGEST);
    plan();
  }

  function plan() {
    if (!ended && timer === null && document.visibilityState === "visible") timer = setTimeout(ask, pause);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    timer = null;
    pause = SHORTEST;
    plan();
  });
  plan();
}

// Sent to the log-in instead of answered: nothing on this page follows any more.
function sayLoggedOut() {
  document.querySelector("[data-logged-out]").hidden = false;
  return true;
}

// A chip is a tone, an icon and a word; whether anything was changed.
function drawChip(chip, state) {
  const word = chip.lastChild;
  if (word.textContent.trim() === state.label) return false;
  const use = chip.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${state.icon}`));
  chip.className = `chip tone-${state.tone}`;
  word.textContent = state.label;
  return true;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A task that somebody else has decided: said before the click, and the form is closed.
function closeForm(text) {
  const form = document.querySelector("form[data-decision]");
  const notice = document.querySelector("[data-live-notice]");
  if (!form || !notice || !text) return false;
  notice.querySelector("bdi").textContent = text;
  notice.hidden = false;
  for (const control of form.elements) control.disabled = true;
  return true;
}

// What happened, told anew: the part of the same page as it is by now.
async function retell() {
  const told = document.querySelector("[data-told]");
  if (!told) return;
  const answer = await fetch(window.location.href, { credentials: "same-origin" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("[data-told]");
  if (now) told.replaceWith(document.adoptNode(now));
}

const live = document.querySelector("[data-live]");
if (live) {
  const said = live.querySelector("[data-live-said]");
  let stand = live.dataset.stand;
  watch(live.dataset.live, (state) => {
    const news = [];
    const head = document.querySelector(".page-head .chip");
    if (state.chip && head && drawChip(head, state.chip)) news.push(state.chip.said);
    for (const item of live.querySelectorAll("[data-followed]")) {
      const now = state.followed[item.dataset.followed];
      if (now && drawChip(item.querySelector(".chip"), now)) news.push(now.said);
    }
    if (state.stand !== stand) retell().catch(() => {}); // a reload shows the same
    stand = state.stand;
    if (closeForm(state.whyNot)) news.push(state.whyNot);
    if (news.length) say(said, news.join(". "));
    return !state.isOpen;
  });
}

// A bulk decision: while it is on its way its numbers, then its list, and there what becomes of each request.
const running = document.querySelector("[data-progress]");
if (running) {
  const bar = running.querySelector("progress");
  const said = running.querySelector("[data-said]");
  const became = running.querySelector("[data-became]");
  watch(running.dataset.progress, (state) => {
    say(said, state.said);
    if (became) say(became, state.became);
    if (bar) {
      bar.value = state.total - state.open;
      if (state.ended) window.location.reload();
      return state.ended;
    }
    for (const cell of document.querySelectorAll("[data-item]")) {
      const now = state.states[cell.dataset.item];
      if (now) drawChip(cell.querySelector(".chip"), now);
    }
    return !state.isOpen;
  });
}

// How many rows are chosen.
const bar = document.querySelector("#bulk-form");
if (bar) {
  const counted = bar.querySelector("[data-chosen]");
  const all = document.querySelector("[data-choose-all]");
  const boxes = [...document.querySelectorAll('input[name="chosen"]')];
  const count = () => {
    const number = boxes.filter((box) => box.checked).length;
    say(counted, number ? `${counted.dataset.some} ${number}` : counted.dataset.none);
    all.checked = number > 0 && number === boxes.length;
    all.indeterminate = number > 0 && number < boxes.length;
  };
  all.hidden = boxes.length === 0;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  for (const box of boxes) box.addEventListener("change", count);
  window.addEventListener("pageshow", count);
}

// A usual message goes where the own words go, to be changed there.
document.addEventListener("change", (event) => {
  if (!event.target.matches('.usual input[type="radio"]')) return;
  const message = event.target.form.elements.message;
  message.value = event.target.value;
  event.target.checked = false;
  message.focus();
});
