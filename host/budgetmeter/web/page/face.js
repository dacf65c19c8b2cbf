// The page: one meter, in this page or over HTTP, and what the visitor does with it.
"use strict";

const HOUR_S = 3600, TICK_MS = 250, KEEP_MS = 2000, PAYMENT = "20.00", OVERDRAFT_DAYS = 90, CUT_S = 600;
const SPEEDS = [0, 1, 60, 3600];
const face = { speed: 1, pocket: "", receipt: null, story: null, events: [], queue: Promise.resolve(), busy: false, lastSupply: "" };

function trouble(error) {
  $("trouble").hidden = false;
  $("trouble").textContent = words.tables.en ? t("page.failed", { why: error.message }) : error.message;
}

// One thing after the other; what goes wrong is said in the page.
function act(work) {
  const done = face.queue.then(async () => {
    $("trouble").hidden = true;
    $("trouble").textContent = "";
    await work();
  }).catch(trouble);
  face.queue = done;
  return done;
}

async function see(view) {
  face.view = view;
  face.hall.draw(view);
  face.hall.drawCard(face.pocket, view);
  face.chart.add(view);
  const next = face.events.length ? face.events.at(-1).number + 1 : 0;
  if (view.events > next) {
    face.events.push(...await face.source.events(next));
    face.events = face.events.slice(-200);
    drawLog();
  }
  if (view.supply !== face.lastSupply) {
    face.lastSupply = view.supply;
    $("announce").textContent = `${t("hall.supply")}: ${t(`supply.${view.supply}`)}. ${t(`phase.${view.phase}`)}.`;
  }
}

function refresh() {
  face.chart.draw();
  drawStory();
}

function drawLog() {
  const { events: known, reasons, rules } = face.source.page;
  const prefixes = face.hall.profile.prefixes;
  const items = [...face.events].reverse().map((entry) => {
    let ids = [...(known[entry.event] ?? [])];
    let text = t(`event.${entry.event}`);
    if (entry.event === "disconnected") {
      const why = Object.entries(reasons).filter(([bit]) => entry.reasons & Number(bit)).map(([, one]) => one);
      ids = [...why.flatMap((one) => one[1]), ...ids];
      if (why.length) text += ` (${why.map((one) => t(`reason.${one[0]}`)).join(", ")})`;
    }
    const ours = ids.filter((id) => prefixes.includes(id.slice(0, id.lastIndexOf("-"))));
    const item = make("li");
    item.append(make("time", {}, moment(entry.time)), make("b", {}, text), make("span", { className: "money" }, `${euros(entry.balance)} EUR`));
    const shown = ours.length ? ours : ids;
    if (shown.length) {
      const box = make("details");
      box.append(make("summary", {}, `${t("log.rule")} ${shown.join(", ")}`), ...shown.map((id) => make("p", {}, `${id} – ${rules[id] ?? ""}`)));
      item.append(box);
    }
    return item;
  });
  $("log").replaceChildren(...(items.length ? items : [make("li", {}, t("log.empty"))]));
}

// ---- Time -------------------------------------------------------------------------------------

// Let time pass in pieces of an hour or a few, so that it is seen to pass.
async function pass(seconds) {
  const piece = Math.min(Math.max(Math.ceil(seconds / 48), HOUR_S), 4 * HOUR_S);
  document.body.classList.add("passing");
  let drawn = performance.now();
  let left = seconds;
  while (left > 0) {
    const some = Math.min(left, piece);
    left -= some;
    const view = await face.source.wait(some);
    face.chart.add(view);
    if (performance.now() - drawn > 60 || left <= 0) {
      await see(view);
      face.chart.draw();
      await new Promise((done) => setTimeout(done));
      drawn = performance.now();
    }
  }
  document.body.classList.remove("passing");
  refresh();
}

