// The window that consented: hands the token to the frame that opened it, if that is ours, and closes.
// Where the opener is gone or another's, nothing leaves and the page stays as the app's own door.
"use strict";
(() => {
  const token = document.getElementById("pass").dataset.token;
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
