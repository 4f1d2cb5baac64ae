
// Shows one outcome at a time; without scripts all are shown one below the other.
const bar = document.getElementById("switch");
if (bar) {
  const blocks = document.querySelectorAll("[data-outcome]");
  const buttons = bar.querySelectorAll("button");
  const show = (key) => {
    blocks.forEach((block) => { block.classList.toggle("off", key !== "all" && block.dataset.outcome !== key); });
    buttons.forEach((button) => { button.setAttribute("aria-pressed", String(button.dataset.show === key)); });
  };
  buttons.forEach((button) => { button.addEventListener("click", () => show(button.dataset.show)); });
  bar.hidden = false;
  show("0");
}
