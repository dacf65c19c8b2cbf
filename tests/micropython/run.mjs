// Run a script in MicroPython with the firmware on its path.
//   node run.mjs FIRMWARE SCRIPT < input > output
// The script finds its input as the global `INPUT`, a string; what it prints goes to standard output.
import { readFileSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const [firmware, script] = process.argv.slice(2);
const mp = await loadMicroPython({
  heapsize: 8 << 20,
  linebuffer: true,
  stdout: (line) => writeSync(1, line + "\n"),
});
mp.FS.mkdir("/lib");
mp.FS.mkdir("/lib/meterfw");
for (const name of readdirSync(join(firmware, "meterfw"))) {
  if (name.endsWith(".py")) {
    mp.FS.writeFile("/lib/meterfw/" + name, readFileSync(join(firmware, "meterfw", name)));
  }
}
mp.runPython("import sys\nsys.path.append('/lib')");
mp.globals.set("INPUT", readFileSync(0, "utf-8"));
try {
  // This port collects garbage between two calls only, where the first asked for it.
  for (const part of readFileSync(script, "utf-8").split("# ---- collected ----\n")) {
    mp.runPython(part);
  }
} catch (error) {
  process.stderr.write(String(error.message) + "\n");
  process.exitCode = 1;
}
