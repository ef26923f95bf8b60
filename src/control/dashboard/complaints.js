// What was wrong with labels and options: who, which one, what would be right.

import { byId, el, keep, plural, setHidden, setText } from "./dom.js";

export function showComplaints(complaints) {
  setHidden(byId("complaints"), complaints.length === 0);
  // The worst first; within a kind, in the order in which they were found.
  const errors = complaints.filter((one) => one.severity === "error");
  const warnings = complaints.filter((one) => one.severity !== "error");
  byId("complaints").dataset.worst = errors.length > 0 ? "error" : "warning";
  const parts = [
    errors.length > 0 ? plural(errors.length, "problem") : null,
    warnings.length > 0 ? plural(warnings.length, "warning") : null,
  ];
  setText(byId("complaints-title"), `Configuration: ${parts.filter(Boolean).join(", ")}`);
  keep(byId("complaints-list"), numbered([...errors, ...warnings]), (one) => one.key, makeComplaint);
}

/** The same complaint may come twice; the second one is a line of its own. */
function numbered(complaints) {
  const seen = new Map();
  return complaints.map((complaint) => {
    const text = JSON.stringify(complaint);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return { complaint, key: `${times} ${text}` };
  });
}

function makeComplaint({ complaint }) {
  const { severity, subject, setting, value, problem, remedy } = complaint;
  const written = value === "" ? setting : setting === "" ? value : `${setting}=${value}`;
  const node = el(
    "li",
    "complaint",
    el("span", "severity", severity === "error" ? "Problem" : "Warning"),
    el("strong", "complaint-subject", subject),
    el(
      "div",
      "complaint-text",
      el("p", "", written === "" ? null : el("code", "", written), written === "" ? null : " ", problem),
      remedy === "" ? null : el("p", "remedy", remedy),
    ),
  );
  node.dataset.complaint = severity;
  return { node, update() {} };
}
