// What the browser adds to pages that work without it: keys, local times, a list that fills itself.

const rows = document.getElementById("rows");
const said = document.getElementById("said");
const fresh = document.getElementById("fresh");
const EVERY = 4000;

// --- Times ----------------------------------------------------------------------------------

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = exact.format(at);
  }
}

// --- The list refreshes itself --------------------------------------------------------------

let waiting = null;

function keysOf(list) {
  return new Map([...list.querySelectorAll("li[data-at]")].map((row) => [row.id, row.dataset.at]));
}

function show(next) {
  const before = keysOf(rows);
  const focused = document.activeElement?.closest?.("#rows li")?.id;
  rows.replaceChildren(...next.childNodes);
  localTimes(rows);
  for (const [id, at] of keysOf(rows)) {
    if (before.get(id) !== at) document.getElementById(id).classList.add("arrived");
  }
  if (focused) document.getElementById(focused)?.querySelector("a")?.focus();
  const empty = document.getElementById("empty");
  if (empty) empty.hidden = rows.childElementCount > 0;
  waiting = null;
  if (fresh) fresh.hidden = true;
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(rows.dataset.live, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const next = document.createElement("ol");
  next.append(document.createRange().createContextualFragment(await answer.text()));
  const before = keysOf(rows);
  const changed = [...keysOf(next)].filter(([id, at]) => before.get(id) !== at).length;
  if (!changed && before.size === keysOf(next).size) {
    if (rows.textContent !== next.textContent && !waiting) show(next);
    return;
  }
  const words = changed === 1 ? "1 thread with new mail" : `${changed} threads with new mail`;
  if (changed && said.textContent !== words) said.textContent = words;
  // Nobody's row may move from under the pointer: further down, the reader decides.
  if (window.scrollY > 80 && fresh && changed) {
    waiting = next;
    fresh.textContent = `${words}, press . to show`;
    fresh.hidden = false;
  } else {
    show(next);
  }
}

if (rows?.dataset.live) {
  setInterval(() => refresh().catch(() => {}), EVERY);
  document.addEventListener("visibilitychange", () => refresh().catch(() => {}));
}

function showWaiting() {
  if (!waiting) return;
  show(waiting);
  window.scrollTo({ top: 0 });
}
fresh?.addEventListener("click", showWaiting);

// --- Parts that may take longer than the page ---------------------------------------------------

async function fill(place) {
  const answer = await fetch(place.dataset.fill, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  place.replaceChildren(document.createRange().createContextualFragment(await answer.text()));
  localTimes(place);
}
for (const place of document.querySelectorAll("[data-fill]")) fill(place).catch(() => {});

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    said.textContent = "Copied";
    button.lastChild.textContent = "Copied";
  });
}

// --- Keys -----------------------------------------------------------------------------------

const PLACES = { i: "/threads", a: "/accounts", r: "/rules", q: "/quarantine" };
let going = 0;

function links() {
  return [...document.querySelectorAll(".row > a, a.row, .row th a")].filter((a) => a.offsetParent);
}

function step(by) {
  const all = links();
  const here = document.querySelector(".threads.narrow .here > a");
  if (here?.offsetParent) {
    const next = all[all.indexOf(here) + by];
    if (next) location.assign(next.href);
    return;
  }
  const at = all.indexOf(document.activeElement?.closest?.("a"));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function stepMessage(by) {
  const all = [...document.querySelectorAll(".message")];
  const focused = all.indexOf(document.activeElement?.closest?.(".message"));
  const open = all.findLastIndex((one) => one.querySelector("details[open]"));
  const next = all[Math.min(Math.max((focused < 0 ? open : focused) + by, 0), all.length - 1)];
  if (!next) return;
  const details = next.querySelector("details");
  if (details) details.open = true;
  next.querySelector("summary, a")?.focus();
  next.scrollIntoView({ block: "start" });
}

function toggleQuotes() {
  const folds = [...document.querySelectorAll(".message details[open] .fold")];
  const open = !folds.every((fold) => fold.open);
  for (const fold of folds) fold.open = open;
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  o: () => document.activeElement?.closest?.("a")?.click(),
  u: () => document.getElementById("back")?.click(),
  v: toggleQuotes,
  "[": () => stepMessage(-1),
  "]": () => stepMessage(1),
  "/": () => (document.querySelector(".filter.big input") ?? visible("#find"))?.focus() ?? find(),
  ".": showWaiting,
  "?": () => document.getElementById("keys").togglePopover(),
};

function visible(selector) {
  const element = document.querySelector(selector);
  return element?.offsetParent ? element : null;
}

function find() {
  if (!visible("#find") && location.pathname !== "/search") location.assign("/search");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (going && event.timeStamp - going < 1500 && PLACES[event.key]) {
    location.assign(PLACES[event.key]);
    return;
  }
  going = event.key === "g" ? event.timeStamp : 0;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// --- Arriving at one message of a thread ----------------------------------------------------

function openTarget() {
  const target = location.hash.startsWith("#m") && document.getElementById(location.hash.slice(1));
  const details = target && target.querySelector("details");
  if (details) details.open = true;
  target?.scrollIntoView?.({ block: "start" });
}
window.addEventListener("hashchange", openTarget);
openTarget();
localTimes(document);
const here = document.querySelector(".pane .here");
if (here) here.closest(".pane").scrollTop = here.offsetTop - 200;