function tick() {
  const now = performance.now();
  const passed = (now - face.tickedAt) / 1000 + (face.rest ?? 0);
  face.tickedAt = now;
  const running = face.speed > 0 && !face.story && !face.source.ownsTime && !document.hidden;
  const seconds = running ? Math.floor(Math.min(passed, 2) * face.speed) : 0;
  face.rest = running ? Math.min(passed, 2) - seconds / face.speed : 0;
  if (seconds > 0) {
    act(async () => {
      let left = seconds;
      while (left > 0) {
        const some = Math.min(left, HOUR_S);
        left -= some;
        await see(await face.source.wait(some));
      }
      face.chart.draw();
    }).then(() => setTimeout(tick, TICK_MS));
  } else {
    setTimeout(tick, TICK_MS);
  }
}

function setSpeed(speed) {
  face.speed = speed;
  if (face.source.ownsTime) act(() => face.source.setSpeed(speed));
  drawSpeeds();
}

function drawSpeeds() {
  $("speeds").replaceChildren(...SPEEDS.map((speed) => {
    const made = make("button", { type: "button", role: "radio", ariaChecked: String(face.speed === speed) });
    made.dataset.act = "speed";
    made.tabIndex = face.speed === speed ? 0 : -1;
    if (speed) made.textContent = `${speed} ×`;
    else made.innerHTML = '<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M2 1h2v8H2zM6 1h2v8H6z"/></svg>';
    made.ariaLabel = speed ? t("clock.speed", { times: speed }) : t("clock.stop");
    made.addEventListener("click", () => { setSpeed(speed); $("speeds").querySelector("[aria-checked=true]").focus(); });
    return made;
  }));
}

// ---- What the visitor does --------------------------------------------------------------------

async function press(seconds) {
  const { story } = face;
  const wanted = story && !story.ended ? story.step.seconds : undefined;
  if (wanted !== undefined && seconds < wanted) return;
  await see(await face.source.press(wanted ?? seconds));
  stepDone("press");
}

async function useLoad() {
  const { story, hall } = face;
  const view = await face.source.use(hall.rate);
  hall.setRate(hall.rate);
  await see(view);
  if (story && !story.ended && story.step.do === "load" && hall.rate === story.step.rate) stepDone("load");
}

async function putCard(card) {
  if (!card) face.pocket = (await face.source.terminal("", "0.00")).card; // a new one
  const view = await face.source.putCard(card || face.pocket);
  if (card) face.pocket = card;
  await see(view);
  stepDone("card", face.source.page.outcomes[view.card.outcome]);
}

async function pullCard() {
  const { card, view } = await face.source.pullCard();
  face.pocket = card;
  await see(view);
}

async function visitShop(pay) {
  if (face.view.card.inside) throw new Error(t("shop.inside"));
  const answer = await face.source.terminal(face.pocket, pay);
  face.pocket = answer.card;
  face.receipt = answer;
  drawReceipt();
  await see(await face.source.view());
  stepDone("terminal");
}

function drawReceipt() {
  const { receipt } = face;
  if (!receipt) return $("receipt").replaceChildren();
  const said = t("shop.receipt", { paid: euros(receipt.paid), carried: euros(receipt.carried) });
  $("receipt").textContent = receipt.withheld ? `${said} ${t("shop.withheld")}` : said;
  return undefined;
}

async function order(given, act = "") {
  const { taken, reason, view } = await face.source.order(given);
  $("receipt").textContent = taken ? t("shop.done") : t("shop.refused", { why: t(reason) });
  await see(view);
  if (act) stepDone(act);
}

