// The palette (Mod+K): what can be done on this page, every place, and threads and accounts by name.
// Actions are the controls with `data-key` that stand on the page, so that it never offers what is not there.
{
  const palette = document.getElementById("palette");
  const field = document.getElementById("palette-find");
  const list = document.getElementById("palette-list");
  const none = document.getElementById("palette-none");
  const MOST = 12;
  const PAUSE = 150;
  let actions = [];
  let at = 0;
  let asking = null;
  let opener = null;

  function words(control) {
    const own = control.dataset.label || control.getAttribute("aria-label");
    if (own) return own;
    const plain = control.cloneNode(true);
    for (const part of plain.querySelectorAll("kbd, b, svg, .quiet")) part.remove();
    return plain.textContent.replace(/\s+/g, " ").trim();
  }

  function gather() {
    const row = opener?.closest?.(".row");
    const found = [];
    const seen = new Set();
    for (const control of document.querySelectorAll("[data-key], .side nav a")) {
      if (control.closest("dialog") || (control.closest(".row") && control.closest(".row") !== row)) continue;
      if (!control.closest(".side") && !visible(control)) continue;
      const label = words(control);
      if (!label || seen.has(label)) continue;
      seen.add(label);
      found.push({ label, key: control.dataset.key?.split(" ")[0] ?? "", kind: control.closest(".side") ? "Go to" : "Do", run: () => run(control) });
    }
    return found;
  }

  function run(control) {
    if (control.matches("form")) control.requestSubmit();
    else if (control.matches("a, button, summary, input[type=checkbox]")) control.click();
    if (control.matches("summary")) control.parentElement.querySelector(".sheet :is(input:not([type=hidden]), button, a, select)")?.focus();
    if (control.matches("input, textarea, select")) control.focus();
  }

  function fits(label, typed) {
    const text = label.toLowerCase();
    return typed.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function option(item) {
    const entry = document.createElement("li");
    entry.setAttribute("role", "option");
    const kind = document.createElement("small");
    kind.textContent = item.kind;
    const label = document.createElement("bdi");
    label.textContent = item.label;
    entry.append(kind, label);
    if (item.key) {
      const key = document.createElement("kbd");
      key.textContent = item.key.replaceAll("+", " ");
      entry.append(key);
    }
    entry.addEventListener("click", () => choose(item));
    return entry;
  }

  let shown = [];
  function draw(found) {
    shown = found;
    list.replaceChildren(...found.map(option));
    [...list.children].forEach((entry, number) => { entry.id = `palette-${number}`; });
    none.hidden = found.length > 0;
    select(0);
  }

  function select(to) {
    if (!shown.length) return field.removeAttribute("aria-activedescendant");
    at = (to + shown.length) % shown.length;
    [...list.children].forEach((entry, number) => entry.setAttribute("aria-selected", String(number === at)));
    list.children[at].scrollIntoView({ block: "nearest" });
    return field.setAttribute("aria-activedescendant", `palette-${at}`);
  }

  function choose(item) {
    palette.close();
    item.run();
  }

  async function ask(typed, local) {
    const answer = await fetch(`/live/find?q=${encodeURIComponent(typed)}`, { headers: { accept: "application/json" } });
    if (!answer.ok || field.value.trim() !== typed) return;
    const found = (await answer.json()).found.map((one) => ({ label: one.label, kind: one.kind, key: "", run: () => location.assign(one.url) }));
    draw([...local, ...found].slice(0, 2 * MOST));
  }

  function typedSomething() {
    const typed = field.value.trim();
    const local = actions.filter((item) => fits(item.label, typed)).slice(0, MOST);
    draw(local);
    clearTimeout(asking);
    if (typed.length > 1) asking = setTimeout(() => ask(typed, local).catch(() => {}), PAUSE);
  }

  document.body.addEventListener("aboard:palette", () => {
    if (!palette || palette.open) return;
    opener = document.activeElement;
    field.value = "";
    palette.showModal();
    actions = gather();
    typedSomething();
    field.focus();
  });
  palette?.addEventListener("close", () => { if (opener?.isConnected && !palette.open) opener.focus?.({ preventScroll: true }); });
  palette?.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  field?.addEventListener("input", typedSomething);
  field?.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      select(at + move);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown[at]) choose(shown[at]);
    }
  });
  for (const opening of document.querySelectorAll("[data-palette]")) {
    opening.hidden = false;
    opening.addEventListener("click", () => document.body.dispatchEvent(new CustomEvent("aboard:palette")));
  }
}
