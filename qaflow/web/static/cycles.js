/* A filter acts when it is chosen; without this file the button does it. */
(function () {
  "use strict";
  document.querySelectorAll("[data-q-list]").forEach(function (form) {
    form.addEventListener("change", function (event) {
      if (event.target.tagName === "SELECT") { form.requestSubmit(); }
    });
  });
})();
