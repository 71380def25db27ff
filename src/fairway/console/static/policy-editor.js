// The policy editor: line numbers, colours, problems at their lines. Plain typing, saving and the
// check while one types are the textarea's and htmx's; without this script only the looks are gone.
(() => {
  "use strict";

  const editor = document.getElementById("editor");
  const text = document.getElementById("policies");
  const numbers = editor.querySelector(".numbers");
  const paint = editor.querySelector(".paint");
  const LARGEST = 200000; // beyond, colours would make typing slow
  const saved = text.defaultValue;
  let leaving = false;

  // --- colours: the classes of cedar_view.py ----------------------------------------------------
  const TOKEN = /(\/\/[^\n]*)|("(?:\\.|[^"\\])*"?)|(@\s*\w+)|\b(permit|forbid)\b|\b(Service|Client|Gateway|Action)\b|\b(principal|action|resource|context|when|unless|in|is|has|like|if|then|else|true|false)\b|\b(\d+)\b/g;
  const KINDS = ["note", "string", "at", "effect", "entity", "word", "number"];
  const painted = (value) => {
    const fragment = document.createDocumentFragment();
    let at = 0;
    for (const found of value.matchAll(TOKEN)) {
      fragment.append(value.slice(at, found.index));
      const piece = document.createElement("span");
      piece.className = `c-${KINDS[found.slice(1).findIndex((part) => part !== undefined)]}`;
      piece.textContent = found[0];
      fragment.append(piece);
      at = found.index + found[0].length;
    }
    fragment.append(value.slice(at) + "\n");
    return fragment;
  };

  // --- line numbers, with the problems of the last check -----------------------------------------
  const problems = () => document.querySelectorAll("#findings [data-line]");
  const number = () => {
    const lines = text.value.split("\n").length;
    while (numbers.children.length > lines) numbers.lastChild.remove();
    while (numbers.children.length < lines) {
      const line = document.createElement("span");
      line.textContent = String(numbers.children.length + 1);
      numbers.append(line);
    }
  };
  const mark = () => {
    for (const line of numbers.querySelectorAll(".error, .warning")) line.className = "";
    for (const problem of [...problems()].reverse()) {
      const line = numbers.children[problem.dataset.line - 1];
      if (line && line.className !== "error") line.className = problem.dataset.severity;
    }
  };
  const scroll = () => {
    numbers.scrollTop = paint.scrollTop = text.scrollTop;
    paint.scrollLeft = text.scrollLeft;
  };
  const show = () => {
    const coloured = text.value.length <= LARGEST;
    editor.classList.toggle("painted", coloured);
    paint.replaceChildren(coloured ? painted(text.value) : "");
    number();
    scroll();
  };

  // --- from a problem to its place ---------------------------------------------------------------
  const goTo = (line, column) => {
    const lines = text.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    // Columns count characters, a textarea counts UTF-16 units.
    const units = [...(lines[line - 1] || "")].slice(0, column - 1).join("").length;
    const word = /^[\w"]+/.exec((lines[line - 1] || "").slice(units));
    text.focus();
    text.setSelectionRange(before + units, before + units + (word ? word[0].length : 1));
    const height = text.scrollHeight / Math.max(lines.length, 1);
    text.scrollTop = Math.max(0, (line - 1) * height - text.clientHeight / 3);
    scroll();
  };

  document.addEventListener("click", (event) => {
    const problem = event.target.closest("#findings [data-line]");
    if (problem) goTo(Number(problem.dataset.line), Number(problem.dataset.column));
  });
  document.addEventListener("htmx:afterSwap", mark);
  document.addEventListener("htmx:afterSettle", mark);
  text.addEventListener("input", show);
  text.addEventListener("scroll", scroll);
  new ResizeObserver(scroll).observe(text);

  // --- what is typed is not lost by accident -----------------------------------------------------
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.getResponseHeader("hx-redirect")) leaving = true;
  });
  text.form.addEventListener("submit", () => { if (!window.htmx) leaving = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && text.value !== saved) event.preventDefault();
  });

  // What was typed before htmx listened would not be checked until the next key.
  document.addEventListener("htmx:load", () => {
    if (text.value !== saved) window.htmx.trigger(text, "check");
  }, { once: true });

  show();
  mark();
})();
