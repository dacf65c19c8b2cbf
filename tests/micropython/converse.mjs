// Run a script in MicroPython, then hand it one line after the other.
//   node converse.mjs ROOT SCRIPT FILES
// FILES as for run.mjs. Each line of standard input is given to the script's function `answer`; what it returns, a line,
// goes to standard output.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { load } from "./load.mjs";

const [root, script, files] = process.argv.slice(2);
const mp = await load(root, files);
try {
  mp.runPython(readFileSync(script, "utf-8"));
  const answer = mp.globals.get("answer");
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(answer(line) + "\n");
  }
} catch (error) {
  process.stderr.write(String(error.message) + "\n");
  process.exitCode = 1;
}
