// The flow: rules on the one side, the services that answer on the other, a line between them.

import { byId, count, el, keep, millis, plural, rate, setAttr, setHidden, setText } from "./dom.js";
import { makeBackends } from "./backends.js";

let shown = null;

export function showFlow(doc) {
  shown = doc;
  showEntryPoints(doc.entryPoints);
  const flows = flowsOf(doc);
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const flow of flows) flow.isWanted = words.length === 0 || matches(flow, words);
  keep(byId("flows"), flows, (flow) => flow.key, makeFlow);
  const wanted = flows.filter((flow) => flow.isWanted).length;
  const found = `${count(wanted)} of ${count(flows.length)}`;
  setText(byId("filter-count"), words.length === 0 ? "" : found);
  showEmpty(doc, flows.length, wanted);
}

export function startFilter() {
  const filter = byId("filter");
  filter.addEventListener("input", () => shown && showFlow(shown));
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
    } else if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      if (shown) showFlow(shown);
    }
  });
}

/** A service with the rules that lead to it; rules that lead nowhere come last. */
function flowsOf(doc) {
  const flows = new Map();
  for (const service of doc.services) {
    flows.set(service.name, { key: `service ${service.name}`, name: service.name, service, routers: [] });
  }
  for (const router of doc.routers) {
    if (!flows.has(router.service)) {
      const key = `missing ${router.service}`;
      flows.set(router.service, { key, name: router.service, service: null, routers: [] });
    }
    flows.get(router.service).routers.push(router);
  }
  for (const flow of flows.values()) {
    flow.routers.sort(inOrder);
  }
  return [...flows.values()];
}

/** As requests meet them: those that work by priority, then those that do not. */
function inOrder(a, b) {
  const works = (router) => (router.status === "enabled" ? 0 : 1);
  return works(a) - works(b) || b.priority - a.priority || (a.name < b.name ? -1 : 1);
}

