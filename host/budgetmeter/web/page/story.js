// A guided story: the steps of a shipped scenario, each done by the visitor.
"use strict";

class Story {
  constructor(plain, index = 0, done = []) {
    this.plain = plain;
    this.index = index;
    this.done = done; // of each step that is past: facts, and whether they are as the scenario says
  }

  get step() { return this.plain.steps[this.index]; }
  get ended() { return this.index >= this.plain.steps.length; }
  text(index) { return t(`tale.${this.plain.name}.${index + 1}`); }

  due(view) { return view.state.clock * 60 + view.state.second >= this.step.at_s; }

  // What the visitor may touch now.
  allowed(view) {
    if (this.ended) return null;
    if (!this.due(view)) return new Set(["go"]);
    const { do: act } = this.step;
    return new Set({ press: ["press"], load: ["load"], card: ["put"], terminal: [Number(this.step.pay) ? "pay" : "exchange"] }[act] ?? ["go"]);
  }

  turn(gas) {
    const { step } = this;
    const amount = step.pay ? euros(step.pay) : "";
    const pay = step.do === "order" && step.words.kind === "top-up" ? euros(step.words.amount) : "";
    return {
      press: () => step.seconds ? t("story.press_long", { seconds: step.seconds }) : t("story.press"),
      load: () => t("story.load", { value: `${number(step.rate)} ${gas ? "l/h" : "W"}` }),
      card: () => t("story.put_card"),
      terminal: () => Number(step.pay) ? t("story.pay", { amount }) : t("story.exchange"),
      order: () => pay ? t("story.online", { amount: pay }) : t("story.call"),
      campaign: () => t("story.wait"),
    }[step.do]();
  }

  // The step has been done: what is seen, and whether it is what the scenario expects.
  check(view, receipt, outcome) {
    const { expect } = this.step;
    const seen = {
      supply: view.supply, emergency: view.emergency, phase: view.phase, balance: cents(view.balance),
      card: outcome, given: receipt?.given, withheld: receipt?.withheld, carried: receipt && cents(receipt.carried),
    };
    const facts = Object.keys(expect).map((key) => ({
      supply: () => `${t("hall.supply")}: ${t(`supply.${seen.supply}`)}`,
      emergency: () => t(`emergency.${seen.emergency}`),
      phase: () => t(`phase.${seen.phase}`),
      balance: () => t("story.balance", { value: euros(seen.balance) }),
      card: () => `${t("card.card")}: ${t(`outcome.${seen.card}`)}`,
      given: () => t("story.given", { value: seen.given }),
      withheld: () => t("story.withheld", { value: seen.withheld }),
      carried: () => t("story.carried", { value: euros(seen.carried) }),
    }[key]()));
    const met = Object.entries(expect).every(([key, value]) => seen[key] === value);
    this.done.push({ facts, met });
    this.index += 1;
    return met;
  }

  draw(view, gas) {
    $("tale-title").textContent = t(`tale.${this.plain.name}.title`);
    const count = this.plain.steps.length;
    $("tale-step").textContent = t("story.step", { number: Math.min(this.index + 1, count), count });
    $("tale-done").replaceChildren(...this.done.map(({ facts, met }, i) => {
      const item = make("li", {}, this.text(i));
      if (facts.length) {
        const words = t(met ? "story.as_told" : "story.otherwise", { facts: facts.join("; ") });
        item.append(make("small", { className: met ? "met" : "unmet" }, words));
      }
      return item;
    }));
    const past = $("tale-done").lastElementChild;
    if (past) $("tale-done").scrollTop = $("tale-done").scrollHeight;
    const go = $("tale-go");
    go.hidden = this.ended;
    if (this.ended) return $("tale-turn").replaceChildren(make("p", { className: "end" }, t("story.end")));
    if (!this.due(view)) {
      $("tale-turn").replaceChildren();
      go.textContent = t("story.until", { time: moment(this.step.time) });
      return undefined;
    }
    const turn = make("p", { className: "turn" }, t("story.your_turn", { what: this.turn(gas) }));
    $("tale-turn").replaceChildren(make("p", {}, this.text(this.index)), turn);
    go.hidden = !this.allowed(view).has("go");
    go.textContent = this.step.do === "order" ? (this.step.words.kind === "top-up" ? t("shop.online", { amount: euros(this.step.words.amount) }) : t("shop.phone")) : t("story.next");
    return undefined;
  }
}
