
// Shows one outcome at a time; without scripts all are shown one below the other.
const bar = document.getElementById("switch");
if (bar) {
  const blocks = document.querySelectorAll("[data-outcome]");
  const sections = [...document.querySelectorAll("section")].filter((one) => one.querySelector("[data-outcome]"));
  const buttons = bar.querySelectorAll("button");
  const show = (key) => {
    blocks.forEach((block) => { block.classList.toggle("off", key !== "all" && block.dataset.outcome !== key); });
    // A section that has nothing on this outcome, and nothing that is common to all, would be a bare heading.
    sections.forEach((one) => {
      const own = [...one.querySelectorAll("[data-outcome]")];
      const common = [...one.querySelectorAll(".findings, .heat")].some((e) => !e.closest("[data-outcome]"));
      one.classList.toggle("off", !common && own.every((block) => block.classList.contains("off")));
    });
    buttons.forEach((button) => { button.setAttribute("aria-pressed", String(button.dataset.show === key)); });
  };
  buttons.forEach((button) => { button.addEventListener("click", () => show(button.dataset.show)); });
  bar.hidden = false;
  show("0");
}
