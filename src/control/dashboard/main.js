// The life of the page: connect, show every document that arrives, say so when none does.

import { byId, plural, setHidden, setText, span } from "./dom.js";
import { showComplaints } from "./complaints.js";
import { showFlow, startFilter } from "./flow.js";
import { showHeader, startBadges } from "./header.js";
import { showTotals } from "./totals.js";

const LIVE = "../api/ringress/live";

// The server sends a document a second. After this much silence the connection is called lost,
// and after some more it is made anew: a dead peer does not close a connection.
const SILENCE_MS = 3500;
const RECONNECT_MS = 7000;

let source = null;
let heard = null;
let opened = 0;

function connect() {
  if (source) source.close();
  opened = performance.now();
  source = new EventSource(LIVE);
  source.onmessage = (message) => {
    heard = performance.now();
    show(JSON.parse(message.data));
    showConnection();
  };
  source.onerror = () => showConnection();
}

function show(doc) {
  setHidden(byId("main"), false);
  showHeader(doc);
  showTotals(doc);
  showComplaints(doc.complaints);
  showFlow(doc);
  const problems = doc.complaints.length > 0 ? `(${doc.complaints.length}) ` : "";
  const title = `${problems}Ringress · ${doc.hostname}`;
  if (document.title !== title) document.title = title;
  const shown = [
    plural(doc.routers.length, "rule"),
    plural(doc.services.length, "service"),
    plural(doc.drivers.length, "worker"),
    `process ${doc.pid}`,
  ];
  setText(byId("footer-text"), shown.join(" · "));
  document.body.classList.toggle("terminating", doc.terminating);
}

function showConnection() {
  const now = performance.now();
  const silence = now - (heard ?? opened);
  const isClosed = source.readyState === EventSource.CLOSED;
  const isLost = silence > SILENCE_MS || source.readyState !== EventSource.OPEN;
  const state = !isLost ? "live" : heard === null && silence < SILENCE_MS ? "connecting" : "lost";
  const words = { live: "Live", connecting: "Connecting…", lost: "Connection lost" };
  byId("live").dataset.live = state;
  setText(byId("live-text"), words[state]);
  document.body.classList.toggle("stale", state === "lost");
  const lost = byId("lost");
  setHidden(lost, state !== "lost");
  if (state === "lost") {
    const known = heard === null ? "Nothing is known yet" : `Figures are ${span(silence / 1000)} old`;
    setText(lost, `No connection to Ringress. ${known}; trying again.`);
  }
  if ((isClosed && now - opened > 2000) || (silence > RECONNECT_MS && now - opened > RECONNECT_MS)) {
    connect();
  }
}

startBadges();
startFilter();
connect();
showConnection();
setInterval(showConnection, 1000);
