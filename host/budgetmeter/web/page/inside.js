// A meter in this page: the firmware in MicroPython's WebAssembly port.
"use strict";

const KEPT = "budgetmeter";
const EDITION = 1; // of what is kept

function octets(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

function base64(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return btoa(text);
}

// Octets as the firmware takes them: hexadecimal digits, here of base64.
function toHex(text) {
  return Array.from(octets(text), (one) => one.toString(16).padStart(2, "0")).join("");
}

function fromHex(digits) {
  return base64(Uint8Array.from(digits.match(/../g) ?? [], (one) => parseInt(one, 16)));
}

async function unpacked(text) {
  const stream = new Blob([octets(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

class InsideMeter {
  ownsTime = false;
  name = "inside";

  // What is packed in this file, and MicroPython with the firmware on its path.
  static async open() {
    const made = new InsideMeter();
    const bundle = await unpacked(document.getElementById("bundle").textContent);
    made.page = bundle.page;
    made.meters = bundle.meters;
    made.spoken = bundle.spoken;
    const glue = URL.createObjectURL(new Blob([bundle.glue], { type: "text/javascript" }));
    const url = URL.createObjectURL(new Blob([octets(bundle.wasm)], { type: "application/wasm" }));
    const { loadMicroPython } = await import(glue);
    made.python = await loadMicroPython({ url, heapsize: 4 << 20, stdout: (line) => console.log(line) });
    for (const [path, data] of Object.entries(bundle.files)) {
      made.python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
      made.python.FS.writeFile(path, octets(data));
    }
    made.python.runPython("import sys\nsys.path.append('/lib')\nfrom budgetmeter.web.onboard import call");
    made.python_call = made.python.globals.get("call");
    URL.revokeObjectURL(glue);
    URL.revokeObjectURL(url);
    return made;
  }

  call(name, given = {}) {
    const answer = JSON.parse(this.python_call(name, JSON.stringify(given)));
    if (answer && answer.error) throw new Error(answer.error);
    return answer;
  }

  // A new meter: of a profile, or as a story wants it.
  async make({ profile, story }) {
    this.profile = profile;
    const files = this.meters[story ? `story ${story.name}` : profile];
    const start = new Date();
    const now = Math.floor((Date.UTC(start.getFullYear(), start.getMonth(), start.getDate(), start.getHours(), start.getMinutes()) - Date.UTC(2000, 0, 1)) / 1000);
    this.call("make", { files, now_s: story ? story.start_s : now });
    return this.speak(words.language);
  }

  view() { return this.call("view"); }
  events(first) { return this.call("events", { first }); }
  use(rate) { return this.call("use", { rate }); }
  speak(language) { return this.call("speak", { words: this.spoken[language] }); }
  wait(seconds) { return this.call("wait", { seconds }); }
  press(seconds) { return this.call("press", { seconds }); }
  cut(seconds) { return this.call("cut", { seconds }); }
  putCard(card) { return this.call("put_card", { card: toHex(card) }); }
  pullCard() {
    const { card, view } = this.call("pull_card");
    return { card: fromHex(card), view };
  }
  terminal(card, pay) {
    const answer = this.call("terminal", { card: toHex(card), pay: Math.round(Number(pay) * 100000) });
    return { ...answer, card: fromHex(answer.card) };
  }
  queue({ numbers }) { return this.call("queue", numbers); }
  order({ numbers }) {
    const { status, reason, view } = this.call("order", numbers);
    return { taken: status === 3, reason: this.page.refusals[reason], view };
  }

  // A reload finds the meter as it was.
  keep(beside) {
    const kept = { edition: EDITION, profile: this.profile, meter: this.call("keep"), beside };
    try {
      localStorage.setItem(KEPT, JSON.stringify(kept));
    } catch { /* a browser that keeps nothing */ }
  }

  kept() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT));
      return kept?.edition === EDITION ? kept : null;
    } catch {
      return null;
    }
  }

  async restore({ profile, meter }) {
    this.profile = profile;
    this.call("make", meter);
    return this.speak(words.language);
  }
}
