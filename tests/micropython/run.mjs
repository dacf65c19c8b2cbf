// Run a script in MicroPython with the firmware on its path.
//   node run.mjs FIRMWARE SCRIPT < input > output
// The script finds its input as the global `INPUT`, a string; what it prints goes to standard output.
import { readFileSync } from "node:fs";
import { load } from "./load.mjs";

const [firmware, script] = process.argv.slice(2);
const mp = await load(firmware);
mp.globals.set("INPUT", readFileSync(0, "utf-8"));
try {
  mp.runPython(readFileSync(script, "utf-8"));
} catch (error) {
  process.stderr.write(String(error.message) + "\n");
  process.exitCode = 1;
}
