// The consent page in the shop's frame: takes the one-time token from the window of the consent, and posts it.
// Messages from any other origin are ignored.
"use strict";
(() => {
  const form = document.getElementById("enter");
  window.addEventListener("message", (event) => {
    if (event.origin !== window.location.origin || !event.source || typeof event.data !== "object" || !event.data) {
      return;
    }
    const token = event.data.entry;
    if (typeof token !== "string" || token.length > 200 || form.dataset.sent) {
      return;
    }
    form.dataset.sent = "yes";
    event.source.postMessage({ entered: true }, window.location.origin);
    form.elements.token.value = token;
    form.submit();
  });
})();
