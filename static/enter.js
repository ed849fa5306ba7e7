// The consent page in the shop's frame: takes the one-use token from the window that consented, and posts it.
// Messages from any other origin than ours are not even looked at.
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
