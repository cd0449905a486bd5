"use strict";
(async () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const element = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const words = (text) => new Uint16Array(bytes(text).buffer);
  const MISSING = 65535;

  if (typeof DecompressionStream === "undefined") {
    element("failed").hidden = false;
    return;
  }
  const packed = new Blob([bytes(element("data-plotly").textContent)]).stream();
  const library = document.createElement("script");
  library.textContent = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
  document.head.append(library);

  const still = { responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: "reset" };
  const drawn = [];
  for (const [name, figure] of Object.entries(read("data-figures"))) {
    const target = element("figure-" + name);
    await Plotly.newPlot(target, figure.data, figure.layout, still);
    drawn.push(target);
  }

  // --- Fan charts, a step for each issue -----------------------------------------------------------
  const fans = read("data-fans");
  const days = words(fans.days), minutes = words(fans.minutes);
  const columns = fans.levels.length + 1;
  const sites = fans.sites.map((site) => ({ ...site, values: words(site.values) }));
  const fan = element("figure-fan"), status = element("fan-status");
  const day = element("fan-day"), site = element("fan-site");
  let shown = 0;

  const option = (text, value) => new Option(text, value);
  const twice = new Set(), seen = new Set();
  for (const issue of fans.issues) (seen.has(issue.day) ? twice : seen).add(issue.day);
  const label = (issue) => issue.day + (twice.has(issue.day) ? ", issued " + issue.issued : "");
  fans.issues.forEach((issue, k) => day.add(option(label(issue), k)));
  sites.forEach((one, k) => site.add(option(one.name, k)));
  element("site-label").hidden = sites.length < 2;

  const two = (n) => String(n).padStart(2, "0");
  const row = (k) => {  // the cells of an issue, missing ones left away
    const cells = [];
    for (let c = 0; c < fans.cells; c++) {
      const at = k * fans.cells + c;
      if (days[at] === MISSING) continue;
      const date = new Date(days[at] * 864e5);
      const wall = two(Math.floor(minutes[at] / 60)) + ":" + two(minutes[at] % 60);
      cells.push({ at, wall, date: date.toISOString().slice(0, 10) });
    }
    return cells;
  };
  const column = (one, cells, j) => {
    const values = cells.map(({ at }) => {
      const code = one.values[at * columns + j];
      return code === MISSING ? null : one.scale * (one.low + one.unit * code);
    });
    return [...values, values[values.length - 1]];  // the last step has its width
  };

  const BANDS = [[0.05, 0.95, "#d1e5f1"], [0.1, 0.9, "#a3cbe3"], [0.25, 0.75, "#66aad1"]];
  const level = (wanted) => fans.levels.findIndex((l) => Math.abs(l - wanted) < 1e-9);

  function traces(one, cells) {
    const x = [...cells.keys(), cells.length];
    const hover = [...cells.map((cell) => cell.date + " " + cell.wall), ""];
    const result = [];
    for (const [low, high, colour] of BANDS) {
      if (level(low) < 0 || level(high) < 0) continue;
      const line = { shape: "hv", width: 0 };
      const plain = { x, mode: "lines", line, hoverinfo: "skip" };
      result.push({ ...plain, y: column(one, cells, level(low)), showlegend: false });
      result.push({ ...plain, y: column(one, cells, level(high)), fill: "tonexty", fillcolor: colour,
        name: Math.round(100 * (high - low)) + " % interval" });
    }
    const trace = { x, mode: "lines", text: hover, hovertemplate: "%{text}: %{y:.4g} " + one.power + "<extra>%{fullData.name}</extra>" };
    if (level(0.5) >= 0)
      result.push({ ...trace, y: column(one, cells, level(0.5)), name: "median",
        line: { shape: "hv", color: "#00395a", width: 2 } });
    result.push({ ...trace, y: column(one, cells, columns - 1), name: "measured",
      line: { shape: "hv", color: "#D55E00", width: 2.5, dash: "dash" } });
    return result;
  }

  function ticks(cells) {
    const long = new Set(cells.map((cell) => cell.date)).size > 3;
    const every = Math.max(1, Math.ceil(cells.length / (fan.clientWidth < 500 ? 6 : 12)));
    const vals = [...cells.keys()].filter((k) => (long ? k === 0 || cells[k].date !== cells[k - 1].date : k % every === 0));
    const thin = long ? vals.filter((_, k) => k % Math.max(1, Math.ceil(vals.length / 8)) === 0) : vals;
    return { tickvals: thin, ticktext: thin.map((k) => (long ? cells[k].date : cells[k].wall)) };
  }

  function layout(one, cells) {
    const axis = { gridcolor: "#e3e3e3", zerolinecolor: "#999", automargin: true };
    const low = Math.min(0, one.low), high = one.capacity === null ? one.low + one.unit * (MISSING - 1) : one.capacity;
    const bottom = one.scale * (one.capacity === null ? one.low : low);
    return {
      xaxis: { ...axis, ...ticks(cells), range: [0, cells.length], title: { text: "Beginning of the interval, " + fans.timezone } },
      yaxis: { ...axis, title: { text: "Power [" + one.power + "]" }, range: [bottom, one.scale * high * 1.02] },
      margin: { l: 56, r: 12, t: 16, b: 48 }, height: 420, showlegend: true,
      legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0 },
      font: { family: "system-ui, sans-serif", size: 13, color: "#222" },
      paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest",
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
  }

  async function show(k, which) {
    shown = Math.min(Math.max(k, 0), fans.issues.length - 1);
    if (which !== undefined) site.value = which;
    const one = sites[Number(site.value)], cells = row(shown), issue = fans.issues[shown];
    day.value = shown;
    element("fan-back").disabled = shown === 0;
    element("fan-next").disabled = shown === fans.issues.length - 1;
    const crps = one.crps[shown];
    status.textContent = one.name + ", " + issue.day + ": issued " + issue.issued +
      (crps === null ? ", without outcome" : ", mean CRPS " + (one.scale * crps).toPrecision(3) + " " + one.power);
    await Plotly.react(fan, traces(one, cells), layout(one, cells), still);
  }

  function zoom(factor) {
    const [low, high] = fan.layout.xaxis.range, all = row(shown).length;
    const half = Math.min(Math.max((high - low) * factor, 2), all) / 2;
    const middle = Math.min(Math.max((low + high) / 2, half), all - half);
    return Plotly.relayout(fan, { "xaxis.range": [middle - half, middle + half] });
  }

  element("fan-back").onclick = () => show(shown - 1);
  element("fan-next").onclick = () => show(shown + 1);
  element("fan-in").onclick = () => zoom(0.5);
  element("fan-out").onclick = () => zoom(2);
  element("fan-all").onclick = () => show(shown);
  day.onchange = () => show(Number(day.value));
  site.onchange = () => show(shown);
  const keys = { ArrowLeft: () => show(shown - 1), ArrowRight: () => show(shown + 1),
    Home: () => show(0), End: () => show(Infinity), "+": () => zoom(0.5), "-": () => zoom(2) };
  fan.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  await show(Math.max(0, sites[0].crps.findIndex((crps) => crps !== null)));
  drawn.push(fan);

  // The worst days lead to their fan.
  for (const button of document.querySelectorAll("#worst [data-issue]")) {
    button.onclick = () => {
      show(Number(button.dataset.issue), Number(button.dataset.site));
      element("fans").scrollIntoView();
      fan.focus({ preventScroll: true });
    };
  }

  const fit = () => drawn.forEach((one) => Plotly.Plots.resize(one));
  addEventListener("beforeprint", fit);
  addEventListener("afterprint", fit);
  document.documentElement.dataset.ready = "yes";
})();
