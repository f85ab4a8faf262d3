// The composer: kept as it is typed, never lost to a reload; a countdown until mail leaves.
{
  const form = document.querySelector("[data-compose]");
  const AFTER = 1200;

  if (form) {
    const saved = form.querySelector("[data-saved]");
    const text = form.elements.text;
    let timer = null;
    let busy = false;
    let dirty = false;
    let sending = false;
    let conflict = false;

    function fields() {
      const data = new FormData(form);
      data.delete("upload");
      data.set("do", "autosave");
      return data;
    }

    function tell(words, state) {
      saved.dataset.state = state;
      saved.textContent = words;
    }

    async function save() {
      if (busy || !dirty || sending || conflict) return;
      busy = true;
      dirty = false;
      try {
        const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields() });
        if (!answer.ok) throw new Error(String(answer.status));
        const kept = await answer.json();
        conflict = kept.conflict;
        // What met a newer text keeps its old base, so that the form comes back with both.
        if (kept.draft && !conflict) {
          form.elements.draft.value = kept.draft;
          form.elements.base.value = kept.version;
        }
        if (conflict) {
          tell("Changed in another tab: save to see both texts, nothing is lost", "conflict");
          say(saved.textContent);
        } else if (kept.draft) {
          tell("Draft saved", "saved");
        }
      } catch {
        dirty = true;
        tell("Not saved yet: no connection. Your text is still here.", "conflict");
        timer = setTimeout(save, 5000);
      } finally {
        busy = false;
        if (dirty && !conflict) timer = setTimeout(save, AFTER);
      }
    }

    form.addEventListener("input", (event) => {
      if (event.target.type === "file") return;
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(save, AFTER);
    });
    form.addEventListener("submit", () => { sending = true; clearTimeout(timer); });
    document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
    window.addEventListener("pagehide", () => {
      if (!dirty || sending || conflict) return;
      fetch(form.getAttribute("action"), { method: "POST", body: fields(), keepalive: true }).catch(() => {});
    });
    // The address points at the text, which the browser then focuses by itself; go on at its end.
    if (location.hash === "#text") text.setSelectionRange(text.value.length, text.value.length);

    // A file that is chosen is attached at once; without scripts the button does it.
    form.elements.upload?.addEventListener("change", () => {
      const attach = form.querySelector('button[value="attach"]');
      if (form.elements.upload.files.length && text.value.trim()) form.requestSubmit(attach);
    });
  }

  function countdown() {
    for (const time of document.querySelectorAll("[data-countdown]")) {
      const left = Math.ceil((Date.parse(time.dateTime) - serverNow()) / 1000);
      if (left > 90) continue;
      const notice = time.closest("[data-leaves]");
      if (left > 0) {
        time.textContent = left === 1 ? "in 1 second" : `in ${left} seconds`;
      } else {
        time.textContent = "now";
        notice?.querySelector("form")?.remove();
      }
    }
  }
  if (document.querySelector("[data-countdown]")) {
    countdown();
    setInterval(countdown, 500);
  }
}
