// The page on which a link of the e-mail is opened: takes the code from behind "#", where no server sees it, into the
// form, and out of the address. The merchant's own click sends it.
"use strict";
(() => {
  const form = document.getElementById("sign-in");
  const take = () => {
    const code = window.location.hash.slice(1);
    if (!/^[0-9A-Za-z-]{24,40}$/.test(code)) {
      return;
    }
    form.elements.code.value = code;
    document.body.classList.add("has-code");
    window.history.replaceState(null, "", window.location.pathname);
    form.querySelector("button").focus();
  };
  window.addEventListener("hashchange", take);
  take();
})();
