/* The inbox by keyboard: j and k go through the rows, Enter opens (the focus is on the row's link). */
(function () {
  "use strict";

  function rows() { return Array.prototype.slice.call(document.querySelectorAll("[data-q-row]")); }

  function move(by) {
    var all = rows();
    var at = all.findIndex(function (row) { return row.contains(document.activeElement); });
    var next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (next) { (next.querySelector("a") || next).focus(); next.scrollIntoView({ block: "nearest" }); }
  }

  function typing(target) { return /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || target.isContentEditable; }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) { return; }
    if (event.key === "j" || event.key === "J") { event.preventDefault(); move(1); }
    if (event.key === "k" || event.key === "K") { event.preventDefault(); move(-1); }
  });

  document.querySelectorAll("[data-q-filters]").forEach(function (form) {
    form.querySelectorAll("[data-q-go]").forEach(function (button) { button.hidden = true; });
    form.addEventListener("change", function () { form.requestSubmit(); });
  });

  document.querySelectorAll("[data-q-keys]").forEach(function (hint) { hint.hidden = rows().length === 0; });
})();
