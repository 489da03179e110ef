/* The inbox by keyboard: j and k go through the rows, Enter opens (the focus is on the row's link), x ticks; a and r open
   the decision of the row, or of all ticked rows what would become of them: no key decides anything. */
(function () {
  "use strict";
  var bar = document.querySelector("[data-q-together]");

  function rows() { return Array.prototype.slice.call(document.querySelectorAll("[data-q-row]")); }

  function here() { return rows().find(function (row) { return row.contains(document.activeElement); }); }

  function focus(row) { (row.querySelector(".q-item-title a") || row).focus(); row.scrollIntoView({ block: "nearest" }); }

  function move(by) {
    var all = rows();
    var at = all.indexOf(here());
    var next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (next) { focus(next); }
  }

  function boxes() { return Array.prototype.slice.call(document.querySelectorAll("input[form=together][name=item]")); }

  function ticked() { return boxes().filter(function (box) { return box.checked; }); }

  function tell() {
    if (!bar) { return; }
    var count = ticked().length;
    bar.classList.toggle("q-idle", count === 0);
    bar.querySelector("[data-q-ticked]").textContent = (bar.dataset.told || "").replace("0", String(count));
    boxes().forEach(function (box) { box.closest("[data-q-row]").classList.toggle("q-ticked", box.checked); });
  }

  function tick() {
    var row = here();
    var box = row && row.querySelector("input[form=together]");
    if (box) { box.checked = !box.checked; tell(); }
  }

  function decide(act) {
    if (!bar) { return; }
    var button = bar.querySelector("button[value=" + act + "]");
    var row = here();
    var link = row && row.hasAttribute("data-q-decide") && row.querySelector(".q-item-title a");
    if (ticked().length && button) { button.click(); }
    else if (link) { window.location.assign(link.href + "#decide"); }
  }

  function typing(target) {
    return /^(SELECT|TEXTAREA)$/.test(target.tagName) || target.isContentEditable ||
      (target.tagName === "INPUT" && target.type !== "checkbox");
  }

  var keys = {
    j: function () { move(1); }, k: function () { move(-1); }, x: tick,
    a: function () { decide("approve"); }, r: function () { decide("return"); }
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) { return; }
    var act = keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });

  document.querySelectorAll("[data-q-filters]").forEach(function (form) {
    form.querySelectorAll("[data-q-go]").forEach(function (button) { button.hidden = true; });
    form.addEventListener("change", function () { form.requestSubmit(); });
  });

  document.querySelectorAll("[data-q-tick-all]").forEach(function (link) {
    link.addEventListener("click", function (event) {
      event.preventDefault();
      var all = boxes();
      var on = ticked().length < all.length;
      all.forEach(function (box) { box.checked = on; });
      tell();
    });
  });

  if (bar) { bar.classList.add("q-live"); }
  document.addEventListener("change", function (event) { if (event.target.name === "item") { tell(); } });
  window.addEventListener("pageshow", tell); /* a browser keeps the ticks when one comes back */
  document.querySelectorAll("[data-q-keys]").forEach(function (hint) { hint.hidden = rows().length === 0; });
})();
