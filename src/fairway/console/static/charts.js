// Charts of the metrics page: numbers come as JSON from the address in `data-chart`, uPlot draws
// them. Marks (deployments, weights, policies) are vertical lines, exemplars are diamonds that lead
// to their traces, and dragging over a chart chooses that time. Colours are those of the classes.
(() => {
  "use strict";

  const EVERY = 5000;
  const NEAR = 12;
  const ELAPSED = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];
  const POWERS = Array.from({ length: 45 }, (_, power) => 2 ** power);  // round in KiB and MiB
  const charts = new Map();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const wide = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const known = charts.get(target.closest("figure"));
      if (known?.plot && target.clientWidth !== known.plot.width) {
        known.plot.setSize({ width: target.clientWidth, height: heightOf(target) });
      }
    }
  });
  const heightOf = (place) => (place.classList.contains("wide") ? 320 : 200);

  // --- how numbers read (the same as console/quantities.py) -------------------------------------
  const figures = (value) => {
    if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString("en");
    return String(Number(value.toPrecision(3)));
  };
  const duration = (seconds) => {
    const size = Math.abs(seconds);
    if (size >= 5400) return `${figures(seconds / 3600)} h`;
    if (size >= 99.95) return `${figures(seconds / 60)} min`;
    if (size >= 0.9995 || size === 0) return `${figures(seconds)} s`;
    return size >= 0.0009995 ? `${figures(seconds * 1e3)} ms` : `${figures(seconds * 1e6)} µs`;
  };
  const bytes = (count) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (Math.abs(count) >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
    return `${figures(count)} ${units[unit]}`;
  };
  const quantity = (value, unit) => {
    if (value === null || value === undefined) return "—";
    switch (unit) {
      case "s": return duration(value);
      case "ms": return duration(value / 1000);
      case "By": return bytes(value);
      case "By/s": return `${bytes(value)}/s`;
      case "share": return `${figures(value * 100)} %`;
      case "/s": return `${figures(value)}/s`;
      case "": case "1": return figures(value);
      default: return unit.startsWith("{") ? figures(value) : `${figures(value)} ${unit}`;
    }
  };

  // --- colours ---------------------------------------------------------------------------------
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const colourOf = (name) => {
    probe.className = name;
    return getComputedStyle(probe).color;
  };
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const markColour = { deployment: "--c1", weight: "--c1", success: "--ok", failure: "--bad", policies: "--c4", run: "--muted" };

  // --- what is drawn over the lines --------------------------------------------------------------
  const drawMarks = (plot, data) => {
    const { ctx, bbox } = plot;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.font = `${11 * ratio}px ${variable("--font")}`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    const shown = data.marks
      .map((mark) => ({ ...mark, x: Math.round(plot.valToPos(mark.at, "x", true)) }))
      .filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width);
    for (const mark of shown) {
      const { x } = mark;
      ctx.strokeStyle = variable(markColour[mark.kind] || "--muted");
      ctx.lineWidth = ratio;
      ctx.setLineDash(mark.kind === "weight" ? [3 * ratio, 3 * ratio] : []);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    // One row of labels. What went wrong is named first; then the oldest. A label without room is
    // left out, never its mark: the list below the charts has it.
    const taken = [];
    for (const mark of [...shown].sort((one, other) => (other.kind === "failure") - (one.kind === "failure"))) {
      const width = ctx.measureText(mark.label).width + 8 * ratio;
      const left = Math.max(bbox.left, Math.min(mark.x + 3 * ratio, bbox.left + bbox.width - width));
      if (taken.some(([from, to]) => left < to && left + width > from)) continue;
      taken.push([left, left + width]);
      ctx.fillStyle = variable(markColour[mark.kind] || "--muted");
      ctx.fillText(mark.label, left, bbox.top + 2 * ratio);
    }
    ctx.restore();
  };
  const drawDots = (plot, data) => {
    const { ctx } = plot;
    const half = 4 * (window.devicePixelRatio || 1);
    ctx.save();
    ctx.strokeStyle = variable("--panel");
    ctx.fillStyle = variable("--text");
    for (const dot of data.dots) {
      const [x, y] = [plot.valToPos(dot.at, "x", true), plot.valToPos(dot.value, "y", true)];
      ctx.beginPath();
      ctx.moveTo(x, y - half); ctx.lineTo(x + half, y); ctx.lineTo(x, y + half); ctx.lineTo(x - half, y);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  };
  const dotAt = (plot, data, left, top) => {
    let [found, best] = [null, NEAR];
    for (const dot of data.dots) {
      const away = Math.hypot(plot.valToPos(dot.at, "x") - left, plot.valToPos(dot.value, "y") - top);
      if (away < best) [found, best] = [dot, away];
    }
    return found;
  };

  // --- one chart ---------------------------------------------------------------------------------
  const choose = (plot, data) => {
    const { left, width } = plot.select;
    if (width < 8 || data.relative) return;
    const address = new URL(location.href);
    address.searchParams.set("since", plot.posToVal(left, "x").toFixed(0));
    address.searchParams.set("until", plot.posToVal(left + width, "x").toFixed(0));
    location.assign(address);
  };
  const options = (known, place) => {
    const data = known.data;
    const [text, line] = [variable("--muted"), variable("--line")];
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `11px ${variable("--font")}` };
    const clock = (seconds, apart) => {
      const at = new Date(seconds * 1000);
      if (apart >= 86400) return at.toLocaleDateString("sv-SE").slice(5);
      const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      return at.toLocaleTimeString(undefined, apart < 60 ? { ...form, second: "2-digit" } : form);
    };
    const times = (plot, values, axisIndex, space, apart) => values.map((at) => clock(at, apart));
    const elapsed = (at) => (at >= 60 && at < 5400 && at % 60 === 0 ? `${at / 60} min` : duration(at));
    const since = (plot, values) => values.map((at) => `+${elapsed(at)}`);
    const every = data.lines.map((each) => {
      const lone = each.values.filter((value) => value !== null).length < 3;
      return {
        label: each.label, stroke: colourOf(each.colour), width: 1.75,
        dash: each.dashed ? [5, 4] : undefined,
        points: { show: lone || undefined, size: 5 },
        value: (_, value) => quantity(value, known.data.unit),
      };
    });
    const top = (_, low, high) => {
      const most = Math.max(high ?? 0, ...known.data.dots.map((dot) => dot.value));
      const least = Math.min(low ?? 0, 0);
      return [least, most > least ? most + (most - least) * 0.12 : least + (known.data.unit === "share" ? 0.01 : 1)];
    };
    return {
      width: place.clientWidth || 300,
      height: heightOf(place),
      cursor: { drag: { x: !data.relative, y: false, setScale: false }, points: { size: 6 } },
      legend: { live: true },
      scales: {
        x: { time: !data.relative, range: () => [known.data.since, known.data.until] },
        y: { range: top },
      },
      axes: [
        data.relative ? { ...axis, values: since, incrs: ELAPSED, space: 70 } : { ...axis, values: times },
        { ...axis, size: 64, incrs: data.unit.startsWith("By") ? POWERS : undefined, values: (_, values) => values.map((value) => quantity(value, known.data.unit)) },
      ],
      series: [{ label: data.relative ? "Since the start" : "Time", value: (_, at) => (at === null || at === undefined ? "" : data.relative ? `+${duration(at)}` : new Date(at * 1000).toLocaleTimeString(undefined, { hourCycle: "h23" })) }, ...every],
      hooks: {
        draw: [(plot) => { drawMarks(plot, known.data); drawDots(plot, known.data); }],
        setSelect: [(plot) => choose(plot, known.data)],
        setCursor: [(plot) => {
          if (plot.cursor.idx === null || plot.cursor.idx === undefined) showLast(plot);
        }],
      },
    };
  };
  // At rest the legend tells the newest numbers.
  const showLast = (plot) => {
    const last = plot.data[0].findLastIndex((_, index) => plot.data.slice(1).some((values) => values[index] !== null && values[index] !== undefined));
    if (last >= 0) plot.setLegend({ idx: last });
  };
  // Lines go across steps without a value as long as their source may be silent; not across gaps.
  const joined = (data, values) => {
    const found = [...values];
    let last = -1;
    for (let index = 0; index < found.length; index += 1) {
      if (found[index] === null) continue;
      if (last >= 0 && data.x[index] - data.x[last] <= data.patience) found.fill(undefined, last + 1, index);
      last = index;
    }
    return found;
  };
  const shapeOf = (data) => JSON.stringify([data.lines.map((line) => [line.label, line.dashed]), data.relative, data.unit]);

  const note = (figure, data) => {
    const place = figure.querySelector(".note");
    if (!place) return;
    place.textContent = "";
    place.hidden = !(data.left_out || data.dots.length);
    if (data.left_out) place.append(`${data.left_out} lines with smaller numbers are left out. `);
    if (!data.dots.length) return;
    place.append("Traces of single observations: ");
    for (const dot of data.dots.slice(-12)) {
      const link = document.createElement("a");
      link.href = dot.href;
      link.textContent = quantity(dot.value, data.unit);
      place.append(link, " ");
    }
  };
  const say = (figure, words) => {
    const place = figure.querySelector(".plot");
    drop(figure);
    const text = document.createElement("p");
    text.className = "nothing";
    text.textContent = words;
    place.replaceChildren(text);
  };
  const drop = (figure) => {
    const known = charts.get(figure);
    known?.plot?.destroy();
    if (known) known.plot = null;
  };
  const draw = (figure, data) => {
    const known = charts.get(figure);
    const place = figure.querySelector(".plot");
    const same = known.plot && known.shape === shapeOf(data);
    known.data = data;
    known.shape = shapeOf(data);
    figure.classList.toggle("points", data.dots.length > 0);
    note(figure, data);
    if (!data.lines.length) return say(figure, "No numbers in this time.");
    const columns = [data.x, ...data.lines.map((line) => joined(data, line.values))];
    if (same) {
      known.plot.setData(columns);
    } else {
      drop(figure);
      place.replaceChildren();
      known.plot = new uPlot(options(known, place), columns, place);
      known.plot.over.addEventListener("click", (event) => {
        const dot = dotAt(known.plot, known.data, event.offsetX, event.offsetY);
        if (dot) location.assign(dot.href);
      });
      known.plot.root.querySelector(".u-legend").tabIndex = 0; // it may scroll
      wide.observe(place);
    }
    if (known.plot.cursor.left < 0) showLast(known.plot);
  };

  const load = async (figure) => {
    const known = charts.get(figure);
    const address = figure.dataset.chart;
    known.address = address;
    let answered = false;
    try {
      const answer = await fetch(address, { headers: { accept: "application/json", "hx-request": "true" } });
      answered = true;
      if (answer.status === 401) return location.reload();
      if (known.address !== address || !figure.isConnected) return;
      if (!answer.ok) return say(figure, noticeOf(await answer.text()));
      draw(figure, await answer.json());
    } catch {
      if (!answered) fairway.lost();
      if (!known.plot) say(figure, "The numbers could not be fetched.");
    }
  };
  const noticeOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.textContent.trim() || "The numbers could not be fetched.";
  };

  // --- all of them ---------------------------------------------------------------------------------
  const settle = () => {
    for (const figure of [...charts.keys()]) {
      if (!figure.isConnected) { drop(figure); charts.delete(figure); }
    }
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const known = charts.get(figure);
      const torn = known?.plot && !figure.querySelector(".plot").contains(known.plot.root);
      if (known && !torn && known.address === figure.dataset.chart) continue;
      if (torn) drop(figure);
      charts.set(figure, { plot: null, data: null, shape: "", address: "" });
      load(figure);
    }
  };
  const redraw = () => {
    for (const [figure, known] of charts) {
      if (known.data) { drop(figure); draw(figure, known.data); }
    }
  };
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:historyRestore", settle);
  dark.addEventListener("change", redraw);
  setInterval(() => {
    if (document.hidden) return;
    for (const figure of charts.keys()) if (figure.dataset.moving !== undefined) load(figure);
  }, EVERY);
  settle();
})();
