"use strict";
// Puts texts of the dataset on the screen as text nodes only: none is ever read as HTML.
const DATA = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const KINDS = ["wrong", "imprecise", "subjective", "redundant", "missing"];
const controls = ["search", "aspect", "rating", "split", "kind"].map(at);
let shown = DATA.triples;
let current = null;

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== false) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function offer(control, all, values, told = String) {
  control.append(el("option", { value: "" }, all));
  for (const value of values) control.append(el("option", { value }, told(value)));
}

const distinct = (name) => [...new Set(DATA.triples.map((triple) => String(triple[name])))].sort();

function textsOf(triple) {
  const findings = triple.findings.flatMap((finding) => [finding.quote, finding.fix]);
  const ids = [triple.id, triple.more.clip_id, triple.more.source_id];
  return [triple.draft.map(([text]) => text).join(""), triple.critique, triple.final, ...findings, ...ids].join("\n").toLowerCase();
}
for (const triple of DATA.triples) triple.searched = textsOf(triple);

function fits(triple) {
  const [search, aspect, rating, split, kind] = controls.map((control) => control.value);
  const kinds = triple.findings.map((finding) => finding.kind);
  return (
    (!aspect || triple.aspect === aspect) &&
    (!rating || String(triple.rating) === rating) &&
    (!split || triple.split === split) &&
    (!kind || (kind === "some" ? kinds.length : kind === "none" ? !kinds.length : kinds.includes(kind))) &&
    triple.searched.includes(search.trim().toLowerCase())
  );
}

function filter() {
  shown = DATA.triples.filter(fits);
  const all = shown.length === DATA.triples.length;
  at("count").textContent = all ? `${shown.length} triples` : `${shown.length} of ${DATA.triples.length} triples`;
  at("clear").hidden = all;
  listAll();
  if (!shown.includes(current)) go(shown[0] || null);
  else place();
}

function listAll() {
  const items = [];
  let aspect = null;
  for (const triple of shown) {
    if (triple.aspect !== aspect) items.push(el("li", { class: "group" }, (aspect = triple.aspect)));
    const words = el("span", {}, triple.critique || triple.final);
    items.push(el("li", {}, el("a", { href: `#${triple.id}`, "data-id": triple.id }, el("b", { title: `rated ${triple.rating}` }, String(triple.rating)), words)));
  }
  at("list").replaceChildren(...items);
}

function go(triple) {
  current = triple;
  if (triple) history.replaceState(null, "", `#${triple.id}`);
  at("tip").hidden = true;
  at("triple").replaceChildren(...(triple ? article(triple) : [el("p", { class: "nothing" }, "No triple of the sample fits these filters.")]));
  place();
}

function step(by) {
  const next = shown[shown.indexOf(current) + by];
  if (next) {
    go(next);
    window.scrollTo(0, 0);
  }
}

