// MicroPython with the firmware, its unit tests and the rigs' on its path.
import { existsSync, readFileSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const FOLDERS = [
  ["firmware/meterfw", "/lib/meterfw"],
  ...["account", "card", "panel", "store", "tokens", "wire"].map((room) => [
    `firmware/meterfw/${room}`,
    `/lib/meterfw/${room}`,
  ]),
  ["tests/firmware", "/lib/tests/firmware"],
  ["tests/firmware/unit", "/lib/tests/firmware/unit"],
  ["tests/boards", "/lib/tests/boards"],
];

// What is in a folder, put below a folder of the machine.
export function copyIn(mp, from, to) {
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (statSync(path).isDirectory()) {
      mp.FS.mkdirTree(to + name);
      copyIn(mp, path, to + name + "/");
    } else {
      mp.FS.writeFile(to + name, readFileSync(path));
    }
  }
}

// The machine, with what is in the folder `files` below its root. A source whose .mpy is among that
// stays away: it would be imported in its place.
export async function load(root, files) {
  const mp = await loadMicroPython({
    heapsize: 8 << 20,
    linebuffer: true,
    stdout: (line) => writeSync(1, line + "\n"),
  });
  for (const [source, target] of FOLDERS) {
    mp.FS.mkdirTree(target);
    for (const name of readdirSync(join(root, source))) {
      const compiled = join(files, target, name.replace(/\.py$/, ".mpy"));
      if ((name.endsWith(".py") && !existsSync(compiled)) || name.endsWith(".json")) {
        mp.FS.writeFile(target + "/" + name, readFileSync(join(root, source, name)));
      }
    }
  }
  copyIn(mp, files, "/");
  mp.runPython("import sys\nsys.path.append('/lib')");
  return mp;
}
