// Plays stories in a page as a visitor does, with clicks, keys and a dragged card.
//   node play.mjs ADDRESS STORY…   (or no story: all of them)
// Prints JSON: for each story what the scenario expects and what was seen, the meter's state and log,
// and what stood in the browser's console.
import { launch, open } from "./browser.mjs";

const [address, ...wanted] = process.argv.slice(2);

const step = (page) => page.evaluate(async () => {
  await face.queue;
  const { story } = face;
  return story.ended ? null : { ...story.step, due: story.due(face.view) };
});

async function load(page, rate) {
  const on = await page.$$eval("#appliances [aria-pressed=true]", (all) => all.map((one) => one.dataset.appliance));
  const now = await page.evaluate(() => face.hall.rate);
  const name = (await page.evaluate(() => face.hall.gas)) ? "boiler" : "kettle";
  if (now !== rate) await page.click(`[data-appliance=${name}]`);
  return on;
}

async function turn(page, next, seen) {
  const inside = await page.isVisible("#pull");
  if (!next.due || ["order", "campaign"].includes(next.do)) return page.click("#tale-go");
  if (next.do === "load") return load(page, next.rate);
  if (next.do === "press" && next.seconds) return page.click("[data-hold]");
  if (next.do === "press") {
    seen.presses += 1;
    if (seen.presses % 2) return page.click(".round");
    await page.focus(".round"); // and by the keyboard
    return page.keyboard.press("Space");
  }
  if (inside) await page.click("#pull");
  if (next.do === "terminal") return page.click(Number(next.pay) ? "[data-act=pay]" : "[data-act=exchange]");
  seen.cards += 1;
  if (seen.cards === 1 && (await page.isVisible("#card"))) {
    await page.dragAndDrop("#card", "#slot");
    return page.waitForFunction(() => face.view.card.inside);
  }
  return page.click("#put");
}

async function play(page, name) {
  const index = await page.evaluate((name) => face.source.page.stories.findIndex((one) => one.name === name), name);
  if (await page.isVisible("#tale-leave")) await page.click("#tale-leave");
  if (address.startsWith("http")) // a view of the meter before comes in while the page is busy
    await page.evaluate(() => { act(() => new Promise((done) => setTimeout(done, 1200))); });
  await page.click(`#tales li:nth-child(${index + 1}) button`);
  await page.waitForFunction((name) => face.story?.plain.name === name, name);
  const seen = { presses: 0, cards: 0, supplies: [] };
  for (let turns = 0; turns < 80; turns++) {
    const next = await step(page);
    seen.supplies.push(await page.evaluate(() => face.view.supply));
    if (next === null) break;
    await turn(page, next, seen);
  }
  return page.evaluate(async (supplies) => {
    const view = await face.source.view();
    const events = await face.source.events(0);
    return { ended: face.story.ended, met: face.story.done.map((one) => one.met), state: view.state, supplies,
      events: events.map((one) => [one.time, one.event, one.balance]), trouble: document.getElementById("trouble").textContent };
  }, seen.supplies);
}

const browser = await launch();
const { page, said } = await open(browser, address, { viewport: { width: 1280, height: 1600 }, reducedMotion: "reduce" });
const names = wanted.length ? wanted : await page.evaluate(() => face.source.page.stories.map((one) => one.name));
const stories = {};
for (const name of names) stories[name] = await play(page, name);
console.log(JSON.stringify({ stories, said }));
await browser.close();
