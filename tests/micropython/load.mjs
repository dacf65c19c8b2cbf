// MicroPython with the firmware on its path.
import { readFileSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

export async function load(firmware) {
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
  return mp;
}
