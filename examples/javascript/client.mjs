// A meter on a TCP port, read and topped up from JavaScript, with what Node brings and nothing else.
// node client.mjs HOST PORT METER_KEY_HEX NUMBER CENTS
import { createHmac } from "node:crypto";
import { connect } from "node:net";

const FLAG = 0x7e, ESCAPE = 0x7d, FLIP = 0x20;
const IDENTIFY = 2, STATUS = 3, TOKEN = 6; // codes: Message
const TOP_UP = 1; // codes: Kind
const EXECUTED = 3; // codes: TokenStatus
const MC_PER_EUR = 100_000;

export function fcs16(octets) { // CRC-16/X-25
  let crc = 0xffff;
  for (const octet of octets) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1;
  }
  return crc ^ 0xffff;
}

export function frame(content) {
  const check = fcs16(content);
  const sent = [FLAG];
  for (const octet of [...content, check & 0xff, check >> 8]) {
    if (octet < 0x20 || octet === FLAG || octet === ESCAPE) sent.push(ESCAPE, octet ^ FLIP);
    else sent.push(octet);
  }
  return Buffer.from([...sent, FLAG]);
}

export function* contents(received) { // of the whole frames in what came
  let inside = [], flip = 0;
  for (const octet of received) {
    if (octet === FLAG) {
      const content = inside.slice(0, -2);
      const check = inside.at(-2) | (inside.at(-1) << 8);
      if (inside.length > 4 && fcs16(content) === check) yield Buffer.from(content);
      inside = [];
      flip = 0;
    } else if (octet === ESCAPE) flip = FLIP;
    else {
      inside.push(octet ^ flip);
      flip = 0;
    }
  }
}

export function sealTopUp(key, revision, meter, number, mc) {
  const body = Buffer.alloc(28);
  body.writeUInt8(1, 0); // version of the token
  body.writeUInt8(TOP_UP, 1);
  body.writeUInt16LE(revision, 2);
  body.writeUInt32LE(meter, 4);
  body.writeUInt32LE(number, 8); // then the order, 0: none
  body.writeInt32LE(mc, 16); // then extra and expiry, 0: none
  const tag = createHmac("sha256", key).update("token").update(body).digest();
  return Buffer.concat([body, tag.subarray(0, 10)]);
}

async function main([host, port, key, number, cents]) {
  const socket = connect(Number(port), host);
  let received = Buffer.alloc(0), sequence = 0;
  const ask = (type, payload = Buffer.alloc(0)) =>
    new Promise((resolve, reject) => {
      sequence = (sequence + 1) % 256;
      const wanted = sequence;
      const take = (data) => {
        received = Buffer.concat([received, data]);
        for (const content of contents(received)) {
          if (content[1] !== (type | 128) || content[2] !== wanted) continue;
          socket.off("data", take);
          received = Buffer.alloc(0);
          resolve(content.subarray(3));
        }
      };
      socket.on("data", take);
      socket.once("error", reject);
      socket.write(frame(Buffer.concat([Buffer.from([1, type, wanted]), payload])));
    });
  const identity = await ask(IDENTIFY);
  const meter = identity.readUInt32LE(0), revision = identity.readUInt16LE(4);
  const token = sealTopUp(Buffer.from(key, "hex"), revision, meter, Number(number), cents * 1000);
  console.log(`meter ${meter}`);
  for (let once = 0; once < 2; once++) {
    const answer = await ask(TOKEN, token);
    const balance = (answer.readInt32LE(6) / MC_PER_EUR).toFixed(2);
    console.log(answer[0] === EXECUTED ? `taken, ${balance} EUR` : `refused: reason ${answer[1]}`);
  }
  const status = await ask(STATUS, Buffer.from([2])); // edition 2: with what flows now
  console.log(`${status.readInt32LE(status.length - 12)} W`);
  socket.end();
}

if (process.argv.length === 7) await main(process.argv.slice(2));
