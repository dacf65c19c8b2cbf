// MicroPython with the firmware, its unit tests and the rigs' on its path.
import { readFileSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const FOLDERS = [
  ["firmware/meterfw", "/lib/meterfw"],
  ["tests/firmware", "/lib/tests/firmware"],
  ["tests/firmware/unit", "/lib/tests/firmware/unit"],
  ["tests/boards", "/lib/tests/boards"],
];

// What is in a folder, put below a folder of the machine. A source file there whose .mpy comes goes:
// it would be imported in its place.
export function copyIn(mp, from, to) {
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (statSync(path).isDirectory()) {
      mp.FS.mkdirTree(to + name);
      copyIn(mp, path, to + name + "/");
      continue;
    }
    const source = to + name.replace(/\.mpy$/, ".py");
    if (source !== to + name && mp.FS.analyzePath(source).exists) mp.FS.unlink(source);
    mp.FS.writeFile(to + name, readFileSync(path));
  }
}

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
