/** The page's only script: filters the findings and copies SQL. Without it everything is still readable. */

export const SCRIPT = `
"use strict";
const findings = [...document.querySelectorAll("[data-finding]")];
const form = document.getElementById("filters");
const told = document.getElementById("told");
const search = document.getElementById("search");
const texts = new Map(findings.map((one) => [one, one.textContent.toLowerCase()]));
function apply() {
  const severities = new Set([...form.querySelectorAll("input[name=severity]:checked")].map((box) => box.value));
  const check = document.getElementById("check").value;
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const one of findings) {
    const keep = severities.has(one.dataset.severity) && (check === "" || one.dataset.check === check) &&
      words.every((word) => texts.get(one).includes(word));
    one.hidden = !keep;
    if (keep) shown++;
  }
  told.textContent = shown + " of " + findings.length + " shown";
}
if (form) {
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && search) { event.preventDefault(); search.focus(); }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const pre = button.parentElement.parentElement.querySelector("pre");
  try {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(pre);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});
function follow() {
  const one = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (one && one.tagName === "DETAILS") { one.hidden = false; one.open = true; one.scrollIntoView(); }
}
addEventListener("hashchange", follow);
follow();
const foldable = [...findings, ...document.querySelectorAll("[data-flow]")];
const open = [];
addEventListener("beforeprint", () => {
  for (const one of foldable) if (!one.open) { open.push(one); one.open = true; }
});
addEventListener("afterprint", () => { for (const one of open.splice(0)) one.open = false; });
`;
