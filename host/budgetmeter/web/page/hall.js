// What is drawn of the meter, the house and the shop, from what is seen of the meter.
"use strict";

const $ = (id) => document.getElementById(id);
const APPLIANCES = {
  electricity: { kettle: 2000, washing: 1200, heater: 1500 },
  gas: { boiler: 1000, cooker: 200, geyser: 1500 },
};
const BASE = { electricity: [3000, 50], gas: [500, 10] }; // the slider: most and step
const ICONS = {
  kettle: '<path d="M6 9h9l1 10H5zM15 11h3v5h-2M8 9V7h5v2M9 3q2 1 0 3M12 2q2 1 0 3"/>',
  washing: '<path d="M5 4h14v16H5zM5 8h14"/><circle cx="12" cy="14" r="4"/>',
  heater: '<path d="M4 6h16v12H4zM8 6v12M12 6v12M16 6v12M6 18v2M18 18v2"/>',
  boiler: '<path d="M6 3h12v15H6zM9 18v3M15 18v3"/><path d="M12 8q3 3 0 6q-3-3 0-6z"/>',
  cooker: '<path d="M4 5h16v15H4zM4 10h16M7 14h10v4H7z"/><circle cx="8" cy="7.5" r="1"/><circle cx="16" cy="7.5" r="1"/>',
  geyser: '<path d="M7 3h10v12H7zM10 15v6M14 15v6M12 6q2 2 0 5q-2-3 0-5z"/>',
};
const NOMINAL_V = 230;

function make(tag, given = {}, text = "") {
  const made = Object.assign(document.createElement(tag), given);
  if (text) made.textContent = text;
  return made;
}

function amount(rate, gas) {
  return gas ? `${number(rate)} l/h` : `${number(rate)} W`;
}

class Hall {
  constructor(page) {
    this.page = page;
    this.on = new Set(); // appliances
    const cells = $("lcd-cells");
    for (let i = 0; i < 64; i++) cells.append(make("span"));
    this.cells = [...cells.children];
  }

