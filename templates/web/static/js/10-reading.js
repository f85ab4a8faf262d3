// Reading one page: copying, and arriving at one message of a thread.
{
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    say("Copied");
    button.lastChild.textContent = "Copied";
  });
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  }

  function openTarget() {
    const target = location.hash.startsWith("#m") && document.getElementById(location.hash.slice(1));
    const details = target && target.querySelector("details");
    if (details) details.open = true;
    target?.scrollIntoView?.({ block: "start" });
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  const here = document.querySelector(".pane .here");
  if (here) here.closest(".pane").scrollTop = here.offsetTop - 200;
}
