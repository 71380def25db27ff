// What the console's pages do in the browser beside htmx: live fragments, times in the local zone,
// the menu, notices, and a few keys. Pages work without it, only not live.
(() => {
  "use strict";

  const all = (selector, root = document) => root.querySelectorAll(selector);

  // --- times -----------------------------------------------------------------------------------
  const forms = {
    clock: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    precise: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" }),
    day: new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" }),
  };
  const showTimes = (root) => {
    for (const time of all("time[data-time]", root)) {
      const at = new Date(time.dateTime);
      const text = forms[time.dataset.time].format(at);
      if (time.textContent !== text) time.textContent = text;
      if (!time.title) time.title = time.dateTime;
    }
  };

  // --- morphing --------------------------------------------------------------------------------
  // What the user has done stays: open details, what they type, what a script has put there.
  const kept = {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeAttributeUpdated: (name, node) =>
        !(name === "open" && node.tagName === "DETAILS") && !(name === "title" && node.tagName === "TIME"),
      beforeNodeMorphed: (before, after) => {
        if (before.nodeType !== 1) return true;
        if (before.hasAttribute("data-keep") || before.classList.contains("htmx-request")) return false;
        return !before.isEqualNode(after);
      },
      beforeNodeRemoved: (node) => !(node.nodeType === 1 && node.classList.contains("htmx-request")),
    },
  };
  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const settle = (element) => {
    showTimes(element);
    if (window.htmx) htmx.process(element);
    element.dispatchEvent(new CustomEvent("fairway:shown", { bubbles: true }));
  };
  const morph = (html) => {
    const content = parsed(html);
    showTimes(content);
    for (const fresh of [...content.children]) {
      const present = document.getElementById(fresh.id);
      if (!present) continue;
      Idiomorph.morph(present, fresh, kept);
      settle(document.getElementById(fresh.id));
    }
  };
  const append = ({ to, html }) => {
    const place = document.getElementById(to);
    if (!place) return;
    const content = parsed(html);
    showTimes(content);
    const fresh = [...content.children];
    place.append(content);
    for (const each of fresh) settle(each);
  };

  // --- live ------------------------------------------------------------------------------------
  // One stream per marked element; closed while the page is hidden: browsers allow six per host.
  const streams = new Map();
  const RETRY = 2000;
  let asking = 0;
  const connection = (state, words) => {
    const shown = document.getElementById("connection");
    if (!shown || shown.dataset.state === state) return;
    shown.dataset.state = state;
    shown.textContent = words;
  };
  // What is shown is old once the server is gone: a banner says since when, and the class `stale`
  // greys it. The first reason stays, because a system that stopped is also not reached any more.
  const stale = (words) => {
    const shown = document.getElementById("stale");
    if (!shown || shown.textContent) return;
    shown.append(...words(forms.clock.format(new Date())));
    document.documentElement.classList.add("stale");
    clearTimeout(asking);
    asking = setTimeout(ask, RETRY);
  };
  const fresh = () => {
    document.getElementById("stale")?.replaceChildren();
    document.documentElement.classList.remove("stale");
  };
  const lost = () => stale((at) => [`connection lost since ${at}; trying again`]);
  const stopped = () => stale((at) => {
    const command = document.createElement("code");
    command.textContent = "fairway up";
    return [`stopped at ${at}; start it with `, command];
  });
  // A stream that opens again says that the server is back; a page without one asks.
  const ask = async () => {
    if (!document.documentElement.classList.contains("stale")) return;
    const open = [...streams.values()].every((source) => source.readyState === EventSource.OPEN);
    try {
      if (open && !document.hidden && (await reached())) fresh();
    } catch { /* not yet */ }
    clearTimeout(asking);
    asking = setTimeout(ask, RETRY);
  };
  const reached = async () => {
    const answer = await fetch(location.href, { headers: { "hx-request": "true" } });
    if (answer.status === 401) location.reload();
    return answer.status !== 401;
  };
  const open = (element) => {
    const source = new EventSource(element.dataset.live);
    source.addEventListener("open", () => { connection("ok", ""); fresh(); });
    source.addEventListener("fragment", (event) => morph(JSON.parse(event.data)));
    source.addEventListener("append", (event) => append(JSON.parse(event.data)));
    source.addEventListener("trouble", (event) => {
      const words = JSON.parse(event.data);
      connection(words ? "trouble" : "ok", words);
    });
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("stopped", stopped);
    source.addEventListener("error", () => {
      if (document.hidden || !streams.has(element)) return;
      lost();
      if (source.readyState === EventSource.CLOSED) setTimeout(() => reopen(element), RETRY);
    });
    for (const name of (element.dataset.events || "").split(" ").filter(Boolean)) {
      source.addEventListener(name, (event) =>
        element.dispatchEvent(new CustomEvent(`live:${name}`, { detail: JSON.parse(event.data), bubbles: true })));
    }
    streams.set(element, source);
  };
  const close = (element) => {
    streams.get(element)?.close();
    streams.delete(element);
  };
  // A stream that the server refuses is not tried for ever: the page is asked, which leads to the
  // login when that is what is missing.
  const reopen = async (element) => {
    if (!streams.has(element) || document.hidden) return;
    try {
      if (!(await reached())) return;
    } catch {
      return void setTimeout(() => reopen(element), RETRY);
    }
    close(element);
    open(element);
  };
  const follow = () => {
    for (const element of [...streams.keys()]) {
      const paused = document.hidden || element.dataset.paused !== undefined;
      if (!element.isConnected || paused || streams.get(element).url !== new URL(element.dataset.live, location.href).href) close(element);
    }
    if (document.hidden) return;
    for (const element of all("[data-live]")) {
      if (element.dataset.live && element.dataset.paused === undefined && !streams.has(element)) open(element);
    }
  };
  document.addEventListener("visibilitychange", follow);
  document.addEventListener("htmx:afterSettle", follow);
  window.addEventListener("pagehide", () => { for (const element of [...streams.keys()]) close(element); });
  window.addEventListener("pageshow", follow);
  new MutationObserver(follow).observe(document, {
    subtree: true, attributes: true, attributeFilter: ["data-live", "data-paused"],
  });

  // --- notices, menu, selects ------------------------------------------------------------------
  const ageing = (notice) => setTimeout(() => notice.remove(), 8000);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) {
      if (node.nodeType === 1 && node.dataset.notice === "ok") ageing(node);
    }
  }).observe(document.getElementById("notices") || document.body, { childList: true });
  for (const notice of all("[data-notice=ok]")) ageing(notice);

  document.addEventListener("click", (event) => {
    const closes = event.target.closest("[data-closes]");
    if (closes) closes.closest("[data-notice]").remove();
    const menu = event.target.closest(".menu-button");
    if (menu) menu.setAttribute("aria-expanded", String(menu.getAttribute("aria-expanded") !== "true"));
    const copies = event.target.closest("[data-copies]");
    if (copies) navigator.clipboard?.writeText(copies.dataset.copies).then(() => announce("copied"));
  });
  // What is typed into a filter was asked for by `input`: leaving the field must not ask again.
  document.addEventListener("change", (event) => {
    if (event.target.matches(".filters[hx-get] input:not([type=checkbox])")) event.stopPropagation();
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:afterSwap", (event) => showTimes(event.target));
  const announce = (words) => {
    const place = document.getElementById("announce");
    if (place) place.textContent = words;
  };

  // --- keys: g and a letter goes to a page, / to the first filter -------------------------------
  let going = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
      const filter = document.querySelector("[data-filter]");
      if (filter) { event.preventDefault(); filter.focus(); }
    } else if (event.timeStamp - going < 1200) {
      going = -Infinity;
      document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "g") {
      going = event.timeStamp;
    }
  });

  window.fairway = {
    announce, morph, showTimes, lost,
    csrf: () => document.querySelector("meta[name=csrf-token]").content,
  };
  showTimes(document);
  follow();
})();
