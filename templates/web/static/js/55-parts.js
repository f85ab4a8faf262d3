// A page that stays true: when what it shows changes elsewhere, the page is asked for again and its live
// parts are put in the place of the old ones. No part of a page needs an address of its own for it.
//
//   <body data-watch="thread-12 account-3">   what this page is about; see 50-live.js for the names
//   data-part="name"                          replaced as a whole, unless the reader has something open, focused
//                                             or half written in it: then it waits until they have done
//   data-grow="name"                          only new children (by id) are added, the others stay untouched:
//                                             an open message, a loaded picture, a selection are not disturbed
{
  const watched = (document.body.dataset.watch ?? "").split(" ").filter(Boolean);
  const SOON = 150;
  let asked = null;
  let again = false;

  function busy(part) {
    return (part.contains(document.activeElement) && document.activeElement !== document.body) || begun(part);
  }

  /* A menu that is open, a field that is half written. */
  function begun(part) {
    if (part.querySelector("details.menu[open]")) return true;
    return [...part.querySelectorAll("input, textarea, select")].some((one) =>
      one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked
        : one.localName === "select" ? [...one.options].some((choice) => choice.selected !== choice.defaultSelected) && one.selectedIndex > 0
        : one.type !== "hidden" && one.value !== one.defaultValue);
  }

  function plain(part) {
    const copy = part.cloneNode(true);
    for (const time of copy.querySelectorAll("time")) { time.textContent = ""; time.title = ""; }
    for (const place of copy.querySelectorAll("[data-here], [hx-get]")) place.replaceChildren();
    for (const secret of copy.querySelectorAll("input[name=token]")) secret.remove();
    return copy.innerHTML;
  }
  const was = new Map([...document.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, plain(part)]));

  function settled(root) {
    htmx.process(root);
    document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root } }));
  }

  function grow(place, next) {
    let before = null;
    let added = 0;
    for (const child of [...next.children]) {
      const old = child.id && document.getElementById(child.id);
      if (old) { before = old; continue; }
      if (!child.id) continue;
      const fresh = document.importNode(child, true);
      fresh.classList.add("arrived");
      if (before) before.after(fresh); else place.prepend(fresh);
      before = fresh;
      added += 1;
    }
    if (added) {
      settled(place);
      say(added === 1 ? "A new message is here" : `${added} new messages are here`);
    }
  }

  // Put what the page is now into its places. `all`: after a deed of its reader, where their focus may be; what they
  // have begun since waits in any case.
  function take(next, all) {
    for (const place of document.querySelectorAll("[data-grow]")) {
      const other = next.querySelector(`[data-grow="${CSS.escape(place.dataset.grow)}"]`);
      if (other) grow(place, other);
    }
    for (const part of document.querySelectorAll("[data-part]")) {
      const name = part.dataset.part;
      const other = next.querySelector(`[data-part="${CSS.escape(name)}"]`);
      if (!other || (!all && plain(other) === was.get(name))) continue;
      if (all ? begun(part) : busy(part)) { again = true; continue; }
      was.set(name, plain(other));
      part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
      settled(part);
    }
  }

  /* While a deed of its reader is on its way the page waits for the answer to that. */
  const doing = () => document.documentElement.dataset.doing === "yes";

  async function refresh() {
    const asked = location.href;
    const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (doing() || location.href !== asked) return soon();
    again = false;
    return take(next, false);
  }

  document.body.addEventListener("aboard:page", (event) => take(event.detail.next, true));

  function soon() {
    asked ??= setTimeout(() => {
      asked = null;
      if (document.hidden) again = true;
      else if (doing()) soon();
      else refresh().catch(() => {});
    }, SOON);
  }

  for (const name of watched) document.body.addEventListener(`live:${name}`, soon);
  document.addEventListener("visibilitychange", () => { if (again && !document.hidden) soon(); });
  document.addEventListener("focusout", () => { if (again) setTimeout(soon, 500); });
}
