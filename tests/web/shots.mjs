// Screenshots of the page at three widths, light and dark, fresh and in a story.
//   node shots.mjs ADDRESS FOLDER
import { join } from "node:path";
import { launch, open } from "./browser.mjs";

const [address, folder] = process.argv.slice(2);
const WIDTHS = { telephone: [390, 844], tablet: [820, 1180], desk: [1440, 900] };
const browser = await launch();
const made = [];

async function shoot(page, name) {
  await page.evaluate(() => face.queue);
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  made.push(path);
}

for (const [name, [width, height]] of Object.entries(WIDTHS)) {
  const options = { viewport: { width, height }, reducedMotion: "reduce", hasTouch: width < 900, colorScheme: "light" };
  const { page, context } = await open(browser, address, options);
  await page.evaluate(() => setSpeed(0));
  await page.click("[data-appliance=washing]");
  await page.click("[data-jump='86400']");
  await shoot(page, `${name}-day`);
  await page.selectOption("#language", { telephone: "nl", tablet: "fr", desk: "de" }[name]);
  await page.click("#tales li:nth-child(3) button");
  await page.waitForFunction(() => face.story);
  for (let turns = 0; turns < 40; turns++) {
    const step = await page.evaluate(async () => { await face.queue; return { index: face.story.index, due: !face.story.ended && face.story.due(face.view), do: face.story.step?.do }; });
    if (step.index >= 7) break;
    if (!step.due) await page.click("#tale-go");
    else if (step.do === "press") await page.click(".round");
    else if (step.do === "load") await page.click("[data-appliance=kettle]");
    else break;
  }
  await shoot(page, `${name}-story`);
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, `${name}-dark`);
  await page.click("#tale-leave");
  await page.selectOption("#profile", "wallonia-gas");
  await shoot(page, `${name}-gas`);
  await context.close();
}
console.log(JSON.stringify(made));
await browser.close();