const PHONE = {
  overdraft: () => {
    const clock = face.view.state.clock + OVERDRAFT_DAYS * 1440;
    const end = new Date(Date.parse(`${face.view.time.slice(0, 10)}T00:00:00Z`) + OVERDRAFT_DAYS * 86400000);
    const until = end.toISOString().slice(0, 10);
    return { words: { kind: "overdraft", amount: "50.00", until }, numbers: { kind: 4, value: 5000000, extra: clock, order_id: 1 } };
  },
  limiter: () => ({ words: { kind: "limiter-enable" }, numbers: { kind: 6 } }),
  invoice: () => {
    const owed = Math.max(Math.ceil(face.view.state.arrears / 1000), 1) * 1000;
    return { words: { kind: "arrears-paid", amount: (owed / 100000).toFixed(2) }, numbers: { kind: 11, value: owed } };
  },
};

function topUp(amount) {
  return { words: { kind: "top-up", amount }, numbers: { kind: 1, value: Math.round(Number(amount) * 100000) } };
}

// ---- Stories ----------------------------------------------------------------------------------

function stepDone(act, outcome) {
  const { story } = face;
  if (!story || story.ended || story.step.do !== act) return;
  story.check(face.view, face.receipt, outcome);
  refresh();
}

// Steps in which nothing is done are past as soon as their time has come.
function look() {
  const { story } = face;
  while (!story.ended && story.due(face.view) && story.step.do === "look") story.check(face.view, face.receipt);
}

async function go() {
  const { story } = face;
  if (!story.due(face.view)) {
    await pass(story.step.at_s - (face.view.state.clock * 60 + face.view.state.second));
  } else if (story.step.do === "order") {
    await order(story.step, "order");
  } else if (story.step.do === "campaign") {
    await face.source.queue(story.step);
    stepDone("campaign");
  }
  refresh();
}

function drawStory() {
  const { story, view } = face;
  if (story) look();
  $("tale").hidden = !story;
  $("tales").hidden = Boolean(story);
  if (story) story.draw(view, face.hall.gas);
  const allowed = story ? story.allowed(view) : null;
  for (const one of document.querySelectorAll("[data-act]")) {
    const { act } = one.dataset;
    const free = allowed === null || act === "pull" || act === "save" || allowed.has(act);
    one.disabled = !free;
    one.classList.toggle("yours", allowed !== null && allowed.has(act) && !one.hidden);
  }
}

async function begin(plain) {
  await fresh({ profile: plain.profile, story: plain });
  face.story = new Story(plain);
  face.hall.on.clear();
  face.hall.setRate(plain.load);
  await see(await face.source.use(plain.load));
  refresh();
  $("tale").scrollIntoView({ block: "nearest" });
  $("tale-go").focus({ preventScroll: true });
}

// ---- Beginning --------------------------------------------------------------------------------

async function fresh(wanted) {
  const view = await face.source.make(wanted);
  Object.assign(face, { story: null, events: [], pocket: "", receipt: null, lastSupply: "" });
  furnish(view);
  face.hall.on.clear();
  face.chart.clear();
  drawReceipt();
  if (!wanted.story) {
    face.hall.setRate(face.hall.gas ? 100 : 200);
    await see(await face.source.use(face.hall.rate));
  } else {
    await see(view);
  }
  refresh();
}

function furnish(view) {
  face.hall.furnish(face.source.profile, view.energy);
  const { card } = face.hall.profile;
  const keys = card ? [["pay", () => visitShop(PAYMENT), t("shop.pay", { amount: euros(PAYMENT) })], ["exchange", () => visitShop("0.00"), t("shop.exchange")]]
    : [["pay", () => order(topUp(PAYMENT)), t("shop.online", { amount: euros(PAYMENT) })]];
  fill($("keys"), keys);
  fill($("phone"), Object.entries(PHONE).filter(([name]) => !(face.hall.gas && name !== "overdraft"))
    .map(([name, made]) => ["phone", () => order(made()), t(`shop.${name}`)]));
  for (const one of $("buttons").querySelectorAll("button")) watchPress(one);
  $("profile").value = face.source.profile;
}

function fill(box, keys) {
  box.replaceChildren(...keys.map(([name, work, text]) => {
    const made = make("button", { type: "button" }, text);
    made.dataset.act = name;
    made.addEventListener("click", () => act(work));
    return made;
  }));
}

