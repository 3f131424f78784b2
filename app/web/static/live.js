// Keeps an open page up to date: progress is written in place, after a change the page's main part is read again.
(() => {
  "use strict";
  const main = document.getElementById("main");
  const wanted = main.dataset.live.split(" ");
  const PAUSE = 1500; // ms between two readings
  let due = false;
  let busy = false;
  let last = 0;

  const isInUse = () => {
    const field = document.activeElement;
    const typing = main.contains(field) && field.matches("input, select, textarea");
    return typing || document.hidden || !window.getSelection().isCollapsed;
  };

  const openDetails = (root) => [...root.querySelectorAll("details")];

  const replace = (fresh) => {
    if (fresh.innerHTML === main.innerHTML) return;
    const opened = openDetails(main).map((one) => one.open);
    const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    main.replaceChildren(...fresh.childNodes);
    openDetails(main).forEach((one, index) => { one.open = opened[index] ?? one.open; });
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };

  const read = async () => {
    if (!due || busy || isInUse() || Date.now() - last < PAUSE) return;
    due = false;
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("main");
        if (fresh && !isInUse()) replace(fresh);
      }
    } catch {
      due = true; // the service is away; the stream says when it is back
    } finally {
      busy = false;
      last = Date.now();
    }
  };

  const source = new EventSource(main.dataset.stream);
  let seen = false;
  source.addEventListener("open", () => { due = due || seen; seen = true; });
  source.addEventListener("changed", (event) => {
    due = due || JSON.parse(event.data).topics.some((topic) => wanted.includes(topic));
  });
  source.addEventListener("progress", (event) => {
    const { media_id: id, percent } = JSON.parse(event.data);
    for (const one of main.querySelectorAll(`[data-progress="${Number(id)}"]`)) {
      one.textContent = percent === null ? "" : ` ${Math.round(percent)} %`;
    }
  });
  setInterval(read, 250);
  window.addEventListener("pagehide", () => source.close());
})();
