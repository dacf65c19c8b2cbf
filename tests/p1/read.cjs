// What two npm readers say of telegrams: JSON array of texts on standard input, answers on output.
const { readFileSync } = require("node:fs");
const parsePacket = require("p1-reader/lib/parsePacket");
const strict = require("dsmr-parser");

function loosely(telegram) {
  const { electricity, gas, textMessage } = parsePacket(telegram.slice(0, telegram.indexOf("!")));
  return {
    breaker: electricity.switchPosition,
    limit_kw: electricity.threshold && electricity.threshold.value,
    fuse_a: electricity.fuseThreshold && electricity.fuseThreshold.value,
    valve: gas.valvePosition,
    gas_m3: gas.reading,
    text: textMessage.message,
    kwh: electricity.received.tariff1.reading,
  };
}

function read(telegram) {
  const answer = {};
  try {
    answer.p1_reader = loosely(telegram);
  } catch (error) {
    answer.p1_reader = { refused: error.message }; // a spoilt date; it checks no CRC
  }
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