  // The furniture of a profile: buttons, slot, appliances.
  furnish(profile, energy) {
    this.energy = energy;
    this.gas = energy === "gas";
    this.profile = this.page.profiles[profile] ?? { buttons: ["plain"], card: true, hold_s: 0, prefixes: [] };
    const { buttons, hold_s: hold } = this.profile;
    $("buttons").replaceChildren(...buttons.map((name) => {
      const words = t(name === "plain" ? "hall.button" : `hall.${name}`);
      const made = make("button", { type: "button", className: `round ${name}`, ariaLabel: words });
      made.dataset.act = "press";
      const label = make("span", { className: "under" }, words);
      label.ariaHidden = "true";
      const box = make("div");
      box.append(made, label);
      return box;
    }));
    if (hold) {
      const long = make("button", { type: "button", className: "plain" }, t("hall.hold", { button: t(`hall.${buttons[0]}`), seconds: hold }));
      Object.assign(long.dataset, { act: "press", hold });
      $("buttons").append(long);
    }
    $("contact").textContent = buttons.length > 1 ? t("hall.one_contact") : "";
    $("kind").textContent = t(this.page.profiles[profile] ? `meters.${profile}` : "page.profile");
    $("slot").hidden = !this.profile.card;
    $("appliances").replaceChildren(...Object.entries(APPLIANCES[energy]).map(([name, rate]) => {
      const made = make("button", { type: "button", className: "appliance" });
      Object.assign(made.dataset, { act: "load", appliance: name });
      made.ariaPressed = String(this.on.has(name));
      made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg><span>${t(`house.${name}`)}</span><small>${amount(rate, this.gas)}</small>`;
      return made;
    }));
    [$("base").max, $("base").step] = BASE[energy];
  }

  // The rate that slider and appliances ask for.
  get rate() {
    let sum = Number($("base").value);
    for (const name of this.on) sum += APPLIANCES[this.energy][name] ?? 0;
    return sum;
  }

  // Slider and appliances that make a rate: what is left beside appliances that are on.
  setRate(rate) {
    this.on = new Set(Object.keys(APPLIANCES[this.energy]).filter((name) => this.on.has(name)));
    if (this.rate !== rate) {
      this.on.clear();
      let left = rate;
      for (const [name, its] of Object.entries(APPLIANCES[this.energy])) {
        if (left > BASE[this.energy][0] || (this.gas && left >= its && name === "boiler")) {
          this.on.add(name);
          left -= its;
        }
      }
      $("base").value = left;
    }
    for (const one of $("appliances").children) one.ariaPressed = String(this.on.has(one.dataset.appliance));
  }

  toggle(name) {
    if (!this.on.delete(name)) this.on.add(name);
  }

  draw(view) {
    this.view = view;
    const { state, supply } = view;
    const text = view.display.map((line) => line.padEnd(16).slice(0, 16)).join("");
    this.cells.forEach((cell, i) => { if (cell.textContent !== text[i]) cell.textContent = text[i]; });
    $("lcd-text").textContent = view.display.map((line) => line.trim()).filter(Boolean).join(", ");
    $("serial").textContent = String(view.meter).padStart(9, "0");
    $("now").textContent = moment(view.time, true);
    $("now").dateTime = view.time.replace(" ", "T");
    $("lamp-supply").className = `lamp ${{ connected: "green", disconnected: "red", ready: "amber" }[supply]}`;
    $("supply").textContent = t(`supply.${supply}`);
    $("lamp-limiter").parentElement.hidden = this.gas;
    $("lamp-limiter").className = `lamp ${state.limiter_engaged ? "amber" : ""}`;
    $("limiter").textContent = state.limiter_engaged || state.limit_w || state.limit_ma ? this.limit() : "–";
    $("register").textContent = this.gas ? `${number(state.volume_l / 1000, 3)} m³` : `${number(state.energy_wh / 1000, 3)} kWh`;
    $("phase").textContent = t(`phase.${view.phase}`);
    $("meter").dataset.supply = supply;
    this.turn(view.flowing);
    this.flows(view);
    const hour = Number(view.time.slice(11, 13));
    $("room").dataset.sky = hour < 6 || hour >= 21 ? "night" : hour < 8 || hour >= 18 ? "dusk" : "day";
    $("room").dataset.lit = String(supply === "connected" && view.flowing > 0);
    $("dark").hidden = supply === "connected";
    $("dark").textContent = t(this.gas ? "house.cold" : "house.dark");
  }

  limit() {
    const { limit_ma: ma, limit_w: w } = this.view.state;
    return ma ? `${number(ma / 1000)} A` : w ? `${number(w)} W` : "–";
  }

  // The wheel and the pulse lamp turn as fast as energy flows.
  turn(rate) {
    const seconds = rate > 0 ? Math.min(Math.max(3000 / rate, 0.3), 60) : 0;
    for (const one of [$("wheel"), $("lamp-pulse")]) {
      one.style.setProperty("--turn", `${seconds}s`);
      one.classList.toggle("turning", seconds > 0);
    }
    $("lamp-pulse").className = `lamp pulse ${seconds > 0 ? "turning" : ""}`;
  }

  flows(view) {
    const { state } = view;
    const limit = state.limiter_engaged || state.payment_mode === 3 ? state.limit_w || Math.floor(state.limit_ma * NOMINAL_V / 1000) : 0;
    const inForce = limit > 0 && !this.gas;
    const most = Math.max(BASE[this.energy][0] + 1000, this.rate, limit * 1.2);
    $("base-text").textContent = t("house.base", { value: amount(Number($("base").value), this.gas) });
    $("wanted").textContent = t("house.wanted", { value: amount(view.load, this.gas) });
    $("flowing").textContent = t("house.flowing", { value: amount(view.flowing, this.gas) });
    $("limit").textContent = inForce ? t("house.limit", { value: `${number(limit)} W` }) : "";
    $("gauge-fill").style.width = `${Math.min(view.load / most, 1) * 100}%`;
    $("gauge-mark").hidden = !inForce;
    $("gauge-mark").style.left = `${(limit / most) * 100}%`;
    const over = inForce && view.load > limit;
    $("gauge").classList.toggle("over", over);
    $("over").hidden = !over;
  }

  // Where the card is.
  drawCard(pocket, view) {
    const { card } = this.profile;
    const inside = view.card.inside;
    $("card").hidden = !card || inside;
    $("slot-card").hidden = !inside;
    $("put").hidden = !card || inside;
    $("pull").hidden = !inside;
    $("save").hidden = !card || inside || !pocket;
    $("file").parentElement.hidden = !card || inside;
    $("card-where").textContent = !card ? t("card.none") : inside ? t("card.inside", { outcome: t(`outcome.${this.page.outcomes[view.card.outcome]}`) }) : t("card.pocket");
  }
}
