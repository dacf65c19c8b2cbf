// A board at a serial port: the REPL of MicroPython's WebAssembly port, and the meter flashed to it.
//
//   node bridge.mjs FOLDER PERIPHERALS ONBOARD OPTIONS
//
// Standard input and output are the serial port, octet by octet. FOLDER is the board's flash: read at
// the start, written at the end. OPTIONS is JSON: what onboard.py makes of the WebAssembly port.
//
// It is one start of the board: it ends with status RESET when the board restarts, with 0 when
// standard input ends. A process is good for one MicroPython: its glue keeps what JavaScript holds of
// Python in globals, and what of one is collected late would be freed in the next.
//
// What is real: MicroPython, its REPL, compiler and .mpy loader, and every file that was flashed.
// What is replaced, beside the hardware (PERIPHERALS) and what onboard.py names:
// - raw-paste mode, which this REPL has not: the bridge keeps its protocol and enters what was pasted
//   in plain raw mode;
// - the endless loop of main.py: its body becomes a function that a timer calls, because here the
//   event loop has to go on.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";
import { copyIn } from "./load.mjs";

const [folder, peripherals, onboard, options] = process.argv.slice(2);
const NOT_FLASH = new Set(["bridge", "dev", "home", "proc", "tmp"]);
const RAW_PASTE = [0x05, 0x41, 0x01];
const WINDOW = 512; // octets pasted before the other end waits for more room
const PASS_MS = 5;
const RESET = 3;

let vm = null;
let turn = null; // one pass of main.py's loop; null in the REPL
const waiting = []; // octets that have come in
let asked = 0; // octets of RAW_PASTE seen
let pasted = null; // octets pasted so far
let mute = 0; // octets of output to swallow: plain raw mode says OK before it runs
let timer = null;

function send(data) {
  const muted = Math.min(mute, data.length);
  mute -= muted;
  data = data.subarray(muted);
  for (let sent = 0; sent < data.length; ) {
    try {
      sent += writeSync(1, data, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function copyOut(from, to) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const name of vm.FS.readdir(from)) {
    if (name === "." || name === ".." || (from === "/" && NOT_FLASH.has(name))) continue;
    const path = from + name;
    if (vm.FS.isDir(vm.FS.stat(path).mode)) copyOut(path + "/", join(to, name));
    else writeFileSync(join(to, name), vm.FS.readFile(path));
  }
}

async function start() {
  vm = await loadMicroPython({ heapsize: 1 << 20, linebuffer: false, stdout: send });
  copyIn(vm, folder, "/");
  vm.FS.mkdir("/bridge");
  vm.FS.writeFile("/bridge/peripherals.py", readFileSync(peripherals));
  vm.FS.writeFile("/bridge/onboard.py", readFileSync(onboard));
  vm.globals.set("OPTIONS", options);
  vm.runPython("import sys\nsys.path.append('/bridge')\nimport onboard\nonboard.begin(OPTIONS)");
  vm.runPython("sys.path.remove('/bridge')\ndel OPTIONS, sys, onboard");
  if (vm.FS.analyzePath("/main.py").exists) guarded(runMain);
  if (turn === null) vm.replInit();
}

// main.py as it was flashed, its loop made a function.
function runMain() {
  const text = new TextDecoder().decode(vm.FS.readFile("/main.py"));
  const parts = text.split("while True:");
  if (parts.length > 2) throw new Error("main.py has more than one loop");
  vm.runPython(parts.join("def turn():"));
  vm.runPython("import onboard\nfeed = onboard.feed\ndel onboard\nmain = globals().get('turn')");
  turn = vm.globals.get("main") ?? null;
}

// Do what may restart the board. Any other exception ends main.py in the REPL.
function guarded(work) {
  try {
    work();
  } catch (error) {
    if (!resetting()) {
      send(new TextEncoder().encode(error.message.replaceAll("\n", "\r\n")));
      turn = null;
      vm.replInit();
    }
  }
  if (resetting()) end(RESET);
}

function end(status) {
  if (vm !== null) copyOut("/", folder); // else it is starting
  process.exit(status);
}

function resetting() {
  return vm.FS.analyzePath("/bridge/reset").exists;
}

function toMeter() {
  if (waiting.length) {
    vm.globals.get("feed")(Buffer.from(waiting.splice(0)).toString("hex"));
  }
  turn();
}

function toRepl() {
  while (waiting.length && !resetting()) {
    const octet = waiting.shift();
    if (pasted !== null) paste(octet);
    else if (octet === RAW_PASTE[asked]) ask();
    else {
      const held = RAW_PASTE.slice(0, asked);
      asked = 0;
      [...held, octet].forEach(enter);
    }
  }
}

function ask() {
  asked += 1;
  if (asked < RAW_PASTE.length) return;
  asked = 0;
  pasted = [];
  send(Uint8Array.of(0x52, 0x01, WINDOW & 255, WINDOW >> 8));
}

function paste(octet) {
  if (octet !== 0x03 && octet !== 0x04) {
    pasted.push(octet);
    if (pasted.length % WINDOW === 0) send(Uint8Array.of(0x01));
    return;
  }
  const code = octet === 0x04 ? pasted : [];
  pasted = null;
  send(Uint8Array.of(0x04));
  code.forEach(enter);
  mute = 2;
  enter(0x04);
}

function enter(octet) {
  if (vm.replProcessChar(octet) !== 0 && !resetting()) throw new Error("a soft reset");
}

function run() {
  clearTimeout(timer);
  guarded(turn === null ? toRepl : toMeter);
  timer = setTimeout(run, PASS_MS);
}

process.stdin.on("data", (data) => {
  waiting.push(...data);
  if (timer !== null) run(); // else it is starting
});
process.stdin.on("end", () => end(0));
await start();
run();