function place() {
  const number = shown.indexOf(current);
  at("place").textContent = shown.length ? `${number + 1} of ${shown.length}` : "";
  at("before").disabled = number <= 0;
  at("after").disabled = number < 0 || number === shown.length - 1;
  for (const link of at("list").querySelectorAll("a")) {
    if (current && link.dataset.id === current.id) {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

function section(title, name, ...children) {
  return el("section", { class: name }, el("h2", {}, title), ...children);
}

function article(triple) {
  const stars = el("span", { class: "stars", role: "img", "aria-label": `draft rated ${triple.rating} of 5` }, "★".repeat(triple.rating), el("i", {}, "★".repeat(Math.max(0, 5 - triple.rating))));
  const tags = [[triple.split, ""], [triple.review, triple.review !== "approved" && "heed"], [triple.edited && "caption edited by hand", "heed"]];
  const head = el("div", { class: "head" }, el("h1", {}, triple.aspect), stars, ...tags.filter(([text]) => text).map(([text, heed]) => el("span", { class: `tag ${heed || ""}` }, text)));
  const task = triple.instruction ? el("p", { class: "task" }, triple.instruction) : null;
  const texts = [section(triple.changes.length ? "Draft" : "Draft, accepted as it is", "draft", draft(triple), findings(triple))];
  if (triple.critique) texts.push(section("Critique", "critique", el("p", { class: "text" }, triple.critique)));
  if (triple.changes.length) {
    texts.push(section("What changed", "changes", el("p", { class: "text" }, ...triple.changes.flatMap(change))));
    texts.push(section("Caption", "final", el("p", { class: "text" }, triple.final)));
  }
  const halves = el("div", { class: "halves" }, el("div", { class: "stage" }, clip(triple), task), el("div", {}, ...texts, more(triple), recall(triple)));
  return [head, halves];
}

function clip(triple) {
  if (!triple.src) return absent(triple);
  const video = el("video", { controls: "", loop: "", muted: "", playsinline: "", preload: "metadata", src: triple.src });
  video.addEventListener("error", () => video.replaceWith(absent(triple)));
  return video;
}

function absent(triple) {
  return el("div", { class: "absent" }, el("b", {}, "The clip is not here"), el("span", {}, "It is expected at ", el("code", {}, triple.expected), ". Make the pages again with --media and the folder it lies under."));
}

function draft(triple) {
  const text = el("p", { class: "text" });
  for (const [words, numbers] of triple.draft) {
    if (!numbers.length) text.append(words);
    else text.append(marked(triple, words, numbers));
  }
  return text;
}

function marked(triple, words, numbers) {
  const found = numbers.map((number) => triple.findings[number]);
  const label = found.map((finding) => `${finding.kind}: ${advice(finding)}`).join("; ");
  const mark = el("mark", { tabindex: "0", "data-kind": found[0].kind, "data-findings": numbers.join(" "), "aria-label": `${words} (${label})` }, words);
  const light = (on) => {
    for (const number of numbers) lightUp(number, on);
    at("tip").hidden = !on;
    if (on) tip(mark, found);
  };
  mark.addEventListener("mouseenter", () => light(true));
  mark.addEventListener("mouseleave", () => light(false));
  mark.addEventListener("focus", () => light(true));
  mark.addEventListener("blur", () => light(false));
  return mark;
}

const advice = (finding) => (finding.fix ? `write “${finding.fix}”` : "remove it");

function tip(mark, found) {
  const box = at("tip");
  box.replaceChildren(...found.map((finding) => el("p", {}, el("b", {}, finding.kind), `: ${advice(finding)}`)));
  const place = mark.getClientRects()[0];
  const left = Math.min(place.left, document.documentElement.clientWidth - box.offsetWidth - 16);
  box.style.left = `${Math.max(8, left) + window.scrollX}px`;
  box.style.top = `${place.top + window.scrollY - box.offsetHeight - 6}px`;
}

function lightUp(number, on) {
  for (const part of at("triple").querySelectorAll("[data-findings]")) {
    if (part.dataset.findings.split(" ").includes(String(number))) part.classList.toggle("lit", on);
  }
}

function findings(triple) {
  if (!triple.findings.length) return null;
  const list = el("ul", { class: "findings" });
  triple.findings.forEach((finding, number) => {
    const item = el("li", { "data-kind": finding.kind, "data-findings": String(number) }, el("span", { class: "kind" }, finding.kind), el("span", {}, ...remark(finding)));
    item.addEventListener("mouseenter", () => lightUp(number, true));
    item.addEventListener("mouseleave", () => lightUp(number, false));
    list.append(item);
  });
  return list;
}

function remark(finding) {
  if (finding.kind === "missing") return [`Add: ${finding.fix}`];
  const parts = [el("q", {}, finding.quote)];
  parts.push(...(finding.fix ? [el("span", { class: "to" }, "→"), el("q", {}, finding.fix)] : [el("span", { class: "to" }, "→"), "remove"]));
  if (!finding.placed) parts.push(el("small", {}, "these words do not stand at the place it names"));
  return parts;
}

function change([gone, come]) {
  if (gone === come) return [gone];
  // Blanks at the ends are no news and stay uncoloured.
  const [, before, gap] = /^(\s*)(?:[^]*\S)?(\s*)$/.exec(come || gone);
  const parts = [before];
  if (gone.trim()) parts.push(el("del", {}, gone.trim()));
  if (gone.trim() && come.trim()) parts.push(" ");
  if (come.trim()) parts.push(el("ins", {}, come.trim()));
  return [...parts, gap];
}

// The page has no server behind it, so it gives the command that takes a caption back.
function recall(triple) {
  if (triple.review && triple.review !== "approved") return null;
  const command = el("code", {}, `chai recall ${triple.id} --reason "what is wrong with it"`);
  const button = el("button", { type: "button", class: "plain" }, "Copy");
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(command);
    navigator.clipboard?.writeText(command.textContent).then(() => (button.textContent = "Copied"), () => {});
  });
  const how = el("p", {}, "For a lead of the team: datasets made from then on are without it, and it is worked on again.");
  return el("details", { class: "recall" }, el("summary", {}, "Recall this caption"), how, el("p", {}, command, " ", button));
}

function more(triple) {
  const rows = [["id", triple.id], ...Object.entries(triple.more)].map(([name, value]) =>
    el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, el("code", {}, typeof value === "object" ? JSON.stringify(value) : String(value)))));
  return el("details", {}, el("summary", {}, "Ids, chain, people and rights"), el("dl", {}, ...rows));
}

function follow() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const triple = DATA.triples.find((one) => one.id === wanted);
  if (triple && triple !== current) {
    if (!shown.includes(triple)) clear();
    go(triple);
  }
}

function clear() {
  for (const control of controls) control.value = "";
  filter();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea, video");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
  if (event.key === "/") {
    event.preventDefault();
    at("search").select();
  }
});

document.title = `Dataset ${DATA.dataset.id}`;
at("dataset").textContent = DATA.dataset.id;
const whole = DATA.triples.length === DATA.dataset.triples;
const share = whole ? `all ${DATA.dataset.triples} triples` : `${DATA.triples.length} of ${DATA.dataset.triples.toLocaleString("en")} triples, every aspect and rating among them`;
at("about").textContent = `specification ${DATA.dataset.spec} · ${share}`;
offer(at("aspect"), "Aspect", distinct("aspect"));
offer(at("rating"), "Rating", distinct("rating"), (rating) => `Rated ${rating}`);
offer(at("split"), "Split", distinct("split"));
offer(at("kind"), "Findings", ["some", "none", ...KINDS], (kind) => ({ some: "Any finding", none: "No finding" })[kind] || kind);
for (const control of controls) control.addEventListener("input", filter);
at("clear").addEventListener("click", clear);
at("before").addEventListener("click", () => step(-1));
at("after").addEventListener("click", () => step(1));
window.addEventListener("hashchange", follow);
const first = location.hash;
filter();
if (first) {
  history.replaceState(null, "", first);
  follow();
}
