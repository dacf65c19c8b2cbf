// The page's words in the language chosen, and how it writes numbers and times.
"use strict";

const words = { language: "en", tables: {} };

// The words of a key; what stands in braces is filled in.
function t(key, values = {}) {
  const text = words.tables[words.language]?.[key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// Fill in everything that names its words.
function translate(root = document) {
  document.documentElement.lang = words.language;
  for (const one of root.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of root.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
}

// How numbers and times are written: as in Belgium, and in English as most of its readers know it.
function locale() {
  return words.language === "en" ? "en-GB" : `${words.language}-BE`;
}

function number(value, places = 0) {
  const format = { minimumFractionDigits: places, maximumFractionDigits: places };
  return new Intl.NumberFormat(locale(), format).format(value);
}

// Exact euros as the meter writes them, cut to the cent as a customer reads a balance.
function cents(exact) {
  const cut = exact.replace(/(\.\d\d)\d*$/, "$1");
  return /^-0\.00$/.test(cut) ? "0.00" : cut;
}

function euros(exact) {
  return number(Number(cents(exact)), 2);
}

// "2020-12-04 19:00:00" of the meter, in words.
function moment(text, seconds = false) {
  const at = new Date(text.replace(" ", "T") + "Z");
  const format = { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  if (seconds) format.second = "2-digit";
  return new Intl.DateTimeFormat(locale(), format).format(at);
}
