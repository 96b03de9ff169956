// What the pages do beyond HTML: copying, pausing polls, asking before danger, keeping times current. All of it may be missing.
"use strict";

const said = () => document.getElementById("said");

// --- copy: the clipboard needs HTTPS or localhost, so the fallback selects the text beside the button.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const word = button.querySelector(".copy-word");
  const before = button.dataset.word || word.textContent;
  button.dataset.word = before;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    word.textContent = "Copied";
    button.dataset.state = "copied";
  } catch {
    window.getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    word.textContent = "Press Ctrl+C";
    button.dataset.state = "selected";
  }
  if (said()) said().textContent = word.textContent;
  window.clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = window.setTimeout(() => {
    word.textContent = before;
    delete button.dataset.state;
  }, 2000);
});

// --- polls: none while the tab is hidden, one at once when it is looked at again.
const isPoll = (element) => (element.getAttribute("hx-trigger") || "").startsWith("every");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && isPoll(event.detail.elt)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !window.htmx) return;
  for (const element of document.querySelectorAll("[hx-trigger^=every]")) {
    window.htmx.ajax("GET", element.getAttribute("hx-get"), { target: element, swap: element.getAttribute("hx-swap") });
  }
});

// --- forms: ask before danger, say that work is going on, and send a filter when it is chosen.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (form.dataset.busy) {
    const button = event.submitter || form.querySelector("button:not([type=button])");
    (button.querySelector("span:not(.sr-only)") || button).textContent = form.dataset.busy;
    button.setAttribute("aria-busy", "true");
    if (said()) said().textContent = form.dataset.busy;
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// --- menus: only one open, closed by Escape and by a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.drop[open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.drop")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.drop[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// --- times: "3 minutes ago" grows old by itself.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });

function tellTimes() {
  for (const element of document.querySelectorAll("time[data-when]")) {
    const seconds = Math.round((Date.parse(element.dateTime) - Date.now()) / 1000);
    if (element.dataset.when === "plan" && seconds <= 0) {
      element.textContent = "any moment";
      continue;
    }
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
    const text = relative.format(Math.trunc(seconds / size), unit);
    if (element.textContent !== text) element.textContent = text;
  }
}
tellTimes();
window.setInterval(tellTimes, 1000);
