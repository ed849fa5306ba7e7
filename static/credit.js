// The credit page: buttons that count pieces, and the note as it would be issued, shown anew after each change.
"use strict";
(() => {
  const form = document.querySelector("form.credit");
  if (!form) {
    return;
  }
  const PAUSE = 350;
  let round = 0;
  let timer = 0;

  function number(input) {
    return Number(input.value.replace(",", ".")) || 0;
  }

  for (const button of form.querySelectorAll("[data-step]")) {
    const input = button.parentElement.querySelector("input");
    button.hidden = false;
    button.addEventListener("click", () => {
      const wanted = number(input) + Number(button.dataset.step);
      input.value = String(Math.min(Math.max(wanted, 0), Number(input.dataset.max)));
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  async function refresh() {
    round += 1;
    const mine = round;
    const body = new URLSearchParams(new FormData(form));
    body.set("do", "review");
    try {
      const answer = await fetch(form.action, { method: "POST", body, cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("preview");
      if (mine !== round || !fresh) {
        return;
      }
      document.getElementById("preview").replaceChildren(...fresh.childNodes);
      document.getElementById("messages").replaceChildren(...page.getElementById("messages").childNodes);
      form.elements.seen.value = page.querySelector("input[name=seen]").value;
      const why = page.querySelector("input[name=why]");
      if (why && document.activeElement !== form.elements.why) {
        form.elements.why.value = why.value;
      }
    } catch {
      // no network: the review button and the server's own check remain
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.name !== "why") {
      window.clearTimeout(timer);
      timer = window.setTimeout(refresh, PAUSE);
    }
  });
  const review = form.querySelector(".review");
  if (review) {
    review.hidden = true;
  }
})();
