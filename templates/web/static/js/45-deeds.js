// Deeds are seen at once: the page changes as the button is pressed and asks the server meanwhile. What the
// server then says is put in its place; where it refuses, the page goes back and says why. Where its answer is lost
// nobody knows whether it was done: the page is asked for, and goes back only where that is not there either.
// Everything not named here (merge, split, whatever asks first) is an ordinary form.
{
  const STATUS = {
    close: ["closed", "check"], reopen: ["open", "inbox"], wait: ["waiting", "clock"], snooze: ["snoozed", "clock"],
    closed: ["closed", "check"], open: ["open", "inbox"], waiting: ["waiting", "clock"],
  };
  const ON_THREAD = new Set(["close", "reopen", "wait", "snooze", "claim", "give", "release", "tag", "priority", "follow", "unfollow"]);
  const ON_ROWS = /^(closed|waiting|open|claim|tag|untag|snooze(:.*)?|owner:.*|team:.*|priority:.*)$/;
  const LONGEST_MS = 20_000;
  const OF_A_PROXY = new Set([502, 504]);
  let pending = 0;

  function toast(words) {
    document.querySelector(".toast")?.remove();
    const box = document.createElement("p");
    box.className = "toast banner bad";
    box.setAttribute("role", "alert");
    box.textContent = words;
    document.body.append(box);
  }

  function fieldsOf(form, button) {
    return new URLSearchParams([...new FormData(form, button)].filter(([, value]) => typeof value === "string"));
  }

  /* The page that the server answers with, or the words for why there is none; null where no answer of its comes. */
  async function ask(address, how) {
    try {
      return await heard(await fetch(address, { ...how, headers: { accept: "text/html" }, signal: AbortSignal.timeout(LONGEST_MS) }));
    } catch {
      return null;
    }
  }

  async function heard(answer) {
    if (OF_A_PROXY.has(answer.status)) return null;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const why = next.querySelector(".composer .problem, main.error > p:not(:has(a))")?.textContent.trim();
    return { ok: answer.ok, address: new URL(answer.url), next, why: why || `it answered ${answer.status}` };
  }

  /* This page as it is now; null where it cannot be had. */
  async function now() {
    const here = location.href;
    const answer = await ask(location.pathname + location.search, {});
    return answer?.ok && answer.address.pathname === location.pathname && location.href === here ? answer : null;
  }

  async function during(address, fields, done, undone) {
    document.querySelector(".toast")?.remove();
    pending += 1;
    document.documentElement.dataset.doing = "yes";
    const answer = await ask(address, { method: "POST", body: fields });
    const instead = answer ? null : await now();
    pending -= 1;
    if (!pending) delete document.documentElement.dataset.doing;
    if (!answer) {
      undone(instead);
      toast(instead
        ? "It is not known whether it was done: no answer came. You see what is so now."
        : "It is not known whether it was done: no connection. Load the page again to see.");
    } else if (!answer.ok) {
      undone(answer);
      toast(`Not done: ${answer.why}`);
    } else if (pending === 0) {
      done(answer);
    }
  }

  function sign(place, name) {
    const use = place?.querySelector("use");
    if (use) use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${name}`));
  }

  // --- On the page of a thread -----------------------------------------------------------------------

  function words(place, said) {
    const text = [...place.childNodes].findLast((one) => one.nodeType === Node.TEXT_NODE);
    if (text) text.data = said;
  }

  /* Shows the deed as done. The answer takes that back, and nothing else: what is typed meanwhile stays. */
  function paintThread(form, fields, button) {
    const does = fields.get("do");
    const facts = document.querySelector(".reading .head .facts");
    const state = facts.querySelector(".state");
    const holder = document.querySelector(".rail .holder strong");
    const star = button.getAttribute("aria-pressed");
    const was = { facts: [...facts.childNodes], state: [...state.childNodes].map((one) => one.cloneNode(true)), kind: state.className, holder: holder.textContent };
    if (STATUS[does]) {
      const [status, icon] = STATUS[does];
      state.className = `state ${status}`;
      words(state, status[0].toUpperCase() + status.slice(1));
      sign(state, icon);
    }
    if (does === "claim" || does === "give") {
      holder.textContent = does === "give" ? button.textContent : form.closest(".deeds").dataset.me;
    }
    if (does === "claim" || STATUS[does]) form.hidden = true;
    if (does === "follow" || does === "unfollow") button.setAttribute("aria-pressed", String(does === "follow"));
    if (does === "tag") {
      const gone = fields.getAll("untag");
      for (const chip of facts.querySelectorAll(".chip.tag")) if (gone.includes(chip.textContent.trim())) chip.remove();
      for (const tag of fields.get("tags").split(/[\s,]+/).filter(Boolean)) {
        const chip = document.createElement("span");
        chip.className = "chip tag";
        chip.textContent = tag.toLowerCase();
        facts.append(chip);
      }
    }
    button.closest("details.menu")?.removeAttribute("open");
    return () => {
      facts.replaceChildren(...was.facts);
      state.replaceChildren(...was.state);
      state.className = was.kind;
      holder.textContent = was.holder;
      form.hidden = false;
      if (star) button.setAttribute("aria-pressed", star);
    };
  }

  /* The focus stays in the bar: on this control, or on the first one where that is gone. */
  function stay(control) {
    const all = [...document.querySelectorAll(".deeds :is(button, summary)")];
    (visible(control) ? control : all.find((one) => visible(one) && !one.matches(".quiet")))?.focus();
  }

  function onThread(form, button) {
    const fields = fieldsOf(form, button);
    const focused = form.contains(document.activeElement);
    const address = form.getAttribute("action");
    const unpaint = paintThread(form, fields, button);
    form.reset();
    if (focused) stay(form.closest("details.menu")?.querySelector("summary") ?? button);
    const settle = (next) => {
      const there = document.activeElement?.closest?.(".deeds") ? document.activeElement : null;
      document.body.dispatchEvent(new CustomEvent("aboard:page", { detail: { next } }));
      if (there && !there.isConnected) stay(document.querySelector(`.deeds [data-key="${CSS.escape(there.dataset.key ?? "")}"]`));
    };
    during(address, fields, (answer) => {
      if (answer.address.pathname !== location.pathname) return location.assign(answer.address);
      history.replaceState(null, "", answer.address);
      settle(answer.next);
      return say(answer.next.querySelector(".flash span")?.textContent ?? "Done");
    }, (answer) => {
      unpaint();
      if (answer?.next.querySelector("[data-part]")) settle(answer.next);
    });
  }

  // --- On a list ---------------------------------------------------------------------------------------

  function paintRow(row, deed, value, button) {
    const list = new URLSearchParams(location.search);
    const all = list.get("status") === "all" || list.get("view") === "all" || list.has("q");
    if (/^(closed|waiting|snooze)/.test(deed) && !all) row.hidden = true;
    const set = (where, said) => { const place = row.querySelector(where); if (place) place.textContent = said; };
    if (deed === "claim") set(".holder", button.closest(".bulkbar").dataset.me);
    if (deed.startsWith("owner:")) set(".holder", button.textContent.trim());
    if (deed.startsWith("team:")) set(".team", button.textContent.trim());
    if (deed === "tag" && value) {
      const chip = document.createElement("span");
      chip.className = "chip tag";
      chip.textContent = value;
      row.querySelector(".subject").append(" ", chip);
    }
  }

  function onRows(form, button) {
    const fields = fieldsOf(form, button);
    const rows = document.getElementById("rows");
    const chosen = [...rows.children].filter((row) => row.querySelector(".pick input")?.checked);
    const at = [...rows.children].indexOf(chosen[0]);
    const kept = [...rows.children].map((row) => row.cloneNode(true));
    const focused = form.contains(document.activeElement);
    const address = form.getAttribute("action");
    for (const row of chosen) {
      row.querySelector(".pick input").checked = false;
      paintRow(row, button.value, fields.get("tag_value"), button);
    }
    for (const menu of form.querySelectorAll("details.menu[open]")) menu.open = false;
    const settle = (made) => {
      rows.replaceChildren(...made);
      document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root: rows } }));
      if (focused) (rows.children[Math.min(at, rows.childElementCount - 1)]?.querySelector("a") ?? document.getElementById("content")).focus();
    };
    if (focused) {
      const next = [...rows.children].slice(at).find((row) => !row.hidden) ?? [...rows.children].findLast((row) => !row.hidden);
      next?.querySelector("a").focus({ preventScroll: true });
    }
    document.body.dispatchEvent(new CustomEvent("aboard:settled", { detail: { root: rows } }));
    const whole = (next) => {
      document.querySelector("main").replaceChildren(...next.querySelector("main").childNodes);
      return document.getElementById("content").focus();
    };
    during(address, fields, (answer) => {
      const fresh = answer.next.getElementById("rows");
      if (answer.address.pathname !== "/threads" || !answer.next.getElementById("told")) {
        // Some stayed as they were: the answer says which.
        return answer.next.querySelector("main") ? whole(answer.next) : location.reload();
      }
      if (!fresh?.childElementCount) return location.assign(answer.address);
      settle([...fresh.children]);
      document.getElementById("told").replaceChildren(...answer.next.getElementById("told").childNodes);
      for (const place of answer.next.querySelectorAll(":is(.side, .tabs) a > b")) {
        const here = document.querySelector(`:is(.side, .tabs) a[href="${CSS.escape(place.parentElement.getAttribute("href"))}"] > b`);
        if (here) here.innerHTML = place.innerHTML;
      }
      return say(document.querySelector("#told span")?.textContent ?? "Done");
    }, (answer) => {
      const fresh = answer?.ok ? answer.next.getElementById("rows") : null;
      if (answer?.ok && !fresh) whole(answer.next);
      else settle(fresh ? [...fresh.children] : kept);
    });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (event.defaultPrevented || !button) return;
    const ours = form.closest(".deeds") && ON_THREAD.has(form.querySelector("input[name=do]")?.value) && !form.querySelector("input[name=next]");
    const many = form.matches("form.bulk") && ON_ROWS.test(button.value) && form.elements.sure?.value === "yes" && !form.elements.all?.checked;
    if (!ours && !(many && form.querySelector(".row .pick input:checked"))) return;
    event.preventDefault();
    if (ours) onThread(form, button);
    else onRows(form, button);
  });
}
