// --- numbers beside the pictures
function showAngles() {
  byId("angles").innerHTML = shown().map((person) => {
    const sure = person.confidence.reduce((sum, c) => sum + c, 0) / person.confidence.length;
    const rows = Object.keys(ANGLES).map((part) => `<tr><th scope="row">${part}</th>` + ["right", "left"].map((side) =>
      `<td>${Math.round(angle(person, ANGLES[part](side)))}&deg;</td>`).join("") + "</tr>").join("");
    const meter = `confidence ${sure.toFixed(2)} <meter min="0" max="1" value="${sure}"></meter>`;
    return `<div><h2>Person ${person.id}</h2><p>${meter}</p><table><tr><th></th>`
      + `<th scope="col" class="r">right</th><th scope="col" class="l">left</th></tr>${rows}</table></div>`;
  }).join("") || "<p>Nobody found in this frame.</p>";
}
function draw() {
  drawPhoto(); drawSpace();
}
function show(frame) {
  state.frame = clamp(frame, 0, frames.length - 1);
  slider.value = state.frame;
  const now = frames[state.frame];
  byId("clock").value = `frame ${now.index}, ${now.time_s.toFixed(2)} s`;
  slider.setAttribute("aria-valuetext", byId("clock").value);
  draw(); showAngles();
}

// --- time
let clock = 0, before = 0;
function tick() {
  if (!state.playing) return;
  const now = performance.now();
  clock += Math.min((now - before) / 1000, 0.2) * Number(byId("speed").value);
  before = now;
  const first = frames[0].time_s, last = frames[frames.length - 1].time_s;
  if (clock > last + 0.4) clock = first;
  let next = frames.findIndex((frame) => frame.time_s > clock);
  next = next < 0 ? frames.length - 1 : Math.max(0, next - 1);
  if (next !== state.frame) show(next);
  requestAnimationFrame(tick);
}
function play(on) {
  state.playing = on && frames.length > 1;
  byId("play").textContent = state.playing ? "Pause" : "Play";
  clock = frames[state.frame === frames.length - 1 ? 0 : state.frame].time_s;
  before = performance.now();
  if (state.playing) requestAnimationFrame(tick);
}
byId("play").onclick = () => play(!state.playing);
slider.oninput = () => { play(false); show(Number(slider.value)); };

// --- turning, zooming, pointing
const fingers = new Map();
space.onpointerdown = (event) => {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  space.classList.add("dragged");
};
window.addEventListener("pointermove", (event) => {
  const last = fingers.get(event.pointerId), here = [event.clientX, event.clientY];
  if (!last) return;
  if (fingers.size === 1) {
    state.azimuth -= (here[0] - last[0]) * 0.5;
    state.elevation = clamp(state.elevation + (here[1] - last[1]) * 0.4, -89, 89);
  } else {
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    zoom(Math.hypot(...minus(here, other)) / Math.max(Math.hypot(...minus(last, other)), 1));
  }
  fingers.set(event.pointerId, here);
  drawSpace();
});
for (const type of ["pointerup", "pointercancel"]) window.addEventListener(type, (event) => {
  fingers.delete(event.pointerId);
  space.classList.toggle("dragged", fingers.size > 0);
});
function zoom(factor) { state.zoom = clamp(state.zoom * factor, 0.3, 8); drawSpace(); }
space.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * 0.0012));
}, {passive: false});
space.onkeydown = (event) => {
  const turn = {ArrowLeft: [8, 0], ArrowRight: [-8, 0], ArrowUp: [0, 6], ArrowDown: [0, -6]}[event.key];
  if (turn) { state.azimuth += turn[0]; state.elevation = clamp(state.elevation + turn[1], -89, 89); }
  else if ("+=".includes(event.key)) zoom(1.15);
  else if (event.key === "-") zoom(1 / 1.15);
  else if (event.key === "0") Object.assign(state, START);
  else return;
  event.preventDefault(); drawSpace();
};
for (const button of document.querySelectorAll("[data-view]")) button.onclick = () => {
  [state.azimuth, state.elevation] = button.dataset.view.split(",").map(Number); drawSpace();
};
const isHovered = (spot) => state.hover && spot.id === state.hover.id && spot.joint === state.hover.joint;
for (const [name, canvas] of [["photo", photo], ["space", space]]) {
  for (const type of ["pointermove", "pointerdown"]) canvas.addEventListener(type, (event) => {  // a finger only taps
    const box = canvas.getBoundingClientRect(), here = [event.clientX - box.left, event.clientY - box.top];
    const far = (spot) => Math.hypot(...minus(spot.at, here));
    const best = spots[name].reduce((a, b) => a && far(a) <= far(b) ? a : b, null);
    point(best && far(best) < 16 && !fingers.size ? best : null, event);
  });
  canvas.addEventListener("pointerleave", () => point(null));
}
function point(spot, event) {
  const same = state.hover && spot && isHovered(spot);
  state.hover = spot; tip.hidden = !spot;
  if (spot) {
    const person = shown().find((other) => other.id === spot.id), degrees = angleAt(person, spot.joint);
    tip.textContent = (several ? `person ${spot.id}, ` : "") + names[spot.joint].replace("_", " ")
      + (degrees === null ? "" : `: ${degrees}\u00b0`) + `\nconfidence ${person.confidence[spot.joint].toFixed(2)}`;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 6) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 6) + "px";
  }
  if (!same) draw();
}

// --- people, theme, download
if (several) for (const id of ids) {
  const chip = document.createElement("label"), box = document.createElement("input");
  chip.className = "chip"; box.type = "checkbox"; box.checked = true; box.dataset.person = id;
  box.onchange = () => { box.checked ? hidden.delete(id) : hidden.add(id); point(null); show(state.frame); };
  chip.append(box, `person ${id}`);
  byId("people").append(chip, " ");
}
byId("placed").onchange = () => { state.placed = byId("placed").checked; drawSpace(); };
byId("placing").hidden = !canPlace;
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColors();
  if (parent !== window) parent.postMessage({theme}, "*");  // `wildpose serve` frames the page and follows
}
byId("theme").onclick = () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  draw();
};
byId("save").onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(data.document)], {type: "application/json"}));
  link.download = data.name.replace(/\.[^.]*$/, "") + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || /^(BUTTON|INPUT|SELECT)$/.test(event.target.tagName)) return;
  event.preventDefault(); play(!state.playing);
});
byId("name").textContent = data.name;
byId("about").textContent = (frames.length > 1 ? `${frames.length} frames, ` : "")
  + (ids.length === 1 ? "1 person" : ids.length ? `${ids.length} people` : "nobody found");
byId("thinned").textContent = data.of > frames.length
  ? `This page holds ${frames.length} of ${data.of} frames${data.alone ? "" : "; the files beside it hold all"}.` : "";
byId("time").hidden = frames.length < 2;
slider.max = frames.length - 1;
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
if (data.live) {  // `wildpose serve` sends picture after picture of the webcam
  byId("save").hidden = byId("placing").hidden = true;
  addEventListener("message", ({source, data: {frame, picture}}) => {
    if (source !== parent || !frame) return;
    if (images[0].close) images[0].close();
    [frames[0], images[0]] = [frame, picture];
    arrange(); point(null); show(0);
    byId("about").textContent = "live";
  });
}
addEventListener("resize", draw);
show(0);
