// Who else is at a thread, in words: <span data-here="12"></span> is filled wherever it stands.
// This page says what it shows itself: [data-thread] names its thread; writing in a `.composer` or in
// [data-writes] counts as replying for a minute after the last key.
{
  const me = document.body.dataset.me ?? "";
  const thread = document.querySelector("[data-thread]")?.dataset.thread;
  const tab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const BEAT_MS = 15_000;
  const WRITES_MS = 60_000;
  const sprite = document.querySelector("svg.icon use")?.getAttribute("href")?.split("#")[0] ?? "";
  let told = {};
  let wrote = 0;
  let sent = "";
  let announced = "";

  function sign(person) {
    const place = document.createElement("span");
    place.className = `presence ${person.does}`;
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${sprite}#${person.does === "writes" ? "pen" : "eye"}`);
    icon.append(use);
    const name = document.createElement("bdi");
    name.textContent = person.name;
    const words = document.createElement("span");
    words.append(name, person.does === "writes" ? " is replying" : " is reading");
    place.append(icon, words);
    return place;
  }

  function others(number) {
    return (told[number] ?? []).filter((person) => person.handle !== me);
  }

  function fillIn(root) {
    for (const place of root.querySelectorAll("[data-here]")) {
      const words = others(place.dataset.here);
      const now = JSON.stringify(words);
      if (place.dataset.shown === now) continue;
      place.dataset.shown = now;
      place.replaceChildren(...words.map(sign));
    }
  }

  /* Whoever writes an answer sees that somebody else does, too. It stops nobody: sending has its own check. */
  function warn(words) {
    const composer = document.querySelector(".composer.open");
    const shown = composer?.querySelector(".also-writes");
    if (!composer || !words) return shown?.remove();
    const note = shown ?? document.createElement("p");
    note.className = "banner warn also-writes";
    note.textContent = `${words}. Write on, or leave it to them; nothing is sent twice without asking.`;
    if (!shown) composer.prepend(note);
    return undefined;
  }

  function announce() {
    if (!thread) return;
    const writing = others(thread).filter((person) => person.does === "writes").map((person) => person.name);
    const words = writing.length ? `${writing.join(" and ")} ${writing.length > 1 ? "are" : "is"} replying here` : "";
    if (words && words !== announced) say(words);
    announced = words;
    warn(words);
  }

  document.body.addEventListener("live:here", (event) => {
    told = event.detail ?? {};
    fillIn(document);
    announce();
  });
  document.body.addEventListener("aboard:settled", (event) => fillIn(event.detail.root));

  // --- What this page shows ------------------------------------------------------------------------

  function form(does) {
    const said = new URLSearchParams({ token: token(), tab, does });
    if (does !== "left") said.set("thread", thread);
    return said;
  }

  function beat(always) {
    if (document.hidden) return;
    const does = performance.now() - wrote < WRITES_MS && wrote ? "writes" : "views";
    if (!always && does === sent) return;
    sent = does;
    fetch("/live/here", { method: "POST", body: form(does) }).catch(() => { sent = ""; });
  }

  function leave() {
    if (!sent) return;
    sent = "";
    navigator.sendBeacon("/live/here", form("left"));
  }

  if (thread && document.body.dataset.live) {
    beat(true);
    setInterval(() => beat(true), BEAT_MS);
    document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else beat(true); });
    window.addEventListener("pagehide", leave);
    document.addEventListener("input", (event) => {
      if (!event.target.closest?.(".composer, [data-writes]")) return;
      wrote = performance.now();
      beat(false);
    });
    document.addEventListener("submit", (event) => {
      if (event.target.closest?.(".composer")) wrote = 0;
    });
  }
}
