// Run a script in MicroPython with the firmware and its unit tests on its path.
//   node run.mjs ROOT SCRIPT < input > output
// The script finds its input as the global `INPUT`, a string; what it prints goes to standard output.
import { readFileSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const [root, script] = process.argv.slice(2);
const mp = await loadMicroPython({
  heapsize: 8 << 20,
  linebuffer: true,
  stdout: (line) => writeSync(1, line + "\n"),
});
for (const [source, target] of [
  ["firmware/meterfw", "/lib/meterfw"],
  ["tests/firmware", "/lib/tests/firmware"],
  ["tests/firmware/unit", "/lib/tests/firmware/unit"],
]) {
  mp.FS.mkdirTree(target);
  for (const name of readdirSync(join(root, source))) {
    if (name.endsWith(".py") || name.endsWith(".json")) {
      mp.FS.writeFile(target + "/" + name, readFileSync(join(root, source, name)));
    }
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