function matches(flow, words) {
  const routers = flow.routers.flatMap((r) => [r.name, r.rule, r.status, r.provider, ...r.entryPoints]);
  const backends = (flow.service?.backends ?? []).flatMap((b) => [b.url, b.label, b.state]);
  const cookie = flow.service?.sticky?.cookieName ?? "";
  const text = [flow.name, cookie, ...routers, ...backends].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

function makeFlow(first) {
  const routers = el("div", "routers");
  const card = first.service ? makeService() : makeMissing();
  const node = el("article", "flow-row", routers, card.node);
  const none = el("p", "card router-none", "No rule leads here");
  none.hidden = true;
  const list = el("div", "router-list");
  routers.append(list, none);
  return {
    node,
    update(flow) {
      // Hidden, not removed: typing in the filter must not make and break elements.
      setHidden(node, !flow.isWanted);
      setAttr(node, "aria-label", flow.name || "No service");
      keep(list, flow.routers, (router) => router.name, makeRouter);
      setHidden(none, flow.routers.length > 0);
      node.classList.toggle("busy", (flow.service?.perSecond ?? 0) > 0);
      card.update(flow);
    },
  };
}

function makeRouter() {
  const rule = el("p", "rule");
  const name = el("span", "router-name");
  const entryPoints = el("span", "chips");
  const priority = el("span", "router-priority");
  const flow = makeFlowFigures("router-flow");
  const status = el("span", "router-status");
  const error = el("p", "router-error");
  const foot = el("div", "router-foot", entryPoints, priority, flow.node, status);
  const node = el("div", "card router", rule, error, name, foot);
  let ruleShown = null;
  return {
    node,
    update(router) {
      setAttr(node, "data-router", router.name);
      setAttr(node, "data-status", router.status);
      if (ruleShown !== router.rule) {
        ruleShown = router.rule;
        rule.replaceChildren(...ruleParts(router.rule));
      }
      setText(name, router.name);
      keep(entryPoints, router.entryPoints, (entryPoint) => entryPoint, (entryPoint) => ({
        node: el("span", "chip", entryPoint),
        update() {},
      }));
      setText(priority, `priority ${router.priority}`);
      flow.update(router);
      setText(status, router.status);
      setText(error, router.error ?? "");
      setHidden(error, !router.error);
    },
  };
}

/** Requests per second, how long they take, and how many of them fail. */
function makeFlowFigures(className) {
  const figures = el("span", "flow-figures");
  const errors = el("span", "flow-errors");
  return {
    node: el("span", className, figures, errors),
    update({ perSecond, errorsPerSecond, meanMillis }) {
      const time = meanMillis === null ? "" : ` · ${millis(meanMillis)}`;
      setText(figures, `${rate(perSecond)} req/s${time}`);
      setText(errors, errorsPerSecond > 0 ? ` · ${rate(errorsPerSecond)} failed/s` : "");
    },
  };
}

/** A rule's functions stand out from their arguments, whichever grammar it is written in. */
function ruleParts(text) {
  const parts = [];
  const token = /(`[^`]*`|"(?:[^"\\]|\\.)*")|([A-Za-z]+)(?=\s*[(:])|(&&|\|\||!|;)/g;
  let end = 0;
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(end, match.index));
    const kind = match[1] ? "rule-text" : match[2] ? "rule-function" : "rule-operator";
    parts.push(el("span", kind, match[0]));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return text === "" ? [el("span", "rule-operator", "no rule")] : parts;
}

function makeService() {
  const name = el("h3", "service-name");
  const health = el("span", "service-health");
  const cookie = el("span", "chip chip-cookie");
  const provider = el("span", "chip");
  const figure = el("b");
  const perSecond = el("span", "service-rate", figure, " req/s");
  const head = el("div", "service-head", name, health, cookie, provider, perSecond);
  const backends = makeBackends();
  const none = el("p", "service-none", "No backend: requests are answered with 503");
  const node = el("div", "card service", head, backends.node, none);
  return {
    node,
    update({ service }) {
      setAttr(node, "data-service", service.name);
      setText(name, service.name);
      const serving = service.backends.filter((backend) => backend.state === "serving").length;
      const all = service.backends.length;
      setText(health, serving === all ? `${count(all)} serving` : `${serving} of ${all} serving`);
      setAttr(health, "data-tone", all > 0 && serving === 0 ? "bad" : serving < all ? "note" : "good");
      setHidden(cookie, !service.sticky);
      setText(cookie, service.sticky ? `cookie ${service.sticky.cookieName}` : "");
      setAttr(cookie, "title", service.sticky ? cookieWords(service.sticky) : null);
      setText(provider, service.provider);
      setText(figure, rate(service.perSecond));
      backends.update(service.backends);
      setHidden(backends.node, all === 0);
      setHidden(none, all > 0);
    },
  };
}

function cookieWords(sticky) {
  const parts = [
    `Binds a browser to its backend: ${sticky.cookieName}`,
    sticky.path && `path ${sticky.path}`,
    sticky.domain && `domain ${sticky.domain}`,
    sticky.maxAge !== 0 && `lives ${sticky.maxAge} s`,
    sticky.httpOnly && "HTTP only",
    sticky.secure && "secure",
    sticky.sameSite && `same site ${sticky.sameSite}`,
  ];
  return parts.filter(Boolean).join(", ");
}

function makeMissing() {
  const name = el("h3", "service-name");
  const text = el("p", "service-none");
  return {
    node: el("div", "card service service-missing", el("div", "service-head", name), text),
    update(flow) {
      setText(name, flow.name || "no service");
      setText(text, "There is no such service: these rules take no traffic");
    },
  };
}

function showEntryPoints(entryPoints) {
  keep(byId("entry-points"), entryPoints, (one) => one.name, () => {
    const name = el("b");
    const address = el("span");
    const flow = makeFlowFigures("entry-flow");
    return {
      node: el("li", "", name, " ", address, " ", flow.node),
      update(one) {
        setText(name, one.name);
        setText(address, one.address);
        flow.update(one);
      },
    };
  });
}

function showEmpty(doc, flows, wanted) {
  const empty = byId("empty");
  setHidden(empty, wanted > 0);
  setHidden(byId("flow-columns"), wanted === 0);
  if (wanted > 0) return;
  const deaf = doc.providers.filter((provider) => !provider.connected);
  let title = "No services yet";
  let text = "Services appear here by themselves as soon as their labels name a port and a rule.";
  if (flows > 0) {
    title = "Nothing matches the filter";
    text = "Names, rules, addresses and states are searched; Escape clears the filter.";
  } else if (deaf.length > 0) {
    title = `${deaf.map((provider) => provider.name).join(", ")}: not connected`;
    text = deaf.map((provider) => provider.lastError ?? provider.endpoint).join("; ");
  } else if (doc.providers.length === 0) {
    text = "No provider was asked for: start with --docker or --providers.swarm.";
  } else {
    const looked = doc.providers.reduce((sum, provider) => sum + provider.services, 0);
    if (looked > 0) text = `${plural(looked, "service")} seen, none of them asks to be served. ${text}`;
  }
  keep(empty, [{ title, text }], ({ title, text }) => `${title} ${text}`, (one) => ({
    node: el("div", "", el("h3", "", one.title), el("p", "", one.text)),
    update() {},
  }));
}
