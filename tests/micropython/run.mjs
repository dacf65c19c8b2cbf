// Run a script in MicroPython with the firmware and its unit tests on its path.
//   node run.mjs ROOT SCRIPT FILES < input > output
// The script finds its input as the global `INPUT`, a string, and what is in the folder FILES below
// the root of its file system; what it prints goes to standard output.
import { readFileSync } from "node:fs";
import { load } from "./load.mjs";

const [root, script, files] = process.argv.slice(2);
const mp = await load(root, files);
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
