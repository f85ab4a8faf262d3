// One stream a browser (`/live`), however many tabs are open: HTTP/1.1 allows six connections to a site, and
// six open inboxes would block the seventh. The tab that holds a Web Lock leads: it has the stream and passes
// on what it hears; when it closes, the next one takes over from the last event.
//
// What other scripts (and htmx: `hx-trigger="live:thread-12 from:body"`) hear on `document.body`:
//   live:threads        some thread changed; detail.threads: number -> {account, kinds, by}
//   live:thread-N       thread N changed: a message, a note, an owner, a status; detail: {account, kinds, by}
//   live:account-N      account N changed
//   live:here           who is where; detail: thread number -> [{handle, name, does, since}]
// After an absence too long to be told one by one, all of them are said once for what the page shows.
// <html data-live> says `live`, `reconnecting` or `offline`, and so does #online in words.
{
  const root = document.documentElement;
  const address = document.body.dataset.live;
  const online = document.getElementById("online");
  const NAME = "aboard-live";
  const UNSAID_MS = 2500;
  const OFFLINE_MS = 20_000;
  const WAITS = [1000, 2000, 5000, 10_000, 30_000];
  const WORDS = {
    live: "Live",
    reconnecting: "Reconnecting…",
    offline: "Offline. What you see may be old; it is tried again.",
  };

  let last = Number(document.body.dataset.last) || 0;
  let here = {};
  let state = "";
  let source = null;
  let failures = 0;
  let lostAt = 0;
  let timer = null;
  let leading = false;
  const channel = address && "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;

  function tell(name, detail) {
    document.body.dispatchEvent(new CustomEvent(name, { detail }));
  }

  function setState(next) {
    if (state === next) return;
    state = next;
    root.dataset.live = next;
    if (online) {
      online.dataset.state = next;
      online.textContent = WORDS[next];
    }
  }

  /* What is heard, by the stream or by the tab that leads. */
  function hear(message) {
    if (message.at) last = Math.max(last, message.at);
    if (message.kind === "change") {
      for (const [number, told] of Object.entries(message.data.threads)) tell(`live:thread-${number}`, told);
      for (const number of message.data.accounts) tell(`live:account-${number}`, {});
      if (Object.keys(message.data.threads).length) tell("live:threads", { threads: message.data.threads });
    } else if (message.kind === "anew") {
      for (const name of (document.body.dataset.watch ?? "").split(" ").filter(Boolean)) tell(`live:${name}`, {});
      tell("live:threads", { threads: {} });
    } else if (message.kind === "here") {
      here = message.data;
      tell("live:here", here);
    }
  }

  function pass(message) {
    hear(message);
    channel?.postMessage(message);
  }

  function passState(next) {
    setState(next);
    channel?.postMessage({ kind: "state", state: next });
  }

  // --- The tab that leads -------------------------------------------------------------------------

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(`${address}?last=${last}`);
    for (const kind of ["hello", "change", "anew", "here"]) {
      source.addEventListener(kind, (event) => {
        failures = 0;
        lostAt = 0;
        if (kind === "hello") passState("live");
        else pass({ kind, data: JSON.parse(event.data), at: Number(event.lastEventId) || 0 });
        if (kind === "hello") last = Math.max(last, Number(event.lastEventId) || 0);
      });
    }
    source.onerror = () => {
      lostAt ||= performance.now();
      const lost = performance.now() - lostAt;
      setTimeout(() => { if (lostAt && leading) passState(navigator.onLine === false || performance.now() - lostAt > OFFLINE_MS ? "offline" : "reconnecting"); },
        lost > UNSAID_MS ? 0 : UNSAID_MS);
      // The browser tries again by itself, except after an answer that was no stream.
      if (source.readyState !== EventSource.CLOSED) return;
      if (failures === 1) stillIn();
      clearTimeout(timer);
      timer = setTimeout(open, WAITS[Math.min(failures, WAITS.length - 1)]);
      failures += 1;
    };
  }

  /* Whoever is signed out meanwhile is told so, and not that the connection is lost; half written text stays. */
  async function stillIn() {
    const answer = await fetch("/live/counts", { headers: { accept: "application/json" } }).catch(() => null);
    if (!answer || (answer.status !== 401 && !answer.redirected)) return;
    if (!document.querySelector("[data-compose]")) location.reload();
    else if (online) online.textContent = "Signed out";
  }

  function lead() {
    leading = true;
    open();
  }

  function stop() {
    leading = false;
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  // --- Tabs among themselves -------------------------------------------------------------------------

  function listen() {
    channel.onmessage = ({ data }) => {
      if (data.kind === "ask" && leading) {
        channel.postMessage({ kind: "answer", to: data.from, state, at: last, data: here });
      } else if (data.kind === "answer" && data.to === me && !leading) {
        setState(data.state || "reconnecting");
        if (data.at > last) hear({ kind: "anew", at: data.at });
        hear({ kind: "here", data: data.data });
      } else if (data.kind === "state" && !leading) {
        setState(data.state);
      } else if (!leading && data.data) {
        hear(data);
      }
    };
  }

  const me = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  function start() {
    if (!navigator.locks || !channel) {
      // Without Web Locks (plain HTTP on another host name) each tab that is looked at has its own stream.
      const follow = () => { if (document.hidden) stop(); else if (!source) lead(); };
      document.addEventListener("visibilitychange", follow);
      follow();
      return;
    }
    listen();
    channel.postMessage({ kind: "ask", from: me });
    navigator.locks.request(NAME, () => new Promise((release) => {
      lead();
      window.addEventListener("pagehide", () => { stop(); release(); }, { once: true });
    })).catch(() => {});
    window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  if (address) {
    start();
    window.addEventListener("offline", () => setState("offline"));
    window.addEventListener("online", () => { if (leading) open(); });
  }

  // --- Counts beside places: <b data-count="TEAM:STATUS"> ------------------------------------------------

  const COUNTS_MS = 1500;
  let counting = null;
  async function count() {
    counting = null;
    const answer = await fetch("/live/counts", { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const told = await answer.json();
    for (const place of document.querySelectorAll("[data-count]")) {
      const words = (told[place.dataset.count] ?? 0).toLocaleString("en");
      const text = place.firstChild;
      if (text?.nodeType === Node.TEXT_NODE && text.data !== words) text.data = words;
    }
  }
  document.body.addEventListener("live:threads", () => {
    if (document.querySelector("[data-count]")) counting ??= setTimeout(() => count().catch(() => {}), COUNTS_MS);
  });
}
