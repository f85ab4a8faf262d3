// An open list of threads stays true without a reload. The rows are the very fragment that the page is
// made of: <ol id="rows" data-live="/threads?...&fragment=rows">, each <li class="row" id=... data-at=...>.
//
// What only changed in its row is put into its place at once. Rows that come or move are shown at once
// as well, unless somebody points at the list, has rows selected, or reads further down: then a button
// says how many ("3 new, press . to show") and the reader decides.
{
  const rows = document.getElementById("rows");
  const fresh = document.getElementById("fresh");
  const EVERY_WITHOUT_STREAM = 4000;
  const SOON = 120;
  let waiting = null;
  let asked = null;
  let running = false;

  function keyed(list) {
    return new Map([...list.children].filter((row) => row.id).map((row) => [row.id, row]));
  }

  /* The row's new form, with what the reader did to it: their selection and their focus stay. */
  function replace(old, next) {
    if (old.dataset.was === next.dataset.was) return old;
    const box = old.querySelector("input[type=checkbox]");
    const nextBox = next.querySelector("input[type=checkbox]");
    if (box?.checked && nextBox) nextBox.checked = true;
    const inside = old.contains(document.activeElement);
    const index = inside ? [...old.querySelectorAll("a, button, input")].indexOf(document.activeElement) : -1;
    old.replaceWith(next);
    if (inside) (next.querySelectorAll("a, button, input")[index] ?? next.querySelector("a"))?.focus({ preventScroll: true });
    return next;
  }

  function note(list) {
    // What the server said about a row, kept to compare with: a relative time that only aged is no change.
    for (const row of list.children) {
      const plain = row.cloneNode(true);
      for (const time of plain.querySelectorAll("time")) time.textContent = "";
      for (const place of plain.querySelectorAll("[data-here]")) place.replaceChildren();
      for (const link of plain.querySelectorAll("[title]")) if (link.localName === "time") link.title = "";
      row.dataset.was = plain.innerHTML.length + ":" + hash(plain.innerHTML + row.className);
    }
  }

  function hash(text) {
    let sum = 0;
    for (let at = 0; at < text.length; at += 1) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
    return sum;
  }

  function show(next) {
    const before = keyed(rows);
    const order = [];
    for (const row of [...next.children]) {
      const old = before.get(row.id);
      const kept = old ? replace(old, row) : row;
      if (!old || old.dataset.at !== row.dataset.at) kept.classList.add("arrived");
      order.push(kept);
    }
    const focused = document.activeElement?.closest?.("#rows li");
    const element = document.activeElement;
    order.forEach((row, at) => { if (rows.children[at] !== row) rows.insertBefore(row, rows.children[at] ?? null); });
    while (rows.children.length > order.length) rows.lastElementChild.remove();
    // Moving a node takes its focus away; give it back, and keep what is read where it is.
    if (focused && rows.contains(element) && document.activeElement !== element) element.focus({ preventScroll: true });
    const empty = document.getElementById("empty");
    if (empty) empty.hidden = rows.childElementCount > 0;
    waiting = null;
    if (fresh) fresh.hidden = true;
    htmx.process(rows);
    document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root: rows } }));
  }

  /* Only rows that stand where they stood. */
  function showInPlace(next) {
    const before = keyed(rows);
    for (const row of [...next.children]) {
      const old = before.get(row.id);
      if (old) replace(old, row.cloneNode(true));
    }
    htmx.process(rows);
    document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root: rows } }));
  }

  function disturbs() {
    return window.scrollY > 80 || rows.matches(":hover") || rows.querySelector("input[type=checkbox]:checked") !== null;
  }

  async function refresh() {
    const answer = await fetch(rows.dataset.live, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const next = document.createElement("ol");
    next.append(document.createRange().createContextualFragment(await answer.text()));
    // What was asked before a deed of the reader was done shows what was before it.
    if (document.documentElement.dataset.doing) return refreshSoon();
    note(next);
    const before = keyed(rows);
    const after = [...keyed(next)];
    const changed = after.filter(([id, row]) => before.get(id)?.dataset.at !== row.dataset.at).length;
    const sameOrder = after.length === before.size && after.every(([id], at) => rows.children[at]?.id === id);
    if (sameOrder) {
      if (!waiting) show(next);
      else showInPlace(next);
      return;
    }
    if (fresh && disturbs()) {
      waiting = next;
      showInPlace(next);
      const words = changed ? `${changed} new` : "The list changed";
      if (fresh.dataset.words !== words) say(`${words}, press . to show`);
      fresh.dataset.words = words;
      fresh.textContent = `${words}, press . to show`;
      fresh.hidden = false;
    } else {
      if (changed) say(changed === 1 ? "1 thread with new mail" : `${changed} threads with new mail`);
      show(next);
    }
  }

  /* Several changes in a moment are one question, and one question runs at a time. */
  function refreshSoon() {
    if (!rows?.dataset.live || asked) return;
    asked = setTimeout(async () => {
      asked = null;
      if (document.hidden || running) return;
      if (document.documentElement.dataset.doing) return refreshSoon();
      running = true;
      try {
        await refresh();
      } catch {
        // The next change or the next turn asks again; that we are offline is said elsewhere.
      } finally {
        running = false;
      }
    }, SOON);
  }

  function showWaiting() {
    if (!waiting) return;
    show(waiting);
    window.scrollTo({ top: 0 });
    rows.querySelector("a")?.focus({ preventScroll: true });
  }

  if (rows?.dataset.live) {
    note(rows);
    document.body.addEventListener("live:threads", refreshSoon);
    document.addEventListener("visibilitychange", refreshSoon);
    setInterval(() => { if (document.documentElement.dataset.live !== "live") refreshSoon(); }, EVERY_WITHOUT_STREAM);
    fresh?.addEventListener("click", showWaiting);
  }
}
