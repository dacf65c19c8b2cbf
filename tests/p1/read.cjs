// What two npm readers say of telegrams: JSON array of texts on standard input, answers on output.
const { readFileSync } = require("node:fs");
const parsePacket = require("p1-reader/lib/parsePacket");
const strict = require("dsmr-parser");

function read(telegram) {
  const loose = parsePacket(telegram.slice(0, telegram.indexOf("!")));
  const answer = {
    p1_reader: {
      breaker: loose.electricity.switchPosition,
      limit_kw: loose.electricity.threshold && loose.electricity.threshold.value,
      fuse_a: loose.electricity.fuseThreshold && loose.electricity.fuseThreshold.value,
      valve: loose.gas.valvePosition,
      gas_m3: loose.gas.reading,
      text: loose.textMessage.message,
      kwh: loose.electricity.received.tariff1.reading,
    },
  };
  try {
    const { objects } = strict.parse(telegram);
    answer.dsmr_parser = {
      breaker: objects["switch position electricity"],
      limit_kw: objects["actual theshold electricity in kW"],
      text: objects["text message long"],
      kwh: objects["electricity delivered tariff 1"],
    };
  } catch (error) {
    answer.refused = error.message;
  }
  return answer;
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(read)));
