// Who this is and how it runs: version, host, driver, providers.

import { byId, el, keep, plural, setAttr, setText, span } from "./dom.js";

export function showHeader(doc) {
  setText(byId("version"), doc.version);
  setText(byId("hostname"), doc.hostname);
  setText(byId("uptime"), doc.terminating ? "stopping" : `up ${span(doc.uptimeSeconds)}`);
  const badges = [driverBadge(doc.drivers), ...doc.providers.map((p) => providerBadge(p, doc.now))];
  keep(byId("badges"), badges, (badge) => badge.key, makeBadge);
}

/** An open badge is closed by Escape and by a click elsewhere, as a menu is. */
export function startBadges() {
  const close = (except) => {
    for (const badge of document.querySelectorAll("details.badge[open]")) {
      if (badge !== except) badge.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target.closest("details.badge")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.badge[open]");
    close(null);
    if (open && open.contains(document.activeElement)) open.querySelector("summary").focus();
  });
}

function driverBadge(drivers) {
  const rungs = [...new Set(drivers.map((driver) => driver.rung))];
  const short = [...new Set(rungs.map((rung) => rung.split(" (")[0]))].join(" + ") || "no driver";
  const reasons = [...new Set(drivers.map((driver) => driver.reason).filter(Boolean))];
  const remedies = [...new Set(drivers.map((driver) => driver.remedy).filter(Boolean))];
  const workers = rungs.map((rung) => {
    const own = drivers.filter((driver) => driver.rung === rung);
    const cpus = own.map((driver) => driver.cpu).filter((cpu) => cpu !== null);
    const where = cpus.length > 0 ? `, CPU ${cpus.join(", ")}` : "";
    return ["Driver", `${rung}: ${plural(own.length, "worker")}${where}`];
  });
  return {
    key: "driver",
    tone: reasons.length > 0 ? "note" : "good",
    text: short,
    title: "I/O driver",
    lines: [
      ...workers,
      ...reasons.map((reason) => ["Why not better", reason]),
      ...remedies.map((remedy) => ["What would help", remedy]),
    ],
  };
}

function providerBadge(provider, now) {
  const ago = provider.lastSync === null ? "never" : `${span((now - provider.lastSync) / 1000)} ago`;
  const engine = [provider.engineVersion, provider.apiVersion && `API ${provider.apiVersion}`];
  const found = `${plural(provider.services, "service")}, ${plural(provider.instances, "instance")}`;
  const lines = [
    ["State", provider.connected ? "connected" : "not connected; the last table serves on"],
    ["Endpoint", provider.endpoint],
    ["Engine", engine.filter(Boolean).join(", ")],
    ["Role", provider.role],
    ["Found", found],
    ["Last look", ago],
    ["Last error", provider.lastError],
  ];
  return {
    key: `provider ${provider.name} ${provider.endpoint}`,
    tone: provider.connected ? "good" : "bad",
    text: provider.name,
    title: provider.connected ? "Provider, connected" : "Provider, not connected",
    lines: lines.filter(([, value]) => value),
  };
}

function makeBadge() {
  const text = el("span", "badge-text");
  const summary = el("summary", "", el("span", "dot"), text);
  const list = el("dl", "badge-lines");
  const title = el("p", "badge-title");
  const node = el("details", "badge", summary, el("div", "badge-panel", title, list));
  return {
    node,
    update(badge) {
      setAttr(node, "data-tone", badge.tone);
      setText(text, badge.text);
      setText(title, badge.title);
      const hint = badge.lines.map(([name, value]) => `${name}: ${value}`).join("\n");
      setAttr(summary, "title", hint);
      setAttr(summary, "aria-label", `${badge.title}: ${badge.text}`);
      // By place and name: a value that changes every second must not fade in and out.
      const lines = badge.lines.map(([name, value], place) => ({ key: `${place} ${name}`, name, value }));
      keep(list, lines, (line) => line.key, makeLine);
    },
  };
}

function makeLine() {
  const name = el("dt");
  const value = el("dd");
  return {
    node: el("div", "", name, value),
    update(line) {
      setText(name, line.name);
      setText(value, line.value);
    },
  };
}
