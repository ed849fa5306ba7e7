// The window in which the merchant consented: passes the token to the frame that opened it, if that is ours, and closes.
// Without such an opener nothing is sent, and the merchant continues in this window.
"use strict";
(() => {
  const token = document.getElementById("entry-token").dataset.token;
  const frame = window.opener;
  if (!frame || frame === window) {
    return;
  }
  window.addEventListener("message", (event) => {
    if (event.origin === window.location.origin && event.source === frame && event.data && event.data.entered === true) {
      window.close();
    }
  });
  frame.postMessage({ entry: token }, window.location.origin);
})();
