// The log list: records that come are added at their time, which is the end or just before it, the
// oldest are taken away, and the page stays at the end if it was there. While it is paused nothing
// is asked; then it goes on where it stopped, because the address of the stream has the number of
// the last record.
(() => {
  "use strict";

  const MOST = 2000;
  const box = () => document.getElementById("following");
  const list = () => document.getElementById("records");
  const scroller = () => document.querySelector(".records-box");
  const atEnd = () => scroller().scrollTop + scroller().clientHeight >= scroller().scrollHeight - 40;
  const toEnd = () => scroller()?.scrollTo({ top: scroller().scrollHeight });

  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const greatestId = (place) => [...place.children].reduce((most, row) => Math.max(most, Number(row.dataset.id)), 0);
  // Replicas are read one after the other: a record may be a little older than the last one.
  const insert = (place, row) => {
    let later = null;
    let before = place.lastElementChild;
    while (before && Number(before.dataset.at) > Number(row.dataset.at)) {
      later = before;
      before = before.previousElementSibling;
    }
    place.insertBefore(row, later);
  };

  let last = 0;
  const add = ({ html, last: newest }) => {
    const place = list();
    if (!place) return;
    const follow = atEnd();
    const content = parsed(html);
    fairway.showTimes(content);
    const known = greatestId(place);
    const fresh = [...content.children].filter((row) => Number(row.dataset.id) > known);
    for (const row of fresh) {
      insert(place, row);
      htmx.process(row);
    }
    while (place.childElementCount > MOST) place.firstElementChild.remove();
    last = Math.max(last, newest);
    box().querySelector(".empty")?.remove();
    const heading = box().querySelector("h2");
    const count = place.childElementCount;
    heading.textContent = `${count.toLocaleString("en")} record${count === 1 ? "" : "s"}`;
    if (follow) toEnd();
  };

  // The stream goes on after the last record, also when it was closed because the page was hidden.
  const moveOn = () => {
    const place = box();
    if (!place?.dataset.live) return;
    const address = new URL(place.dataset.live, location.href);
    if (Number(address.searchParams.get("after")) >= last) return;
    address.searchParams.set("after", String(last));
    place.dataset.live = address.pathname + address.search;
  };

  const pause = (button) => {
    const place = box();
    const paused = place.dataset.paused === undefined;
    if (paused) place.dataset.paused = "";
    moveOn();
    if (!paused) delete place.dataset.paused;
    button.textContent = paused ? "Follow" : "Pause";
    button.setAttribute("aria-pressed", String(paused));
    place.querySelector("[data-state-words]").textContent = paused ? "paused" : "following";
  };

  document.addEventListener("live:records", (event) => add(event.detail));
  document.addEventListener("visibilitychange", () => { if (document.hidden) moveOn(); });
  window.addEventListener("pagehide", moveOn);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pauses]");
    if (button) pause(button);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "log-view") { last = 0; toEnd(); }
  });
  document.addEventListener("htmx:historyRestore", () => { last = 0; toEnd(); });
  toEnd();
})();
