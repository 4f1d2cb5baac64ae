// Draws the linked charts when they come into view. Vega's expressions are interpreted, not compiled: the page's
// content security policy forbids eval.
const linked = JSON.parse(document.getElementById("linked-data").textContent);
const tip = document.getElementById("tip");

const showTip = (lines, event) => {
  tip.replaceChildren(...lines.map((line) => { const p = document.createElement("p"); p.textContent = line; return p; }));
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 16;
  const top = below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : below;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, top)}px`;
};

const brief = (number) => String(Number(number.toPrecision(5)));

const draw = async (figure) => {
  const chart = linked.charts.find((one) => one.about.field === `y${figure.dataset.linked}`);
  const [indicator, variant] = figure.querySelectorAll("select");
  const axis = figure.querySelector(".axis.x");
  variant.append(...linked.rows.filter((row) => row[chart.about.field] !== undefined)
    .map((row) => new Option(row.n, row.k)));
  const picked = () => chart.choices[indicator.selectedIndex];
  const tooltip = (handler, event, item, value) => {
    if (!value || value.n === undefined) { tip.hidden = true; return; }
    showTip([value.n, `${picked().label} ${brief(value[picked().field])}`, `${chart.name} ${brief(value.y)}`, ...value.s], event);
  };
  // The browser may have kept what was chosen before a reload.
  const values = { about: chart.about, pick: picked(), chosen: Number(variant.value) };
  const params = linked.spec.params.map((param) => (param.name in values ? { ...param, value: values[param.name] } : param));
  const spec = { ...linked.spec, params, datasets: { rows: linked.rows } };
  const result = await vegaEmbed(figure.querySelector(".linked"), spec, {
    ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip, mode: "vega-lite",
  });
  const title = () => { axis.textContent = `${picked().label}${picked().lower ? " (axis reversed)" : ""} →`; };
  indicator.addEventListener("change", () => { title(); result.view.signal("pick", picked()).runAsync(); });
  variant.addEventListener("change", () => result.view.signal("chosen", Number(variant.value)).runAsync());
  title();
  figure.dataset.drawn = "";
};

const watcher = new IntersectionObserver((entries) => {
  entries.filter((entry) => entry.isIntersecting).forEach((entry) => { watcher.unobserve(entry.target); draw(entry.target); });
}, { rootMargin: "600px" });
document.querySelectorAll("[data-linked]").forEach((figure) => {
  figure.hidden = false;
  figure.nextElementSibling.open = false;
  watcher.observe(figure);
});
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
addEventListener("beforeprint", () => { document.querySelectorAll("details.all").forEach((one) => { one.open = true; }); });
