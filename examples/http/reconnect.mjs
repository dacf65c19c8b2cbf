// A card meter over HTTP: its credit runs out, a shop charges the card, and supply comes back.
// node reconnect.mjs http://127.0.0.1:8080
const server = process.argv[2] ?? "http://127.0.0.1:8080";

async function ask(method, path, body) {
  const card = body instanceof Uint8Array;
  const answer = await fetch(new URL(path, server), {
    method,
    headers: body && { "Content-Type": card ? "application/octet-stream" : "application/json" },
    body: card || !body ? body : JSON.stringify(body),
  });
  if (answer.headers.get("Content-Type")?.includes("octet-stream")) return new Uint8Array(await answer.arrayBuffer());
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error); // one sentence
  return found;
}

const show = (what, { time, supply, balance, display }) => console.log(what.padEnd(9), time, supply.padEnd(12), balance.padStart(9), `| ${display[3]}`.trimEnd());

// A meter in the memory of the server: its time passes when we say so.
const made = { profile: "wallonia-card", start: "2020-06-02T09:00", change: { initial_reserve: "1.00" } };
const { meter } = await ask("POST", "meters", made);
const at = (path) => `meters/${meter}${path}`;

show("kettle", await ask("PUT", at("/load"), { watts: 2000 }));
show("3 hours", await ask("POST", at("/time"), { seconds: 3 * 3600 })); // 1 EUR lasts for two

const { card, carried } = await ask("POST", at("/terminal"), { pay: "20.00" }); // of the shop
console.log("the shop  puts", carried, "EUR on a card");
show("card in", await ask("PUT", at("/card"), Uint8Array.from(Buffer.from(card, "base64"))));
show("button", await ask("POST", at("/press")));
await ask("DELETE", at("/card")); // it carries the meter's report back to the shop

const { events } = await ask("GET", at("/events?first=0"));
console.log(events.slice(-3).map((one) => one.meaning).join(", "));
