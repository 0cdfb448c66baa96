// Keeps what was typed into a form that was refused, in this tab alone, until its page is back.
// Passwords, codes and other secrets are never kept, and nobody else gets what one person typed.
"use strict";

const TYPED = "typed";
const forms = [...document.querySelectorAll("main form[method=post]")];
const who = document.body.dataset.who;
let touched = null;

const isSecret = (field) => field.type === "password" || field.autocomplete === "one-time-code";

function keepTyped(form, isRefused) {
  const secret = new Set([...form.elements].filter(isSecret).map((field) => field.name));
  const fields = [...new FormData(form)].filter(([name, text]) => !secret.has(name) && typeof text === "string");
  const page = location.pathname + location.search;
  sessionStorage.setItem(TYPED, JSON.stringify({ page, who, action: form.getAttribute("action"), fields, isRefused }));
}

function fill(form, fields) {
  const typed = new Map();
  for (const [name, text] of fields) typed.set(name, [...(typed.get(name) ?? []), text]);
  for (const field of form.elements) {
    if (!field.name || isSecret(field)) continue;
    const texts = typed.get(field.name) ?? [];
    if (field.type === "checkbox" || field.type === "radio") field.checked = texts.includes(field.value);
    else if (texts.length) field.value = texts.length === 1 ? texts[0] : texts.shift();
  }
}

function showLink(id, href) {
  const link = document.getElementById(id);
  if (!link) return;
  link.href = href;
  link.hidden = false;
}

const kept = JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
if (kept && "keepsTyped" in document.body.dataset) {
  sessionStorage.setItem(TYPED, JSON.stringify({ ...kept, isRefused: true }));
  showLink("typed-back", kept.page);
  showLink("typed-sign-in", `/ui/sign-in?wanted=${encodeURIComponent(kept.page)}`);
} else if (kept) {
  sessionStorage.removeItem(TYPED);
  const isBack = kept.isRefused && kept.who === who && kept.page === location.pathname + location.search;
  const form = forms.find((each) => each.getAttribute("action") === kept.action) ?? forms[0];
  if (isBack && form) {
    fill(form, kept.fields);
    for (let box = form.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    for (const box of form.querySelectorAll("details")) box.open = true;
    document.getElementById("typed-again").hidden = false;
  }
}

for (const form of forms) {
  // A page between holds its own form; what it is about is kept already.
  if ("keepsTyped" in document.body.dataset) break;
  form.addEventListener("input", () => { touched = form; });
  form.addEventListener("submit", () => keepTyped(form, false));
}
document.querySelector("#signed-out a").addEventListener("click", () => touched && keepTyped(touched, true));
