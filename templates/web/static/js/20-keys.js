// The keyboard. A key triggers the very control that stands on the page, so that whatever a key does,
// a click does too, without scripts as well.
//
// The convention: put `data-key` on a <button>, <a>, <summary>, <input>, <select>, <textarea> or <form>.
//   data-key="e"            one key; several separated by a space: data-key="o Enter"
//   data-key="Shift+E"      with Shift (letters only)
//   data-key="Mod+Enter"    Ctrl, or Command on a Mac; works inside text fields too
//   data-key="g+i"          one after the other
//   data-label="Close"      what the palette and the screen reader call it, where the text does not say it
// A button, link or summary is clicked, a field is focused, a form is submitted. A control inside a
// row of a list (`.row`) is that row's: the focused row's is taken first, then the page's own. A deed for
// selected rows selects the focused row where none is selected.
// Hidden and disabled controls are passed over. Single keys act only outside of text fields and can be
// switched off (WCAG 2.1.4): <html data-keys="off">. Keys with a modifier stay.
//
// Built in, where the page says nothing else: j k (rows), Shift+j Shift+k (select on), Enter o, u Esc,
// [ ] (messages), v (quotes), / (search), Mod+K (palette), ? (sheet), Shift+. (copy the number).
{
  const root = document.documentElement;
  const sheet = document.getElementById("keys");
  const TYPING = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]";
  const SEQUENCE_MS = 1500;

  function nameOf(event) {
    const mod = event.ctrlKey || event.metaKey ? "Mod+" : "";
    if (event.key.length === 1 && /\p{L}/u.test(event.key)) {
      const shift = event.shiftKey ? "Shift+" : "";
      return mod + shift + (shift || mod ? event.key.toUpperCase() : event.key.toLowerCase());
    }
    return mod + (event.shiftKey && event.key.length > 1 ? "Shift+" : "") + event.key;
  }

  // --- Which control a key means ------------------------------------------------------------------

  function usable(element) {
    return visible(element) && !element.disabled && element.getAttribute("aria-disabled") !== "true";
  }

  /* Keys with Ctrl or Command reach what stands in a menu that is not open, as Send and close. */
  function usableIn(key) {
    return (element) => usable(element)
      || (key.startsWith("Mod+") && !element.disabled && visible(element.closest("details.menu:not([open])")));
  }

  function named(scope, key) {
    return [...scope.querySelectorAll("[data-key]")].filter((one) => one.dataset.key.split(" ").includes(key));
  }

  function focusedRow() {
    return document.activeElement?.closest?.(".row") ?? null;
  }

  function controlFor(key) {
    const dialog = document.querySelector("dialog[open]");
    if (dialog) return named(dialog, key).find(usable);
    const form = document.activeElement?.closest?.("form");
    for (const scope of [form, focusedRow()]) {
      const found = scope && named(scope, key).find(usableIn(key));
      if (found) return found;
    }
    return named(document, key).find((one) => !one.closest(".row") && usableIn(key)(one)) ?? forFocusedRow(key);
  }

  /* Deeds for selected rows, pressed while none is selected, are meant for the row that has the focus. */
  function forFocusedRow(key) {
    const box = focusedRow()?.querySelector("input[type=checkbox]");
    if (!box?.form || document.querySelector(".row input[type=checkbox]:checked")) return undefined;
    if (!named(box.form, key).some((one) => !one.closest(".row"))) return undefined;
    box.click();
    const found = named(box.form, key).find((one) => !one.closest(".row") && usable(one));
    if (!found) box.click();
    return found;
  }

  function use(control) {
    if (control.matches("form")) return control.requestSubmit();
    if (control.matches("input[type=checkbox], input[type=radio], button, a, summary")) {
      control.click();
      const menu = control.matches("summary") && control.parentElement;
      if (menu?.open) menu.querySelector(".sheet :is(input:not([type=hidden]), button, a, select, textarea)")?.focus();
      return undefined;
    }
    control.focus();
    if (control.matches("input[type=search]")) control.select();
    return undefined;
  }

  // --- Rows and messages ------------------------------------------------------------------------

  function links() {
    return [...document.querySelectorAll(".row > a, a.row, .row th a, .row [data-open]")].filter(visible);
  }

  function step(by) {
    const all = links();
    const pane = document.querySelector(".threads.narrow .here > a");
    if (visible(pane)) {
      const next = all[all.indexOf(pane) + by];
      if (next) location.assign(next.href);
      return;
    }
    const row = focusedRow();
    const at = all.findIndex((a) => a === document.activeElement || (row && row.contains(a)));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  function stepAndSelect(by) {
    step(by);
    const box = focusedRow()?.querySelector("input[type=checkbox]");
    if (box && !box.checked) box.click();
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

  function search() {
    const field = [document.querySelector(".filter.big input[type=search]"), document.getElementById("find")].find(visible);
    if (field) return use(field);
    return location.assign("/search");
  }

  let copied = 0;
  async function copyNumber() {
    const shown = document.querySelector("[data-thread]")?.dataset;
    if (!shown || !navigator.clipboard) return;
    const forms = [`#${shown.thread}`, `#${shown.thread} ${document.querySelector("h1")?.textContent.trim() ?? ""}`, location.href];
    await navigator.clipboard.writeText(forms[copied % forms.length]);
    say(["Number copied", "Number and subject copied", "Link copied"][copied % forms.length]);
    copied += 1;
  }

  /* In an open menu the arrows go from one entry to the next, as Tab does. */
  function stepInMenu(event) {
    const sheet = document.activeElement?.closest?.("details.menu[open]")?.querySelector(".sheet");
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!sheet || !by || event.target.matches("textarea, select")) return;
    const all = [...sheet.querySelectorAll("button, a, input:not([type=hidden]), select, textarea")].filter((one) => visible(one) && !one.disabled);
    const at = all.indexOf(document.activeElement);
    event.preventDefault();
    (all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length])?.focus();
  }
  document.addEventListener("keydown", stepInMenu);

  function closeMenus(except) {
    let closed = null;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except && !menu.contains(except)) {
        menu.open = false;
        closed = menu;
      }
    }
    return closed;
  }

  function escape() {
    const menu = closeMenus(null);
    if (menu) return menu.querySelector("summary").focus();
    return undefined;
  }

  const BUILT_IN = {
    j: () => step(1),
    k: () => step(-1),
    "Shift+J": () => stepAndSelect(1),
    "Shift+K": () => stepAndSelect(-1),
    o: () => (document.activeElement?.closest?.("a") ?? focusedRow()?.querySelector("a"))?.click(),
    u: () => document.getElementById("back")?.click(),
    v: toggleQuotes,
    "[": () => stepMessage(-1),
    "]": () => stepMessage(1),
    "/": search,
    "?": () => sheet?.togglePopover(),
    ">": copyNumber,
    "Mod+K": () => document.body.dispatchEvent(new CustomEvent("aboard:palette")),
  };
  const SINGLE_OFF = () => root.dataset.keys === "off";

  // --- Hearing keys -------------------------------------------------------------------------------

  let first = null;

  function sequence(event, name) {
    const recent = first && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key}+${name}` : null;
    const begins = [...document.querySelectorAll("[data-key]")]
      .some((one) => one.dataset.key.split(" ").some((key) => key.startsWith(`${name}+`)));
    first = begins ? { key: name, at: event.timeStamp } : null;
    return recent;
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.isComposing || event.defaultPrevented || event.key === "Shift") return;
    const typing = event.target.closest?.(TYPING);
    const name = nameOf(event);
    if (name === "Escape") {
      if (typing && !document.querySelector("dialog[open]")) typing.blur();
      escape();
      return;
    }
    const modified = name.startsWith("Mod+");
    if (!modified && (typing || SINGLE_OFF())) return;
    const after = modified ? null : sequence(event, name);
    const control = (after && named(document, after)[0]) || controlFor(name);
    // Enter on what is focused is the browser's own: a link opens, a button is pressed.
    if (control && name !== "Enter") {
      first = null;
      event.preventDefault();
      use(control);
    } else if (!control && BUILT_IN[name] && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      BUILT_IN[name]();
    }
  });

  document.addEventListener("click", (event) => closeMenus(event.target.closest?.("details.menu") ?? null));

  // --- The focus comes back to where it was after a change that loaded the page anew -----------------

  const PLACE = "aboard-row";
  const path = location.pathname === "/" ? "/threads" : location.pathname;
  function remember(event) {
    const row = focusedRow();
    if (!row) return;
    const index = [...document.querySelectorAll(".row")].indexOf(row);
    const from = { from: location.pathname + location.search, title: document.querySelector("h1")?.textContent.trim() ?? "", to: event.target.closest?.("a")?.pathname };
    sessionStorage.setItem(PLACE, JSON.stringify({ path, id: row.id, index, ...from }));
  }
  document.addEventListener("submit", remember, true);
  document.addEventListener("click", (event) => { if (event.target.closest?.(".row > a, a.row, .row form")) remember(event); }, true);

  function comeBack() {
    const stored = sessionStorage.getItem(PLACE);
    if (!stored) return;
    const place = JSON.parse(stored);
    // From a search, an account or a report the way back leads there, not to the inbox.
    const back = document.querySelector(".threaded #back");
    if (back && place.title && place.to === location.pathname && !/^\/(threads)?(\?|$)/.test(place.from)) {
      back.href = place.from;
      back.querySelector("span").textContent = place.title;
    }
    if (place.path !== path) return;
    sessionStorage.removeItem(PLACE);
    const rows = [...document.querySelectorAll(".row")];
    const row = (place.id && document.getElementById(place.id)) || rows[Math.min(place.index, rows.length - 1)];
    row?.querySelector("a")?.focus({ preventScroll: false });
  }
  comeBack();
}
