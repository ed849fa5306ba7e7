// Keeps the bar of a run as it is now: asks every three seconds, and shows the page anew once nothing runs any more.
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
        // the network is away: the next round asks again
      }
    }
    window.setTimeout(poll, SECONDS * 1000);
  }

  window.setTimeout(poll, SECONDS * 1000);
})();
