// For `node --expose-gc --import`: garbage is collected all the time, and what registers its end hears
// of it however late, as when a collection began long before. A test need not wait for bad luck.
const COLLECT_MS = 20;
const registries = [];

globalThis.FinalizationRegistry = class extends FinalizationRegistry {
  constructor(ended) {
    super(ended);
    registries.push(this);
  }
};
setInterval(globalThis.gc, COLLECT_MS).unref();
