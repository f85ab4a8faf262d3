// Lists: how many are selected is said in the bar, so that a deed is done at once; without a script a
// page between says it. Fields with `data-submit` send their form when they change.
{
  document.documentElement.classList.add("scripted");
  const form = document.querySelector("form.bulk");

  function boxes() {
    return [...form.querySelectorAll(".row .pick input")];
  }

  function count() {
    const all = boxes();
    const chosen = all.filter((box) => box.checked).length;
    const said = form.querySelector("[data-chosen]");
    if (said) said.textContent = chosen === 1 ? "1 thread" : `${chosen} threads`;
    const every = form.querySelector("[data-every]");
    if (every) {
      every.checked = chosen > 0 && chosen === all.length;
      every.indeterminate = chosen > 0 && chosen < all.length;
    }
  }

  if (form) {
    form.elements.sure.value = "yes";
    let last = null;
    form.addEventListener("change", (event) => {
      if (event.target.matches("[data-every]")) {
        for (const box of boxes()) box.checked = event.target.checked;
      }
      count();
    });
    // Shift and a click select everything between.
    form.addEventListener("click", (event) => {
      const box = event.target.closest?.(".row .pick input");
      if (!box) return;
      const all = boxes();
      if (event.shiftKey && last && all.includes(last)) {
        const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
        for (const one of all.slice(from, to + 1)) one.checked = box.checked;
        count();
      }
      last = box;
    });
    // Enter in a field of the bar presses the button beside it, not the first one of the form.
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.target.matches(".bulkbar input:not([type=checkbox])")) return;
      event.preventDefault();
      const sheet = event.target.closest(".sheet");
      const buttons = [...sheet.querySelectorAll("button[name=deed]")];
      buttons.find((one) => event.target.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)?.click();
    });
    document.body.addEventListener("aboard:settled", count);
    count();
  }

  for (const field of document.querySelectorAll("[data-submit]")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }
}
