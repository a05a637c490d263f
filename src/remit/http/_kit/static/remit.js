// Three comforts; every page works without them.
(() => {
  "use strict";

  // Buttons that give something away ignore the first half second, so that a page slid under a moving pointer gets no yes.
  const ARM_MS = 500;
  let shownAt = performance.now();
  const rearm = () => { shownAt = performance.now(); };
  addEventListener("focus", rearm);
  document.addEventListener("visibilitychange", rearm);
  for (const button of document.querySelectorAll("button[data-arm]")) {
    button.addEventListener("click", (event) => {
      if (!event.isTrusted || performance.now() - shownAt < ARM_MS) event.preventDefault();
    });
  }

  // An answer that a client wants in a form goes on by itself.
  document.querySelector("form[data-submit]")?.submit();

  // Relative times stay true while a page stays open.
  const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  const words = (at, now) => {
    const ahead = at > now;
    const seconds = Math.floor(Math.abs(at - now) / 1000);
    for (const [size, unit] of UNITS) {
      if (seconds < size) continue;
      const count = Math.floor(seconds / size);
      if (unit === "day" && count > 30) return null;
      const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
      return ahead ? `in ${text}` : `${text} ago`;
    }
    return ahead ? "in less than a minute" : "just now";
  };
  // The server's clock made the page; go on from there, whatever this computer's clock says.
  const page = document.querySelector("meta[name=remit-now]");
  const skew = page ? Date.parse(page.content) - Date.now() : 0;
  const refresh = () => {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const text = words(Date.parse(element.dateTime), Date.now() + skew);
      if (text !== null) element.textContent = text;
    }
  };
  setInterval(refresh, 30000);
})();
