// The backends of one service: a table on a wide screen, cards on a narrow one.

import { count, el, keep, millis, percent, rate, setAttr, setText } from "./dom.js";

const COLUMNS = [
  ["Backend", ""],
  ["State", ""],
  ["Share", "Filled: part of the requests it lately got. Mark: part it is meant to get by weight."],
  ["Req/s", "Requests per second, over the last three seconds"],
  ["Requests", "Requests given to it, every try counted"],
  ["In flight", "Exchanges going on now"],
  ["Errors", "Responses 5xx, and tries without a usable response"],
  ["Mean", "Mean time to the end of its response, over the last three seconds"],
];

const STATES = {
  serving: "Takes new clients",
  starting: "Runs, but has not accepted a connection yet",
  draining: "On its way out: keeps the clients that hold its cookie, gets no new ones",
  down: "A health check has found it unfit: gets no request",
  ejected: "Refused a connection just now: passed over for a moment",
  unsupported: "Its protocol cannot be spoken yet",
};

// Roles are spelled out: a narrow screen lays the rows out as cards, and a browser would then
// no longer take them for a table.
export function makeBackends() {
  const heads = COLUMNS.map(([name, hint]) => {
    const head = role(el("th", "", name), "columnheader");
    if (hint) head.title = hint;
    return head;
  });
  const body = role(el("tbody"), "rowgroup");
  const head = role(el("thead", "", role(el("tr", "", ...heads), "row")), "rowgroup");
  const node = role(el("table", "backends", head, body), "table");
  return {
    node,
    update: (backends) => keep(body, backends, (backend) => backend.url, makeRow),
  };
}

function makeRow(first) {
  const label = el("span", "backend-label");
  const url = el("span", "backend-url", first.url);
  const state = el("span", "state-text");
  const fill = el("span", "share-fill");
  const mark = el("span", "share-mark");
  const bar = el("span", "share-bar", fill, mark);
  const shareText = el("span", "minor");
  const perSecond = el("span", "major");
  const requests = el("span", "major");
  const byCookie = el("span", "minor");
  const active = el("span", "major");
  const errors = el("span", "major");
  const failures = el("span", "minor");
  const mean = el("span", "major");
  const contents = [
    [label, url],
    [el("span", "state", el("span", "dot"), state)],
    [bar, shareText],
    [perSecond],
    [requests, byCookie],
    [active],
    [errors, failures],
    [mean],
  ];
  const cells = contents.map((parts, i) => {
    const cell = role(el("td", `cell-${i}`, ...parts), i === 0 ? "rowheader" : "cell");
    cell.dataset.label = COLUMNS[i][0];
    return cell;
  });
  const node = role(el("tr", "backend", ...cells), "row");
  node.dataset.backend = first.url;
  return {
    node,
    update(backend) {
      setAttr(node, "data-state", backend.state);
      setText(label, backend.label || "backend");
      setText(state, backend.state);
      setAttr(cells[1], "title", STATES[backend.state]);
      fill.style.setProperty("transform", `scaleX(${backend.recentShare ?? 0})`);
      mark.style.setProperty("left", `${backend.share * 100}%`);
      mark.hidden = backend.share === 0;
      const lately = backend.recentShare === null ? "–" : percent(backend.recentShare);
      setText(shareText, `${lately} · weight ${backend.weight}`);
      setAttr(bar, "title", `meant to get ${percent(backend.share)} of new clients`);
      setText(perSecond, rate(backend.perSecond));
      setText(requests, count(backend.requests));
      setText(byCookie, backend.stickyHits > 0 ? `${count(backend.stickyHits)} by cookie` : "");
      setText(active, count(backend.active));
      const ill = backend.responses["5xx"] + backend.failures;
      setText(errors, count(ill));
      cells[6].classList.toggle("ill", ill > 0);
      setText(failures, backend.failures > 0 ? `${count(backend.failures)} failed` : "");
      setText(mean, backend.meanMillis === null ? "–" : millis(backend.meanMillis));
    },
  };
}

function role(node, name) {
  node.setAttribute("role", name);
  return node;
}
