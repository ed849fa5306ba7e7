// Keeps the list of documents up to date: asks every three seconds, replaces only changed rows, keeps ticks and focus.
"use strict";
(() => {
  const body = document.getElementById("rows");
  const bar = document.getElementById("chosen");
  const none = document.getElementById("none");
  const SECONDS = 3;

  async function awaitFirst() {
    if (!document.hidden) {
      try {
        const answer = await fetch(none.dataset.rows, { cache: "no-store" });
        if (answer.status === 401 || (answer.status === 200 && (await answer.text()).includes("<tr"))) {
          window.location.reload();
          return;
        }
      } catch {
        // no network: the next round tries again
      }
    }
    window.setTimeout(awaitFirst, SECONDS * 1000);
  }

  if (!body) {
    if (none) {
      window.setTimeout(awaitFirst, SECONDS * 1000);
    }
    return;
  }
  let tag = "";

  function count() {
    const chosen = body.querySelectorAll("input:checked").length;
    const text = chosen === 0 ? bar.dataset.none : chosen === 1 ? bar.dataset.one : bar.dataset.many.replace("{n}", chosen);
    if (bar.textContent !== text) {
      bar.textContent = text;
    }
  }

  function replace(old, fresh) {
    const focused = document.activeElement;
    const inside = focused && old.contains(focused) ? focused.tagName : "";
    const box = fresh.querySelector("input");
    const before = old.querySelector("input");
    if (box && before) {
      box.checked = before.checked;
    }
    old.replaceWith(fresh);
    if (inside) {
      const same = fresh.querySelector(inside.toLowerCase()) || fresh.querySelector("a");
      same.focus({ preventScroll: true });
    }
  }

  function show(html) {
    const found = document.createElement("template");
    found.innerHTML = `<table><tbody>${html}</tbody></table>`;
    const rows = [...found.content.querySelectorAll("tr[id]")];
    const wanted = new Set(rows.map((row) => row.id));
    for (const old of [...body.children]) {
      if (!wanted.has(old.id) && !old.contains(document.activeElement)) {
        old.remove();
      }
    }
    let place = body.firstElementChild;
    for (const row of rows) {
      const old = document.getElementById(row.id);
      if (!old) {
        body.insertBefore(row, place);
        continue;
      }
      place = old.nextElementSibling;
      if (old.dataset.version !== row.dataset.version) {
        replace(old, row);
      }
    }
    count();
  }

  async function poll() {
    if (!document.hidden) {
      try {
        const headers = tag ? { "If-None-Match": tag } : {};
        const answer = await fetch(body.dataset.rows + window.location.search, { headers, cache: "no-store" });
        if (answer.status === 401) {
          window.location.reload();
          return;
        }
        if (answer.status === 200) {
          tag = answer.headers.get("ETag") || "";
          show(await answer.text());
        }
      } catch {
        // no network: the next round tries again
      }
    }
    window.setTimeout(poll, SECONDS * 1000);
  }

  body.addEventListener("change", count);
  count();
  window.setTimeout(poll, SECONDS * 1000);
})();
