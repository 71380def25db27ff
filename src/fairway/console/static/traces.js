// The list of traces: two that are chosen can be compared. A trace: which hop is selected, and the
// arrow keys go from hop to hop.
(() => {
  "use strict";

  const chosen = () => [...document.querySelectorAll("[data-chosen]:checked")];
  const settle = () => {
    const button = document.querySelector("[data-compares]");
    if (button) button.disabled = chosen().length === 0;
    const two = chosen().slice(0, 2);
    for (const box of document.querySelectorAll("[data-chosen]")) {
      box.disabled = two.length === 2 && !box.checked;
      box.name = box === two[0] ? "a" : box === two[1] ? "b" : "";
    }
  };
  document.addEventListener("change", (event) => { if (event.target.matches("[data-chosen]")) settle(); });
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:historyRestore", settle);
  settle();

  const select = (hop) => {
    for (const other of document.querySelectorAll(".hop[aria-current]")) other.removeAttribute("aria-current");
    hop.setAttribute("aria-current", "true");
  };
  document.addEventListener("click", (event) => {
    const hop = event.target.closest(".hop");
    if (hop) select(hop);
  });
  // What arrives is drawn without knowing which hop was selected since: the address tells.
  document.addEventListener("fairway:shown", (event) => {
    if (event.target.id !== "trace-hops") return;
    const span = new URLSearchParams(location.search).get("span");
    const hop = span && document.querySelector(`#hop-${CSS.escape(span)} .hop`);
    if (hop) select(hop);
  });
  document.addEventListener("keydown", (event) => {
    const hop = event.target.closest(".hop");
    if (!hop || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    const item = hop.parentElement;
    const next = event.key === "ArrowDown" ? item.nextElementSibling : item.previousElementSibling;
    if (next) { event.preventDefault(); next.querySelector(".hop")?.focus(); }
  });
})();
