/* Rows of a list: add and remove them. Without this file one empty row more stands at the end of each list. */
(function () {
  "use strict";

  function renumber(list) {
    list.querySelectorAll("[data-q-row]").forEach(function (row, place) {
      row.querySelectorAll("[name]").forEach(function (control) {
        var was = control.id;
        control.name = control.name.replace(/^(f\/[^/]+\/)\d+\//, "$1" + place + "/");
        control.id = control.name.replace(/\//g, "-");
        row.querySelectorAll("label").forEach(function (label) { if (label.htmlFor === was) { label.htmlFor = control.id; } });
      });
    });
  }

  function empty(row) {
    row.querySelectorAll("[name]").forEach(function (control) {
      if (control.type === "checkbox") { control.checked = false; } else { control.value = ""; }
      control.classList.remove("is-invalid");
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-describedby");
    });
    row.querySelectorAll(".q-fault").forEach(function (fault) { fault.remove(); });
  }

  function add(list, button) {
    var rows = list.querySelectorAll("[data-q-row]");
    var row = rows[rows.length - 1].cloneNode(true);
    empty(row);
    list.insertBefore(row, button);
    wire(list, row);
    /* the copy has the ids of its pattern until it is numbered: number from the last row back */
    row.querySelectorAll("[name]").forEach(function (control) {
      var label = row.querySelector('label[for="' + control.id + '"]');
      control.name = control.name.replace(/^(f\/[^/]+\/)\d+\//, "$1" + rows.length + "/");
      control.id = control.name.replace(/\//g, "-");
      if (label) { label.htmlFor = control.id; }
    });
    renumber(list);
    row.querySelector("[name]").focus();
  }

  function wire(list, row) {
    var button = row.querySelector("[data-q-remove]");
    button.hidden = false;
    button.addEventListener("click", function () {
      if (list.querySelectorAll("[data-q-row]").length > 1) { row.remove(); renumber(list); } else { empty(row); }
    });
  }

  document.querySelectorAll("[data-q-rows]").forEach(function (list) {
    var more = list.querySelector("[data-q-add]");
    more.hidden = false;
    more.addEventListener("click", function () { add(list, more); });
    list.querySelectorAll("[data-q-row]").forEach(function (row) { wire(list, row); });
  });
})();

/* Drafts: what is typed is kept a moment later. Without this file the button "Save draft" does it. */
(function () {
  "use strict";
  var PAUSE = 1500;

  function watch(form) {
    var timer = null;
    var said = form.querySelector("[data-q-saved]");
    var stopped = false;

    function keep() {
      timer = null;
      if (stopped) { return; }
      fetch(form.dataset.qDraft, { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "qaflow" }, redirect: "error" })
        .then(function (answer) { if (!answer.ok) { throw new Error(); } return answer.text(); })
        .then(function (text) { said.textContent = text; })
        .catch(function () { said.textContent = form.dataset.qFailed; });
    }

    form.addEventListener("input", function () { window.clearTimeout(timer); timer = window.setTimeout(keep, PAUSE); });
    form.addEventListener("submit", function () { stopped = true; window.clearTimeout(timer); });
    window.addEventListener("pageshow", function () { stopped = false; });
    document.addEventListener("visibilitychange", function () { if (document.hidden && timer) { window.clearTimeout(timer); keep(); } });
  }

  document.querySelectorAll("form[data-q-draft]").forEach(watch);
})();
