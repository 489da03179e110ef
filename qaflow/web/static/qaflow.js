/* Light or dark before anything is drawn; menus; one click, one effect. Every page works without this file. */
(function () {
  "use strict";
  var KEY = "qaflow-theme";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try { return localStorage.getItem(KEY); } catch (error) { return null; }
  }

  function theme() {
    var chosen = stored();
    var is = chosen === "light" || chosen === "dark" ? chosen : (dark.matches ? "dark" : "light");
    root.setAttribute("data-bs-theme", is);
    return is;
  }

  function turn() {
    var next = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem(KEY, next); } catch (error) { /* private windows keep nothing */ }
    root.setAttribute("data-bs-theme", next);
    say(next);
  }

  function say(is) {
    document.querySelectorAll("[data-q-theme]").forEach(function (button) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(is === "dark"));
    });
  }

  function close(menu, back) {
    menu.open = false;
    if (back) { menu.querySelector("summary").focus(); }
  }

  function menus(event) {
    document.querySelectorAll("details.q-menu[open]").forEach(function (menu) {
      var outside = event.type === "click" && !menu.contains(event.target);
      if (outside) { close(menu, false); }
      if (event.key === "Escape") { close(menu, true); }
    });
  }

  function once(event) {
    var form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-q-file")) { return; } /* a file leaves the page as it is */
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit]").forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
  }

  function again() {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[aria-disabled]").forEach(function (button) { button.removeAttribute("aria-disabled"); });
    });
  }

  theme();
  dark.addEventListener("change", theme);
  document.addEventListener("DOMContentLoaded", function () {
    say(theme());
    document.querySelectorAll("[data-q-theme]").forEach(function (button) { button.addEventListener("click", turn); });
    document.addEventListener("click", menus);
    document.addEventListener("keydown", menus);
    document.addEventListener("submit", once);
  });
  window.addEventListener("pageshow", again); /* back from the next page */
})();
