// A meter of `budgetmeter emulate --http`: the same calls, over HTTP.
"use strict";

class HttpMeter {
  name = "http";

  static async open() {
    const made = new HttpMeter();
    made.secret = location.hash.slice(1);
    made.page = await made.ask("GET", "page.json");
    const { meters } = await made.ask("GET", "meters");
    const wanted = Number(new URLSearchParams(location.search).get("meter"));
    const first = meters.find((one) => one.meter === wanted) ?? meters[0];
    await made.choose(first);
    return made;
  }

  async choose({ meter, profile, speed }) {
    if (this.made && this.made !== meter) {
      await this.ask("DELETE", `meters/${this.made}`);
      this.made = null;
    }
    this.meter = meter;
    this.profile = profile;
    this.ownsTime = speed !== null;
  }

  async ask(method, path, body) {
    const headers = this.secret ? { Authorization: `Bearer ${this.secret}` } : {};
    const binary = body instanceof Uint8Array;
    if (body !== undefined) headers["Content-Type"] = binary ? "application/octet-stream" : "application/json";
    const sent = body === undefined || binary ? body : JSON.stringify(body);
    const answer = await fetch(path, { method, headers, body: sent });
    const type = answer.headers.get("Content-Type") ?? "";
    if (answer.status === 401) throw new Error(this.page ? t("page.secret") : "401");
    if (type.includes("octet-stream")) return new Uint8Array(await answer.arrayBuffer());
    const found = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  at(path) { return `meters/${this.meter}${path}`; }

  async make({ profile, story }) {
    const { language } = words;
    const wanted = story ? { profile: story.profile, start: story.start, change: story.change, language } : { profile, language };
    const view = await this.ask("POST", "meters", wanted);
    await this.choose(view);
    this.made = view.meter;
    return view;
  }

  view() { return this.ask("GET", this.at("")); }
  async events(first) { return (await this.ask("GET", this.at(`/events?first=${first}`))).events; }
  use(rate) {
    const gas = this.page.profiles[this.profile]?.energy === "gas";
    return this.ask("PUT", this.at("/load"), gas ? { litres_per_hour: rate } : { watts: rate });
  }
  speak(language) { return this.ask("PUT", this.at("/language"), { language }); }
  wait(seconds) { return this.ask("POST", this.at("/time"), { seconds }); }
  press(seconds) { return this.ask("POST", this.at("/press"), { seconds }); }
  cut(seconds) { return this.ask("POST", this.at("/power-cut"), { seconds }); }
  async putCard(card) { return this.ask("PUT", this.at("/card"), octets(card)); }
  async pullCard() {
    const card = base64(await this.ask("DELETE", this.at("/card")));
    return { card, view: await this.view() };
  }
  terminal(card, pay) { return this.ask("POST", this.at("/terminal"), card ? { card, pay } : { pay }); }
  queue({ words: order }) { return this.ask("POST", this.at("/queue"), order); }
  async order({ words: order }) {
    const { taken, meaning, view } = await this.ask("POST", this.at("/orders"), order);
    const english = this.page.texts.en;
    return { taken, reason: Object.values(this.page.refusals).find((key) => english[key] === meaning), view };
  }
  setSpeed(speed) { return this.ask("PUT", "speed", { speed }); }

  // Views as they change, until another meter is chosen.
  async follow(seen) {
    const meter = this.meter;
    const headers = this.secret ? { Authorization: `Bearer ${this.secret}` } : {};
    const answer = await fetch(this.at("/stream"), { headers });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.meter !== meter) return reader.cancel().catch(() => {});
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        if (part.startsWith("event: view\n")) seen(JSON.parse(part.slice(part.indexOf("data: ") + 6)));
      }
    }
  }

  keep() {}
  kept() { return null; }
}
