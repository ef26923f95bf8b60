// The strip of totals: rate with its last two minutes, responses by class, what there is.

import { byId, count, el, keep, plural, rate, setAttr, setText, span } from "./dom.js";

const POINTS = 120;
const WIDTH = 240;
const HEIGHT = 60;

export function showTotals(doc) {
  const { totals } = doc;
  setText(byId("rate"), rate(totals.perSecond));
  setText(byId("rate-note"), `${count(totals.requests)} since start`);
  showSpark(totals.history);
  showClasses(totals.responses);

  setText(byId("connections"), count(totals.openConnections));
  const tries = totals.retries > 0 ? `, ${plural(totals.retries, "retry", "retries")}` : "";
  setText(byId("connections-note"), `${count(totals.acceptedConnections)} accepted${tries}`);

  const states = new Map();
  for (const backend of doc.services.flatMap((service) => service.backends)) {
    states.set(backend.state, (states.get(backend.state) ?? 0) + 1);
  }
  const serving = states.get("serving") ?? 0;
  states.delete("serving");
  const others = [...states].map(([state, n]) => `${n} ${state}`);
  setText(byId("backends"), count(serving));
  setText(byId("backends-note"), ["serving", ...others].join(", "));

  setText(byId("generation"), `#${doc.generation}`);
  const age = doc.generation === 0 ? "none yet" : `changed ${span(doc.ageSeconds)} ago`;
  setText(byId("generation-note"), age);
}

function showSpark(history) {
  const svg = byId("spark");
  const top = Math.max(1, ...history);
  const x = (i) => WIDTH - ((history.length - 1 - i) * WIDTH) / (POINTS - 1);
  const y = (value) => HEIGHT - 2 - (value / top) * (HEIGHT - 8);
  const points = history.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
  const line = points.length > 1 ? `M${points.join("L")}` : "";
  setAttr(svg.children[1], "d", line);
  const floor = `L${WIDTH} ${HEIGHT}L${x(0).toFixed(1)} ${HEIGHT}Z`;
  setAttr(svg.children[0], "d", line && line + floor);
  setAttr(svg, "aria-label", `Last two minutes, at most ${rate(Math.max(0, ...history))} per second`);
}

function showClasses(responses) {
  const all = Object.entries(responses).map(([name, n]) => ({ name, n }));
  const sum = all.reduce((sum, one) => sum + one.n, 0);
  setText(byId("responses"), count(sum));
  keep(byId("classes-bar"), all, (one) => one.name, (one) => {
    const node = el("span");
    node.dataset.class = one.name;
    return { node, update: ({ n }) => node.style.setProperty("flex-grow", sum > 0 ? n / sum : 0) };
  });
  // 1xx are rare enough to be news when there are any.
  const listed = all.filter((one) => one.name !== "1xx" || one.n > 0);
  keep(byId("classes"), listed, (one) => one.name, (one) => {
    const value = el("b");
    const node = el("li", "", el("span", "", one.name), value);
    node.dataset.class = one.name;
    return {
      node,
      update({ n }) {
        setText(value, count(n));
        node.classList.toggle("none", n === 0);
      },
    };
  });
}
