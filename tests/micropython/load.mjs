// MicroPython with the firmware, its unit tests and the boards' on its path.
import { existsSync, readFileSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

const FOLDERS = [
  ["firmware/meterfw", "/lib/meterfw"],
  ["tests/firmware", "/lib/tests/firmware"],
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

// The sources of a folder and of the folders in it. One whose .mpy is in `files` stays away: it would
// be imported in its place.
function copySources(mp, from, to, files) {
  mp.FS.mkdirTree(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const { name } = entry;
    const [source, target] = [join(from, name), `${to}/${name}`];
    if (entry.isDirectory() && !name.startsWith("__")) {
      copySources(mp, source, target, files);
    } else if (name.endsWith(".json")) {
      mp.FS.writeFile(target, readFileSync(source));
    } else if (name.endsWith(".py")) {
      if (!existsSync(join(files, target.replace(/\.py$/, ".mpy")))) {
        mp.FS.writeFile(target, readFileSync(source));
      }
    }
  }
}

// The machine, with what is in the folder `files` below its root.
export async function load(root, files) {
  const mp = await loadMicroPython({
    heapsize: 8 << 20,
    linebuffer: true,
    stdout: (line) => writeSync(1, line + "\n"),
  });
  for (const [source, target] of FOLDERS) {
    copySources(mp, join(root, source), target, files);
  }
  copyIn(mp, files, "/");
  mp.runPython("import sys\nsys.path.append('/lib')");
  return mp;
}
