"use strict";
/* The tables of a board: kinds of numbers, ranks, sorting, filters, columns; all of it in the address. */
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  /* Three significant digits, as teaeval's tables have them. */
  const significant = (value) => {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e6) {
      const [mantissa, exponent] = value.toExponential(2).split("e");
      const sign = exponent[0], digits = exponent.slice(1).padStart(2, "0");
      return `${mantissa.replace(/\.?0+$/, "")}e${sign}${digits}`;
    }
    const text = value.toPrecision(3);
    return text.includes("e") ? Number(text).toFixed(0) : text;
  };
  const small = (p) => (p < 0.001 ? p.toExponential(0).replace("-", "−") : Number(p.toPrecision(2)).toString());
  const words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  const spelt = (count) => words[count] ?? String(count);

  /* Light and dark: what the system says, or the reader. */
  const theme = () => {
    const button = $("#theme");
    const set = (value) => {
      document.documentElement.dataset.theme = value;
      button.setAttribute("aria-pressed", String(value === "dark"));
    };
    let stored = null;
    try { stored = localStorage.getItem("tea-theme"); } catch { /* no storage: the system's */ }
    set(stored === "dark" || stored === "light" ? stored
      : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    button.addEventListener("click", () => {
      const value = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      set(value);
      try { localStorage.setItem("tea-theme", value); } catch { /* not kept */ }
    });
    button.hidden = false;
  };

  /* Numbers by size, those within a text too: 490 of 500 before 2500 of 2500, Model 2 before Model 10. */
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b)));

  const MOST = 100;
  const table = (data, root) => {
    const state = {};
    const defaults = {
      group: data.group ?? "all",
      kind: data.kinds[0][0], measure: data.measures[0][0],
      by: data.by ?? data.columns[0].id, sort: data.ranks ? "place" : "name", dir: "up",
      q: "", hide: data.hidden ?? "", old: "", rows: "", cell: "",
    };
    const read = () => {
      const said = new URLSearchParams(location.hash.slice(1));
      for (const name of Object.keys(defaults)) state[name] = said.get(name) ?? defaults[name];
      const known = (name, values) => { if (!values.includes(state[name])) state[name] = defaults[name]; };
      known("group", [...data.groups.map((g) => g[0]), ...(data.every ? ["all"] : [])]);
      known("kind", data.kinds.map((k) => k[0]));
      known("measure", data.measures.map((m) => m[0]));
      known("by", data.columns.map((c) => c.id));
      known("dir", ["up", "down"]);
    };
    const write = () => {
      const said = new URLSearchParams();
      for (const [name, value] of Object.entries(defaults)) if (state[name] !== value) said.set(name, state[name]);
      history.replaceState(null, "", `#${said}`);
    };

    /* Numbers. */
    const measureAt = () => data.measures.findIndex((m) => m[0] === state.measure);
    const factor = (kind, column) => {
      if (kind === "absolute" || !data.norms) return 1;
      const norm = data.norms[kind][column];
      return norm ? 100 / norm : null;
    };
    const value = (row, column, kind = state.kind) => {
      const m = measureAt();
      if (row.own) return row.own[kind]?.[m]?.[column] ?? null;
      const plain = row.x[m][column];
      if (plain === null || kind === "absolute") return plain;
      const norm = data.norms[kind][column];
      return norm ? (100 * plain) / norm : null;
    };
    const shown = (row, column) => row.text?.[state.kind]?.[measureAt()]?.[column] ?? significant(value(row, column));
    const interval = (row, column) => {
      const limits = row.i?.[measureAt()]?.[column];
      const scale = factor(state.kind, column);
      return limits && scale ? limits.map((limit) => significant(limit * scale)).join(" to ") : "";
    };
    const unit = (column) => state.kind === "absolute" ? data.columns[column].unit
      : state.kind === "mean" ? "% of mean" : "% of std";

    const inGroup = (row) => (state.group === "all" || row.group === state.group)
      && (row.status === "active" || state.old === "1");
    const ranking = () => data.ranks?.[state.group]?.[`${state.by}.${state.measure}`];
    const placeOf = (row) => ranking()?.places[row.n] ?? null;
    const sharing = () => {
      const counts = new Map();
      for (const place of ranking()?.places ?? []) if (place !== null) counts.set(place, (counts.get(place) ?? 0) + 1);
      return counts;
    };
    const columnsShown = () => {
      const hidden = new Set(state.hide.split(","));
      return data.columns.map((_, n) => n).filter((n) => !hidden.has(data.columns[n].id)
        && (!data.sparse || data.rows.some((row) => inGroup(row) && value(row, n) !== null)));
    };
    const extrasShown = () => {
      const hidden = new Set(state.hide.split(","));
      return data.extras.filter(([id]) => !hidden.has(id));
    };

    /* Where the order of columns is another one than in absolute numbers (or in the first kind). */
    const moved = (row) => {
      const first = data.kinds[0][0];
      if (state.kind === first || !data.compared) return new Map();
      const order = (kind) => data.compared.filter((n) => value(row, n, kind) !== null)
        .sort((a, b) => value(row, b, kind) - value(row, a, kind));
      const before = order(first), now = order(state.kind), found = new Map();
      now.forEach((n, place) => { if (before[place] !== n) found.set(n, [before.indexOf(n) + 1, place + 1]); });
      return found;
    };

    /* The parts of the page. */
    const head = make("tr"), body = make("tbody"), caption = make("caption");
    const summary = make("p", { class: "summary", "aria-live": "polite" });
    const noted = make("p", { class: "note" });
    const more = make("button", { type: "button", hidden: true, onclick: () => { state.rows = "all"; list(); write(); } });
    const dialog = $("#record");
    let rows = [];

    const header = (id, label, hint, cls) => {
      const active = state.sort === id;
      const button = make("button", { type: "button", "data-sort": id, title: hint, onclick: () => {
        state.dir = state.sort === id && state.dir === "up" ? "down" : "up";
        state.sort = id;
        sortRows();
        write();
      } }, label);
      return make("th", { scope: "col", class: cls, "aria-sort": active
        ? (state.dir === "up" ? "ascending" : "descending") : null }, button);
    };
    const drawHead = () => {
      head.replaceChildren(
        header("name", "Model", "by name", "name"),
        ...(data.ranks ? [header("place", "Place", "by place", "place")] : []),
        ...columnsShown().map((n) => header(data.columns[n].id,
          `${data.columns[n].label}${n === byAt() && data.ranks ? " ◆" : ""}`, unit(n), "number")),
        ...extrasShown().map(([id, label, hint]) => header(id, label, hint, id === "frames" ? "cover" : "number")),
      );
    };
    const byAt = () => data.columns.findIndex((c) => c.id === state.by);

    const drawRow = (row, counts) => {
      const place = placeOf(row), changed = moved(row);
      const cells = [make("th", { scope: "row", class: "name" },
        row.href ? make("a", { href: row.href }, row.name) : row.name,
        row.version ? make("span", { class: "version" }, ` ${row.version}`) : null,
        row.why ? make("span", { class: "why" }, row.why) : null)];
      if (data.ranks) {
        const shared = counts.get(place) > 1;
        cells.push(make("td", { class: "place", title: shared ? `shared by ${counts.get(place)}` : null },
          place === null ? "–" : `${shared ? "=" : ""}${place}`));
      }
      columnsShown().forEach((n, at) => {
        const text = shown(row, n);
        if (text === "–") { cells.push(make("td", { class: "number" }, "–")); return; }
        const places = changed.get(n);
        const limits = interval(row, n);
        cells.push(make("td", { class: "number" },
          make("button", { type: "button", class: "value", tabindex: at === 0 ? "0" : "-1",
            "data-cell": `${row.key}.${data.columns[n].id}` }, text),
          row.marks?.includes(data.columns[n].id) ? make("abbr", { title: "mostly a constant offset of the energies" }, "†") : null,
          places ? make("abbr", { class: "moved", title: `in ${data.kinds[0][1]} this is the ${places[0]}. largest of the row, here the ${places[1]}.` }, "↕") : null,
          limits ? make("small", {}, limits) : null));
      });
      for (const [id] of extrasShown()) {
        const given = id === "p" || id === "needed" ? ranking()?.[id]?.[row.n] : row.extra[id];
        const text = given === null || given === undefined ? "–" : typeof given !== "number" ? given
          : id === "p" ? small(given) : id === "size" || id === "needed" ? String(given) : significant(given);
        cells.push(make("td", { class: id === "frames" ? "cover" : "number" }, text));
      }
      return make("tr", { "data-key": row.key, class: row.status === "active" ? null : "old" }, ...cells);
    };

    const keyOf = (row) => {
      if (state.sort === "name") return row.name;
      if (state.sort === "place") return placeOf(row) === null ? null : placeOf(row) * 1e6 + ranking().order[row.n];
      const column = data.columns.findIndex((c) => c.id === state.sort);
      if (column >= 0) return value(row, column);
      if (state.sort === "p" || state.sort === "needed") return ranking()?.[state.sort]?.[row.n] ?? null;
      return row.extra[state.sort] ?? null;
    };
    const sortRows = () => {
      const sign = state.dir === "up" ? 1 : -1;
      const keyed = rows.map((item) => [keyOf(item.row), item]);
      keyed.sort(([a, x], [b, y]) => {
        if (a === null || b === null) return (a === null) - (b === null) || x.row.n - y.row.n;
        return sign * compare(a, b) || x.row.n - y.row.n;
      });
      rows = keyed.map(([, item]) => item);
      for (const cell of head.children) {
        if (cell.firstChild.dataset.sort === state.sort) {
          cell.setAttribute("aria-sort", state.dir === "up" ? "ascending" : "descending");
        } else cell.removeAttribute("aria-sort");
      }
      list();
    };
    /* Put the rows that are searched for into the page; of many, the first hundred. */
    const list = () => {
      const wanted = state.q.trim().toLowerCase();
      const found = wanted === "" ? rows : rows.filter((item) => item.text.includes(wanted));
      const listed = state.rows === "all" ? found : found.slice(0, MOST);
      const banded = state.sort === "place" && state.dir === "up" && Boolean(data.ranks);
      const counts = sharing();
      let before = null, band = 0;
      for (const item of listed) {
        item.element ??= drawRow(item.row, counts);
        const place = placeOf(item.row);
        if (place !== before) band += 1;
        item.element.classList.toggle("band", banded && place !== null && band % 2 === 1);
        item.element.classList.toggle("first", banded && place !== before);
        before = place;
      }
      body.replaceChildren(...listed.map((item) => item.element));
      $("#count", root).textContent = `${listed.length} of ${rows.length} shown`;
      more.hidden = listed.length === found.length;
      more.textContent = `Show all ${found.length}`;
    };
    const draw = () => {
      drawHead();
      rows = data.rows.filter(inGroup).map((row) => ({ row, element: null,
        text: `${row.name} ${row.version ?? ""} ${row.search ?? ""}`.toLowerCase() }));
      sortRows();
      const kind = data.kinds.find((k) => k[0] === state.kind)[1];
      const measure = data.measures[measureAt()][1];
      const group = data.groups.find((g) => g[0] === state.group);
      caption.textContent = `${measure}, ${kind}${group ? `; ${data.groupLabel.toLowerCase()}: ${group[1]}` : ""}`;
      summary.textContent = said();
      noted.textContent = $(".moved", body)
        ? `↕: stands elsewhere in the order of its row than in ${data.kinds[0][1]}.` : "";
    };
    const said = () => {
      const now = ranking();
      if (!data.ranks) return data.plain ?? "";
      if (state.measure === "max") return "There is no test for the MAX, and so no place.";
      const placed = data.rows.filter((row) => placeOf(row) !== null);
      if (!now || placed.length === 0) return "No prediction has a place here.";
      if (placed.length === 1) return `${placed[0].name} is alone here.`;
      const best = Math.min(...placed.map(placeOf));
      const first = placed.filter((row) => placeOf(row) === best);
      const names = first.length <= 6 ? `: ${first.map((row) => row.name + (state.group === "all" ? ` (${row.extra.size ?? "–"})` : "")).join(", ")}` : "";
      const what = `${data.columns[byAt()].label} ${data.measures[measureAt()][1]}`;
      let text = first.length === 1
        ? `By ${what}, ${first[0].name} is first${state.group === "all" ? `, trained on ${first[0].extra.size ?? "other data"}` : ""}.`
        : `By ${what}, ${spelt(first.length)} predictions share first place${names}.`;
      if (now.smallest >= 0.05) {
        text += ` Nothing can be separated: ${data.units} give no p below ${small(now.smallest)} after Holm over ${now.pairs} pairs.`;
      }
      if (state.group === "all") text += " Training sets of different sizes stand beside each other here.";
      return text;
    };

    /* The way back from a number. */
    const show = (key) => {
      const dot = key.indexOf(".");
      const row = data.rows.find((item) => item.key === key.slice(0, dot));
      const column = data.columns.findIndex((c) => c.id === key.slice(dot + 1));
      if (!row || column < 0 || shown(row, column) === "–") return;
      const list = make("dl");
      const add = (name, content) => { if (content) list.append(make("dt", {}, name), make("dd", {}, content)); };
      const code = (text) => (text ? make("code", {}, text) : null);
      add("Value", `${shown(row, column)} ${unit(column)}`);
      add("95 % interval", interval(row, column));
      const own = (row.from ?? []).map((text, n) => [...data.from[n], text]);
      if (row.from) own.unshift(["Record, at full precision", "link", `records/${row.key}.json`]);
      for (const [name, kind, text] of [...own, ...(row.trace ?? []), ...data.trace]) {
        add(name, kind === "link" ? make("a", { href: text }, text) : kind === "code" ? code(text) : text);
      }
      $("h2", dialog).textContent = `${row.name}${row.version ? ` ${row.version}` : ""}: ${data.columns[column].label} ${data.measures[measureAt()][1]}`;
      $("div", dialog).replaceChildren(list);
      state.cell = key;
      write();
      if (!dialog.open) dialog.showModal();
    };
    dialog.addEventListener("close", () => {
      const key = state.cell;
      state.cell = "";
      write();
      body.querySelector(`[data-cell="${CSS.escape(key)}"]`)?.focus();
    });
    body.addEventListener("click", (event) => {
      const button = event.target.closest("button.value");
      if (button) show(button.dataset.cell);
    });
    body.addEventListener("keydown", (event) => {
      const button = event.target.closest("button.value");
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!button || !step) return;
      event.preventDefault();
      const cell = button.closest("td");
      let line = cell.parentElement;
      let at = cell.cellIndex + step[1];
      if (step[0]) line = step[0] < 0 ? line.previousElementSibling : line.nextElementSibling;
      $("button.value", line?.cells[at] ?? make("td"))?.focus();
    });

    /* The controls. */
    const select = (name, label, options) => options.length < 2 ? null : make("label", {}, `${label} `,
      make("select", { name, onchange: (event) => { state[name] = event.target.value; draw(); write(); } },
        ...options.map(([id, text]) => make("option", { value: id }, text))));
    const kinds = make("div", { class: "buttons", role: "group", "aria-label": "Numbers as" },
      ...data.kinds.map(([id, label]) => make("button", { type: "button", "data-kind": id, onclick: () => {
        state.kind = id; draw(); controls(); write();
      } }, label)));
    const search = make("input", { type: "search", name: "q", autocomplete: "off", oninput: (event) => { state.q = event.target.value; list(); write(); } });
    const boxes = [...data.columns.map((c) => [c.id, c.label]), ...data.extras].map(([id, label]) => make("label", {},
      make("input", { type: "checkbox", name: "column", value: id, onchange: () => {
        state.hide = boxes.map((box) => $("input", box)).filter((box) => !box.checked).map((box) => box.value).join(",");
        draw(); write();
      } }), ` ${label}`));
    const old = data.rows.some((row) => row.status !== "active") ? make("label", {},
      make("input", { type: "checkbox", name: "old", onchange: (event) => { state.old = event.target.checked ? "1" : ""; draw(); write(); } }),
      " withdrawn and superseded") : null;
    const panel = make("form", { class: "controls", onsubmit: (event) => event.preventDefault() },
      kinds,
      ...[
        select("measure", "Measure", data.measures),
        data.ranks ? select("by", "Ranked by", data.columns.map((c) => [c.id, c.label])) : null,
        select("group", data.groupLabel, [...data.groups, ...(data.every ? [["all", data.every]] : [])]),
        make("label", {}, "Search ", search), old,
        make("details", { class: "choose" }, make("summary", {}, "Columns"), make("div", {}, ...boxes)),
      ].filter(Boolean),
      make("span", { id: "count", class: "note" }));
    const controls = () => {
      for (const button of kinds.children) button.setAttribute("aria-pressed", String(button.dataset.kind === state.kind));
      for (const name of ["measure", "by", "group"]) { const box = panel.elements[name]; if (box) box.value = state[name]; }
      search.value = state.q;
      if (panel.elements.old) panel.elements.old.checked = state.old === "1";
      const hidden = new Set(state.hide.split(","));
      for (const box of boxes) $("input", box).checked = !hidden.has($("input", box).value);
    };
    root.replaceChildren(panel, summary, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": data.label },
      make("table", { class: "board" }, caption, make("thead", {}, head), body)), more, noted);
    const all = () => { read(); controls(); draw(); if (state.cell) show(state.cell); };
    window.addEventListener("hashchange", all);
    all();
    window.teaBoard = { data, state };
  };

  theme();
  const root = $("#board");
  if (root) table(JSON.parse($("#data").textContent), root);
})();