// How long a button is held, by finger, mouse or key.
function watchPress(button) {
  let since = 0;
  const begin = (event) => {
    if (event.repeat) return event.preventDefault();
    since = performance.now();
    return undefined;
  };
  button.addEventListener("pointerdown", begin);
  button.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && begin(event));
  button.addEventListener("click", () => {
    const held = since ? Math.floor((performance.now() - since) / 1000) : 0;
    since = 0;
    act(() => press(Number(button.dataset.hold) || held));
  });
}

function drawWords() {
  translate();
  $("about").textContent = t(`page.about_${face.source.name}`);
  $("tales").replaceChildren(...face.source.page.stories.map((plain) => {
    const made = make("button", { type: "button", className: "tale" }, t(`tale.${plain.name}.title`));
    made.addEventListener("click", () => act(() => begin(plain)));
    const item = make("li");
    item.append(made);
    return item;
  }));
  $("profile").replaceChildren(...Object.keys(face.source.page.profiles).map((name) => make("option", { value: name }, t(`meters.${name}`))));
  drawSpeeds();
  if (face.view) {
    furnish(face.view);
    face.hall.draw(face.view);
    face.hall.drawCard(face.pocket, face.view);
    drawReceipt();
    drawLog();
    refresh();
  }
}

function keep() {
  if (!face.view) return;
  const { pocket, receipt, events, speed, story, hall } = face;
  const told = story && { name: story.plain.name, index: story.index, done: story.done };
  face.source.keep({ language: words.language, pocket, receipt, events, speed, story: told, on: [...hall.on], base: $("base").value, points: face.chart.points });
}

async function restore(kept) {
  const { beside } = kept;
  const view = await face.source.restore(kept);
  Object.assign(face, { pocket: kept.meter.card ? fromHex(kept.meter.card) : beside.pocket, receipt: beside.receipt, events: beside.events, speed: beside.speed });
  const plain = beside.story && face.source.page.stories.find((one) => one.name === beside.story.name);
  face.story = plain ? new Story(plain, beside.story.index, beside.story.done) : null;
  furnish(view);
  face.hall.on = new Set(beside.on);
  $("base").value = beside.base;
  face.hall.setRate(face.hall.rate);
  face.chart.points = beside.points;
  await see(view);
  drawLog();
  drawReceipt();
  refresh();
}

function listen() {
  $("language").addEventListener("change", () => { words.language = $("language").value; drawWords(); act(async () => see(await face.source.speak(words.language))); });
  window.addEventListener("resize", () => face.chart.draw());
  $("profile").addEventListener("change", () => act(() => fresh({ profile: $("profile").value })));
  $("anew").addEventListener("click", () => act(() => fresh({ profile: face.source.profile })));
  $("cut").addEventListener("click", () => act(async () => { await see(await face.source.cut(CUT_S)); refresh(); }));
  $("base").addEventListener("input", () => act(useLoad));
  $("appliances").addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.appliance;
    if (name) act(async () => { face.hall.toggle(name); await useLoad(); });
  });
  $("put").addEventListener("click", () => act(() => putCard(face.pocket)));
  $("pull").addEventListener("click", () => act(pullCard));
  $("save").addEventListener("click", () => {
    const link = make("a", { href: `data:application/octet-stream;base64,${face.pocket}`, download: "customer.card" });
    link.click();
  });
  $("file").addEventListener("change", () => act(async () => {
    const [file] = $("file").files;
    $("file").value = "";
    if (file) await putCard(base64(new Uint8Array(await file.arrayBuffer())));
  }));
  for (const one of document.querySelectorAll("[data-jump]")) one.addEventListener("click", () => act(() => pass(Number(one.dataset.jump))));
  $("tale-go").addEventListener("click", () => act(go));
  $("tale-leave").addEventListener("click", () => { face.story = null; refresh(); });
  $("speeds").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = (SPEEDS.indexOf(face.speed) + step + SPEEDS.length) % SPEEDS.length;
    setSpeed(SPEEDS[at]);
    $("speeds").children[at].focus();
  });
  watchCard($("card"));
  for (const zone of document.querySelectorAll("[data-drop]")) {
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("near"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("near"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("near");
      if (event.dataTransfer.files.length) dropped(zone.dataset.drop, event.dataTransfer.files[0]);
    });
  }
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => document.hidden && keep());
  setInterval(() => face.queue.then(keep), KEEP_MS);
}

