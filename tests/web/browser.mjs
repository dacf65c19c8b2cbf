// A real Chromium without a download of its own, and what a page said in its console.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import chromium from "@sparticuz/chromium";
import { chromium as driver } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

// What the package asks for on its small machines and a browser of a visitor has not, and its drawing
// of three dimensions.
const NOT_OURS = /^--(single-process|no-zygote|disable-web-security|allow-running-insecure-content|.*gpu.*|use-gl.*|use-angle.*|.*swiftshader)/;

export async function launch() {
  const executablePath = await chromium.executablePath();
  const args = [...chromium.args.filter((one) => !NOT_OURS.test(one)), "--disable-gpu"];
  return driver.launch({ executablePath, args, headless: true });
}

// A page at an address, ready; `said` collects errors and warnings of its console.
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(address);
  await ready(page);
  return { page, said, context };
}

export async function ready(page) {
  await page.waitForFunction(() => document.body.dataset.ready === "true", null, { timeout: 30_000 });
}

// What axe-core finds serious or critical.
export async function faults(page) {
  await page.evaluate(readFileSync(AXE, "utf-8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}
