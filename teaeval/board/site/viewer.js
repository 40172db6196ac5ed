"use strict";
/* Structures in three dimensions, on a canvas: turned by pointer, keys and buttons; in the address what is shown. */
(() => {
  const $ = (selector) => document.querySelector(selector);
  const data = JSON.parse($("#views").textContent);
  const canvas = $("#view-canvas"), pen = canvas.getContext("2d");
  const sets = $("#view-set"), colour = $("#view-colour"), spin = $("#view-spin");
  const START = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const MAP = ["#f1f179", "#f9c72f", "#fb9b06", "#ed6925", "#cf4446", "#a52c60", "#781c6d", "#4a0c6b", "#1f0c48"];
  const BOND = 0.11;
  const state = { set: 0, frame: 0, colour: "error", turn: START, zoom: 1 };
  const shown = () => data.sets[state.set];
  const frame = () => shown().frames[state.frame];
  const byError = () => state.colour === "error" && Boolean(frame().largest);

  /* Colours. */
  const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const mixed = (a, b, share) => a.map((v, k) => v + share * (b[k] - v));
  const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;
  /* From the paper's side of the map to the other: a large error is never the colour of the paper. */
  const shade = (share) => {
    const map = document.documentElement.dataset.theme === "dark" ? [...MAP].reverse() : MAP;
    const x = Math.min(Math.max(share, 0), 1) * (map.length - 1), k = Math.min(Math.floor(x), map.length - 2);
    return mixed(channels(map[k]), channels(map[k + 1]), x - k);
  };
  const tints = () => {
    if (!byError()) return data.colours.map(channels);
    const most = Math.max(...frame().largest);
    return frame().largest.map((value) => shade(most ? value / most : 0));
  };

  /* Drawing: atoms and bonds from the farthest to the nearest, the farther the nearer to the paper's colour. */
  const turned = ([x, y, z]) => {
    const t = state.turn;
    return [t[0] * x + t[1] * y + t[2] * z, t[3] * x + t[4] * y + t[5] * z, t[6] * x + t[7] * y + t[8] * z];
  };
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const style = getComputedStyle(document.documentElement);
    const paper = channels(style.getPropertyValue("--back").trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3"));
    const reach = Math.max(1, ...frame().xyz.map((p) => Math.hypot(...p)), ...(frame().cell ?? []).flat().map((p) => Math.hypot(...p)));
    const scale = (state.zoom * ratio * Math.min(width, height)) / (2 * reach + 2);
    const at = (p) => [canvas.width / 2 + scale * p[0], canvas.height / 2 - scale * p[1]];
    const atoms = frame().xyz.map(turned), colours = tints();
    const depths = atoms.map((p) => p[2]), low = Math.min(...depths), range = Math.max(Math.max(...depths) - low, 1e-6);
    const fog = (z) => 0.35 * (1 - (z - low) / range);
    pen.lineCap = "round";
    pen.strokeStyle = css(mixed([128, 128, 128], paper, 0.3));
    pen.lineWidth = ratio;
    for (const edge of frame().cell ?? []) {
      pen.beginPath();
      pen.moveTo(...at(turned(edge[0])));
      pen.lineTo(...at(turned(edge[1])));
      pen.stroke();
    }
    const parts = [
      ...atoms.map((p, n) => [p[2], () => ball(at(p), scale * data.radii[n], mixed(colours[n], paper, fog(p[2])))]),
      ...frame().bonds.map(([a, b]) => {
        const z = (atoms[a][2] + atoms[b][2]) / 2;
        return [z - 0.1, () => stick(at(atoms[a]), at(atoms[b]), 2 * BOND * scale, mixed([140, 146, 152], paper, fog(z)))];
      }),
    ];
    for (const [, paint] of parts.sort((a, b) => a[0] - b[0])) paint();
  };
  const stick = (from, to, width, rgb) => {
    pen.strokeStyle = css(rgb);
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  };
  const ball = ([x, y], radius, rgb) => {
    const light = pen.createRadialGradient(x - radius / 3, y - radius / 3, radius / 8, x, y, radius);
    light.addColorStop(0, css(mixed(rgb, [255, 255, 255], 0.55)));
    light.addColorStop(0.5, css(rgb));
    light.addColorStop(1, css(mixed(rgb, [0, 0, 0], 0.45)));
    pen.fillStyle = light;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  };
  let asked = 0;
  const later = () => { asked ||= requestAnimationFrame(() => { asked = 0; draw(); }); };

  /* What is shown, in words too. */
  const say = () => {
    const { largest } = frame(), { frames, name } = shown();
    canvas.setAttribute("aria-label", `${name}, frame ${frame().id}, a structure of ${data.symbols.length} atoms`);
    $("#view-scale").hidden = !byError();
    colour.disabled = !largest;
    for (const button of document.querySelectorAll("#view button[data-step]")) button.disabled = frames.length < 2;
    if (!largest) { $("#view-said").textContent = `Frame ${frame().id} of the test set.`; return; }
    const order = largest.map((_, n) => n).sort((a, b) => largest[b] - largest[a]).slice(0, 5);
    $("#view-most").textContent = largest[order[0]].toPrecision(3);
    $("#view-said").textContent = `Frame ${frame().id} of the test set, ${state.frame + 1} of the worst ${frames.length}. `
      + `Largest force errors: ${order.map((n) => `${data.symbols[n]}${n} ${largest[n].toPrecision(3)}`).join(", ")} kcal/mol/Å.`;
  };
  const show = () => {
    sets.value = String(state.set);
    colour.value = state.colour;
    say();
    later();
  };
  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    state.set = Math.max(data.sets.findIndex((one) => one.key === said.get("view")), 0);
    state.frame = Math.min(Math.max(Math.trunc(Number(said.get("frame") ?? 1)) - 1 || 0, 0), shown().frames.length - 1);
    state.colour = said.get("colour") === "element" ? "element" : "error";
    show();
  };
  const write = () => {
    const said = new URLSearchParams({ view: shown().key });
    if (state.frame) said.set("frame", state.frame + 1);
    if (state.colour !== "error") said.set("colour", state.colour);
    history.replaceState(null, "", `#${said}`);
    show();
  };

  /* Turning: about the screen's axes. */
  const turn = (right, down) => {
    const [a, b] = [Math.cos(right), Math.sin(right)], [c, d] = [Math.cos(down), Math.sin(down)];
    const by = [a, 0, b, d * b, c, -d * a, -c * b, d, c * a], t = state.turn;
    state.turn = [0, 3, 6].flatMap((row) => [0, 1, 2].map((k) => by[row] * t[k] + by[row + 1] * t[3 + k] + by[row + 2] * t[6 + k]));
    later();
  };
  const STEP = Math.PI / 12;
  const keys = {
    ArrowLeft: () => turn(-STEP, 0), ArrowRight: () => turn(STEP, 0), ArrowUp: () => turn(0, -STEP), ArrowDown: () => turn(0, STEP),
    "+": () => { state.zoom = Math.min(state.zoom * 1.25, 8); later(); },
    "-": () => { state.zoom = Math.max(state.zoom / 1.25, 0.25); later(); },
    0: () => { state.turn = START; state.zoom = 1; later(); },
  };
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key === "=" ? "+" : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) turn(event.movementX / 120, event.movementY / 120);
  });

  /* Spinning is asked for, and not offered to readers who want no motion. */
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const spinning = () => spin.getAttribute("aria-pressed") === "true";
  let next = 0;
  const round = () => {
    cancelAnimationFrame(next);
    if (!spinning()) return;
    turn(0.01, 0);
    next = requestAnimationFrame(round);
  };
  const calm = () => {
    spin.hidden = still.matches;
    if (still.matches) spin.setAttribute("aria-pressed", "false");
  };
  spin.addEventListener("click", () => {
    spin.setAttribute("aria-pressed", String(!spinning()));
    round();
  });
  still.addEventListener("change", calm);

  data.sets.forEach((one, n) => sets.add(new Option(one.name, n)));
  sets.addEventListener("change", () => { state.set = Number(sets.value); state.frame = 0; write(); });
  colour.addEventListener("change", () => { state.colour = colour.value; write(); });
  for (const button of document.querySelectorAll("#view button[data-key]")) button.addEventListener("click", () => keys[button.dataset.key]());
  for (const button of document.querySelectorAll("#view button[data-step]")) {
    button.addEventListener("click", () => {
      const count = shown().frames.length;
      state.frame = (state.frame + Number(button.dataset.step) + count) % count;
      write();
    });
  }
  $("#view > .note").remove();
  $("#view-controls").hidden = canvas.hidden = false;
  calm();
  new ResizeObserver(later).observe(canvas);
  new MutationObserver(later).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.addEventListener("hashchange", read);
  read();
  window.teaView = { data, state };
})();
