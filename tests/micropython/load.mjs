// MicroPython with the firmware, its unit tests and the rigs' on its path.
import { readFileSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const FOLDERS = [
  ["firmware/meterfw", "/lib/meterfw"],
  ["tests/firmware", "/lib/tests/firmware"],
  ["tests/firmware/unit", "/lib/tests/firmware/unit"],
  ["tests/boards", "/lib/tests/boards"],
];

export async function load(root) {
  const mp = await loadMicroPython({
    heapsize: 8 << 20,
    linebuffer: true,
    stdout: (line) => writeSync(1, line + "\n"),
  });
  for (const [source, target] of FOLDERS) {
    mp.FS.mkdirTree(target);
    for (const name of readdirSync(join(root, source))) {
      if (name.endsWith(".py") || name.endsWith(".json")) {
        mp.FS.writeFile(target + "/" + name, readFileSync(join(root, source, name)));
      }
    }
  }
  mp.runPython("import sys\nsys.path.append('/lib')");
  return mp;
}