// The card follows a finger or the mouse, and goes where it is let go.
function watchCard(card) {
  let from = null;
  const zoneAt = ({ clientX, clientY }) => document.elementsFromPoint(clientX, clientY)
    .filter((one) => !card.contains(one)).map((one) => one.closest("[data-drop]")).find(Boolean);
  const mark = (zone) => {
    for (const one of document.querySelectorAll("[data-drop]")) one.classList.toggle("near", one === zone);
  };
  const end = () => {
    from = null;
    card.style.transform = "";
    card.classList.remove("dragged");
    mark(null);
  };
  card.addEventListener("pointerdown", (event) => {
    from = event;
    card.setPointerCapture(event.pointerId);
    card.classList.add("dragged");
  });
  card.addEventListener("pointermove", (event) => {
    if (!from) return;
    card.style.transform = `translate(${event.pageX - from.pageX}px, ${event.pageY - from.pageY}px) rotate(-4deg)`;
    mark(zoneAt(event));
  });
  card.addEventListener("pointerup", (event) => {
    const moved = from && Math.hypot(event.pageX - from.pageX, event.pageY - from.pageY) > 20;
    const zone = zoneAt(event);
    end();
    if (moved && zone) dropped(zone.dataset.drop);
  });
  card.addEventListener("pointercancel", end);
}

// The card, or a file of one, was let go over the slot or the terminal.
function dropped(where, file) {
  const allowed = face.story ? face.story.allowed(face.view) : null;
  if (where === "terminal") {
    const pay = allowed?.has("pay") ? PAYMENT : "0.00";
    if (allowed === null || allowed.has("exchange") || allowed.has("pay")) act(() => visitShop(pay));
  } else if (allowed === null || allowed.has("put")) {
    act(async () => putCard(file ? base64(new Uint8Array(await file.arrayBuffer())) : face.pocket));
  }
}

async function start() {
  const source = document.getElementById("bundle") ? InsideMeter : HttpMeter;
  face.source = await source.open();
  words.tables = face.source.page.texts;
  const kept = face.source.kept();
  const asked = [kept?.beside?.language, new URLSearchParams(location.search).get("lang"), ...navigator.languages.map((one) => one.slice(0, 2)), "en"];
  words.language = asked.find((one) => one in words.tables);
  $("language").replaceChildren(...Object.entries(face.source.page.languages).map(([value, name]) => make("option", { value, lang: value }, name)));
  $("language").value = words.language;
  face.hall = new Hall(face.source.page);
  face.chart = new Chart($("chart"));
  listen();
  drawWords();
  if (kept) {
    await restore(kept).catch(() => fresh({ profile: "wallonia-card" }));
  } else if (face.source.ownsTime !== false) {
    const view = await face.source.view();
    furnish(view);
    face.hall.setRate(view.load);
    await see(view);
    refresh();
  } else {
    await fresh({ profile: "wallonia-card" });
  }
  drawWords();
  if (face.source.ownsTime) followServer();
  face.tickedAt = performance.now();
  tick();
  document.body.dataset.ready = "true";
}

function followServer() {
  face.source.follow((view) => act(async () => {
    if (view.meter !== face.source.meter) return; // of the meter before, and waited in the queue
    await see(view);
    face.chart.draw();
  })).catch(trouble);
}

start().catch(trouble);
