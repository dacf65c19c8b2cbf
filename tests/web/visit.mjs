// A visit without a story: languages, a reload, a card from a file, a power cut, accessibility.
//   node visit.mjs ADDRESS CARD
// Prints JSON of what was seen, by name.
import { faults, launch, open, ready } from "./browser.mjs";

const [address, card] = process.argv.slice(2);
const browser = await launch();
const { page, said } = await open(browser, address, { reducedMotion: "reduce" });
const seen = { faults: {} };
const settle = () => page.evaluate(() => face.queue);
const state = () => page.evaluate(async () => (await face.source.view()).state);

seen.faults.fresh = await faults(page);
seen.languages = {};
for (const language of ["nl", "fr", "de", "en"]) {
  await page.selectOption("#language", language);
  await settle();
  const display = await page.evaluate(() => face.view.display[0]);
  seen.languages[language] = [await page.getAttribute("html", "lang"), await page.textContent("h1"), display];
}
await page.click("[data-appliance=kettle]");
await page.click("[data-jump='3600']");
await settle();
seen.rate = await page.evaluate(() => face.view.load);
seen.before = await state();
await page.evaluate(() => setSpeed(0));
await page.evaluate(() => keep());
await page.reload();
await ready(page);
seen.after = await state();
seen.language = await page.getAttribute("html", "lang");
seen.rate_after = await page.evaluate(() => face.view.load);
await page.setInputFiles("#file", card);
await settle();
await page.waitForFunction(() => face.view.card.inside);
seen.card = await page.textContent("#card-where");
seen.credit = (await state()).credit;
await page.click("#cut");
await settle();
seen.events = await page.evaluate(() => face.events.map((one) => one.event));
seen.trouble = await page.textContent("#trouble");
await page.click("#tales li:nth-child(1) button");
await page.waitForFunction(() => face.story);
await page.click("#tale-go");
await settle();
seen.faults.story = await faults(page);
await page.emulateMedia({ colorScheme: "dark" });
seen.faults.dark = await faults(page);
await page.setViewportSize({ width: 360, height: 740 });
seen.faults.telephone = await faults(page);
seen.wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
// Every button of the page is reached by the keyboard, and says what it is.
seen.nameless = await page.$$eval("button, select, input", (all) => all.filter((one) => one.checkVisibility() && !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML));
console.log(JSON.stringify({ ...seen, said }));
await browser.close();
