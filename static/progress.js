// Keeps the progress of a sync run up to date: asks every three seconds, and reloads the page when no run is open.
"use strict";
(() => {
  const SECONDS = 3;
  const now = document.getElementById("now");
  let shown = "";
  let typing = false;
  document.addEventListener("input", () => {
    typing = true;
  });

  async function poll() {
    if (!document.hidden) {
      try {
        const answer = await fetch(now.dataset.pollUrl, { cache: "no-store" });
        if ((answer.status === 204 || answer.status === 401) && !typing) {
          window.location.reload();
          return;
        }
        if (answer.status === 200) {
          const html = await answer.text();
          if (html !== shown) {
            shown = html;
            now.innerHTML = html;
          }
        }
      } catch {
        // no network: the next round tries again
      }
    }
    window.setTimeout(poll, SECONDS * 1000);
  }

  window.setTimeout(poll, SECONDS * 1000);
})();
