// The balance over time, with the floor below it and a grey band where nothing flowed.
"use strict";

const MOST_POINTS = 1500;

class Chart {
  constructor(svg) {
    this.svg = svg;
    this.points = []; // seconds, balance, floor, whether supply was on
  }

  clear(points = []) {
    this.points = points;
    this.draw();
  }

  add(view) {
    const at = view.state.clock * 60 + view.state.second;
    const point = [at, Number(view.balance), Number(view.floor), view.supply === "connected" ? 1 : 0];
    const last = this.points.at(-1);
    if (last && at < last[0]) this.points = [];
    if (last && last[0] === at && last[3] === point[3]) this.points.pop();
    this.points.push(point);
    if (this.points.length > MOST_POINTS) this.points = this.points.filter((_, i) => i % 2 === 0 || i === MOST_POINTS);
  }

  draw() {
    const { points, svg } = this;
    if (points.length < 1) return svg.replaceChildren();
    const wide = Math.max(300, Math.round(svg.clientWidth || 720)); // so that letters keep their size
    const [high, left, right, top, low] = [Math.round(Math.min(240, wide * 0.6)), 54, 10, 12, 30];
    svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    const from = points[0][0], to = Math.max(points.at(-1)[0], from + 3600);
    const values = points.flatMap(([, balance, floor]) => [balance, floor]);
    const [least, most] = span(Math.min(0, ...values), Math.max(1, ...values));
    const x = (at) => left + ((at - from) / (to - from)) * (wide - left - right);
    const y = (value) => top + ((most - value) / (most - least)) * (high - top - low);
    const parts = [];
    for (let i = 0; i + 1 < points.length; i++) {
      if (points[i][3]) continue;
      let j = i;
      while (j + 1 < points.length && !points[j][3]) j++;
      parts.push(`<rect class="off" x="${x(points[i][0])}" y="${top}" width="${Math.max(x(points[j][0]) - x(points[i][0]), 1)}" height="${high - top - low}"/>`);
      i = j;
    }
    for (const value of ticks(least, most)) {
      const at = y(value).toFixed(1);
      parts.push(`<path class="grid${value === 0 ? " zero" : ""}" d="M${left} ${at}H${wide - right}"/><text x="${left - 6}" y="${at}" dy=".32em" text-anchor="end">${number(value)}</text>`);
    }
    for (const at of days(from, to, Math.floor(wide / 100))) {
      const day = new Date(Date.UTC(2000, 0, 1) + at * 1000);
      const text = new Intl.DateTimeFormat(locale(), { timeZone: "UTC", day: "numeric", month: "short" }).format(day);
      parts.push(`<path class="grid" d="M${x(at).toFixed(1)} ${high - low}v5"/><text x="${x(at).toFixed(1)}" y="${high - 8}" text-anchor="middle">${text}</text>`);
    }
    let floor = "", balance = "";
    points.forEach(([at, value, under], i) => {
      const place = x(at).toFixed(1);
      floor += i ? `H${place}V${y(under).toFixed(1)}` : `M${place} ${y(under).toFixed(1)}`;
      balance += `${i ? "L" : "M"}${place} ${y(value).toFixed(1)}`;
    });
    const [last] = points.slice(-1);
    parts.push(`<path class="floor" d="${floor}"/><path class="balance" d="${balance}"/><circle class="last" cx="${x(last[0]).toFixed(1)}" cy="${y(last[1]).toFixed(1)}" r="4"/>`);
    svg.innerHTML = parts.join("");
    const seen = points.map((point) => point[1]);
    const said = { from: number(Math.min(...seen), 2), to: number(Math.max(...seen), 2), now: number(last[1], 2) };
    svg.setAttribute("aria-label", t("books.chart", said));
  }
}

function span(least, most) {
  const room = (most - least) * 0.08;
  return [least < 0 ? least - room : 0, most + room];
}

function ticks(least, most) {
  const rough = (most - least) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let value = Math.ceil(least / step) * step; value <= most; value += step) found.push(Math.round(value * 100) / 100);
  return found;
}

function days(from, to, most) {
  const step = Math.max(1, Math.ceil((to - from) / 86400 / most)) * 86400;
  const found = [];
  for (let at = Math.ceil(from / 86400) * 86400; at <= to; at += step) found.push(at);
  return found;
}
