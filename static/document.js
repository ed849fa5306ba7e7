// One document's page: asks every three seconds whether it changed, and reloads its content unless the merchant is typing.
"use strict";
(() => {
  const SECONDS = 3;
  const main = document.getElementById("conteudo");
  let typing = false;
  main.addEventListener("input", () => {
    typing = true;
  });

  async function poll() {
    const busy = typing || main.querySelector("details[open]");
    if (!document.hidden && !busy) {
      try {
        const answer = await fetch(main.dataset.pollUrl, { cache: "no-store" });
        if (answer.ok && (await answer.text()) !== main.dataset.version) {
          await refreshPage();
        }
      } catch {
        // no network: the next round tries again
      }
    }
    window.setTimeout(poll, SECONDS * 1000);
  }

  async function refreshPage() {
    const answer = await fetch(window.location.pathname, { cache: "no-store" });
    if (!answer.ok) {
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("conteudo");
    if (fresh && !typing) {
      main.replaceChildren(...fresh.childNodes);
      main.dataset.version = fresh.dataset.version;
      document.title = page.title;
    }
  }

  window.setTimeout(poll, SECONDS * 1000);
})();
