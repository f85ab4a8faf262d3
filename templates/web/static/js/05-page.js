// What every other script of the page may use. These are the only names that scripts share:
//
//   say(words)          tell screen readers, politely, in the one live region of the page
//   localTimes(root)    exact times on hover, relative ones kept true
//   token()             the form token, for changes that a script asks for itself
//   visible(element)    can a person see and use it now?
//
// Everything else stands in a block of its own file, and files speak through events on `document.body`:
//   aboard:settled      something of ours was put into the page (detail.root)
//   live:*              what changed elsewhere; see 30-live.js

const said = document.getElementById("said");

function say(words) {
  if (!said) return;
  said.textContent = "";
  // A live region that holds the same words twice says nothing the second time.
  requestAnimationFrame(() => { said.textContent = words; });
}

function token() {
  return document.querySelector('meta[name="token"]')?.content ?? "";
}

function visible(element) {
  return Boolean(element) && (element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null);
}

/* Times are in the zone that the server shows and understands, not in that of this machine. */
const timeZone = document.documentElement.dataset.zone || "UTC";
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long", timeZone });
const thisYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone });
const SHOWN = /^(now|\d+ min|\d+ h)$/;
const started = performance.now();
const rendered = Date.parse(document.documentElement.dataset.now ?? "") || Date.now();

/* The server's clock, carried on: a wrong clock in the browser makes no wrong times. */
function serverNow() {
  return rendered + (performance.now() - started);
}

function ago(at) {
  const minutes = Math.floor((serverNow() - at) / 60000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h`;
  return thisYear.format(at);
}

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exactly.format(at);
    if (SHOWN.test(time.textContent)) time.textContent = ago(at.getTime());
  }
}

// The place that one is at is seen in the navigation, and a plot begins with what came last.
document.querySelector(".side > nav [aria-current]")?.scrollIntoView({ block: "nearest" });
for (const plot of document.querySelectorAll(".scroll:has(> .plot.days)")) plot.scrollLeft = plot.scrollWidth;

setInterval(() => localTimes(document), 60_000);
document.body.addEventListener("aboard:settled", (event) => localTimes(event.detail.root));
document.body.addEventListener("htmx:afterSettle", (event) =>
  document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root: event.target } })));
localTimes(document);

/* Whoever has no zone yet gets that of their browser, from the next page on. */
const zoneHere = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
if (zoneHere) document.cookie = `aboard_zone=${encodeURIComponent(zoneHere)}; path=/; max-age=31536000; SameSite=Lax`;
