"use strict";
// The page of a report: which numbers the tables show, and the structures.
(() => {
  const byId = (id) => document.getElementById(id);

  for (const button of document.querySelectorAll("button[data-show]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("button[data-show]"))
        other.setAttribute("aria-pressed", String(other === button));
      for (const table of document.querySelectorAll(".kind"))
        table.hidden = table.dataset.kind !== button.dataset.show;
    });
  }

  let viewer = null;

  // Light and dark: what the system says, or the reader, who is remembered where there is a store.
  const dark = () => document.documentElement.dataset.theme === "dark";
  function paint(theme) {
    document.documentElement.dataset.theme = theme;
    byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
    if (viewer) { viewer.setBackgroundColor(dark() ? "#14181d" : "white"); viewer.render(); }
  }
  let stored = null;
  try { stored = localStorage.getItem("tea-theme"); } catch { /* no store: the system's */ }
  paint(["dark", "light"].includes(stored) ? stored
    : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  byId("theme").addEventListener("click", () => {
    paint(dark() ? "light" : "dark");
    try { localStorage.setItem("tea-theme", document.documentElement.dataset.theme); } catch { /* not kept */ }
  });

  const predictions = JSON.parse(byId("data").textContent);
  // From light to dark, as in the figures.
  const MAP = ["#f1f179", "#f9c72f", "#fb9b06", "#ed6925", "#cf4446", "#a52c60", "#781c6d", "#4a0c6b", "#1f0c48"];
  const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  function shade(share) {
    const x = Math.min(Math.max(share, 0), 1) * (MAP.length - 1);
    const k = Math.min(Math.floor(x), MAP.length - 2);
    const [a, b] = [channels(MAP[k]), channels(MAP[k + 1])];
    return "#" + a.map((v, c) => Math.round(v + (x - k) * (b[c] - v)).toString(16).padStart(2, "0")).join("");
  }
  document.querySelector("#bar i").style.background = `linear-gradient(to right, ${MAP.join(", ")})`;

  try {
    const backgroundColor = dark() ? "#14181d" : "white";
    viewer = $3Dmol.createViewer(byId("viewer"), { backgroundColor, antialias: true });
  } catch (problem) {
    viewer = null;
  }
  if (!viewer) byId("viewer").innerHTML = "<p>This browser has no WebGL, which the structures need.</p>";

  const state = { prediction: 0, frame: 0, atom: null };
  const current = () => predictions[state.prediction];
  const frame = () => current().frames[state.frame];
  const point = (p) => ({ x: p[0], y: p[1], z: p[2] });

  function values() {
    const mode = byId("colour").value;
    return mode === "element" ? null : mode === "mae" ? current().mae : frame().largest;
  }

  function colours() {
    const numbers = values();
    byId("bar").style.visibility = numbers ? "visible" : "hidden";
    if (!numbers) return current().colours;
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    byId("low").textContent = low.toPrecision(3);
    byId("high").textContent = high.toPrecision(3);
    return numbers.map((v) => shade(high > low ? (v - low) / (high - low) : 0));
  }

  function arrows() {
    if (!byId("arrows").checked) return;
    const longest = Math.max(...frame().vector.map((v) => Math.hypot(...v)));
    frame().vector.forEach((v, i) => {
      if (!longest || Math.hypot(...v) < 0.02 * longest) return;
      const start = frame().xyz[i];
      const end = start.map((x, k) => x + (3 * v[k]) / longest);
      viewer.addArrow({ start: point(start), end: point(end), radius: 0.07, color: "#0072B2" });
    });
  }

  function label() {
    viewer.removeAllLabels();
    if (state.atom === null) return;
    viewer.addLabel(`${current().symbols[state.atom]}${state.atom}`, {
      position: point(frame().xyz[state.atom]), fontSize: 13, fontColor: "black",
      backgroundColor: "white", backgroundOpacity: 0.85, borderColor: "#666", borderThickness: 1, inFront: true,
    });
  }

  function draw(fresh) {
    if (!viewer) return;
    viewer.removeAllModels();
    viewer.removeAllShapes();
    const tints = colours();
    const model = viewer.addModel();
    const atoms = frame().xyz.map((p, i) => ({ elem: current().symbols[i], serial: i, bonds: [], bondOrder: [], ...point(p) }));
    for (const [a, b] of frame().bonds) {
      atoms[a].bonds.push(b); atoms[a].bondOrder.push(1);
      atoms[b].bonds.push(a); atoms[b].bondOrder.push(1);
    }
    model.addAtoms(atoms);
    atoms.forEach((_, i) => model.setStyle({ serial: i }, {
      sphere: { scale: 0.28, color: tints[i] }, stick: { radius: 0.12, color: "#9aa0a6" },
    }));
    for (const [a, b] of frame().cell || [])
      viewer.addLine({ start: point(a), end: point(b), color: "#777777" });
    arrows();
    label();
    model.setClickable({}, true, (atom) => pick(atom.serial));
    if (fresh) viewer.zoomTo();
    viewer.render();
  }

  function table() {
    const body = document.querySelector("#atoms tbody");
    const order = frame().largest.map((_, i) => i).sort((a, b) => frame().largest[b] - frame().largest[a]);
    body.replaceChildren(...order.map((i) => {
      const row = document.createElement("tr");
      row.dataset.atom = i;
      for (const text of [`${current().symbols[i]}${i}`, frame().largest[i].toPrecision(3), current().mae[i].toPrecision(3)])
        row.insertCell().textContent = text;
      row.addEventListener("click", () => pick(i));
      return row;
    }));
    byId("position").textContent = `frame ${frame().id} (${state.frame + 1} of ${current().frames.length})`;
  }

  function pick(atom) {
    state.atom = atom;
    for (const row of document.querySelectorAll("#atoms tr[data-atom]"))
      row.classList.toggle("picked", Number(row.dataset.atom) === atom);
    byId("picked").textContent = `${current().symbols[atom]}${atom}: ` +
      `${frame().largest[atom].toPrecision(3)} in this frame, MAE ${current().mae[atom].toPrecision(3)} kcal/mol/Å`;
    if (viewer) { label(); viewer.render(); }
  }

  function show(fresh) {
    state.atom = null;
    byId("picked").textContent = "Click an atom, or a line of the table.";
    table();
    draw(fresh);
  }

  predictions.forEach((made, i) => byId("prediction").add(new Option(`${made.name} – ${made.where}`, i)));
  byId("prediction").addEventListener("change", (event) => {
    state.prediction = Number(event.target.value);
    state.frame = 0;
    show(true);
  });
  function turn(step) {
    const count = current().frames.length;
    state.frame = (state.frame + step + count) % count;
    show(true);
  }
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("colour").addEventListener("change", () => draw(false));
  byId("arrows").addEventListener("change", () => draw(false));
  byId("reset").addEventListener("click", () => viewer && (viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]), viewer.zoomTo(), viewer.render()));
  show(true);
  // for tests: where an atom is on the page
  window.teaReport = {
    predictions, state,
    screen: (atom) => viewer && viewer.modelToScreen(point(frame().xyz[atom])),
  };
})();
