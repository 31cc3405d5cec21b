"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const frames = data.document.frames, names = data.document.joints, bones = data.bones;
const index = Object.fromEntries(names.map((name, i) => [name, i]));
let ids, several, columns, columnCount;  // who is there at all, and where they stand in 3D
const hidden = new Set();
const START = {azimuth: -38, elevation: 12, zoom: 1};
const state = {frame: 0, playing: false, placed: false, hover: null, ...START};
const photo = byId("photo"), space = byId("space"), slider = byId("slider"), tip = byId("tip");
const images = data.pictures.map((picture) => {
  const image = new Image();
  image.onload = () => draw();
  image.dataset.jpeg = picture;  // decoded when it is first shown
  return image;
});
const SIDES = names.map((name) => name.startsWith("right_") ? "right" : name.startsWith("left_") ? "left" : "middle");
const ANGLES = {
  elbow: (side) => [side + "_shoulder", side + "_elbow", side + "_wrist"],
  knee: (side) => [side + "_hip", side + "_knee", side + "_ankle"],
  hip: (side) => ["thorax", "pelvis", side + "_knee", side + "_hip"],
  shoulder: (side) => ["pelvis", "thorax", side + "_elbow", side + "_shoulder"],
};

// --- numbers
const minus = (a, b) => a.map((v, i) => v - b[i]);
const plus = (a, b) => a.map((v, i) => v + b[i]);
const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
function between(a, b) {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  return Math.acos(clamp(dot / (Math.hypot(...a) * Math.hypot(...b) || 1), -1, 1)) * 180 / Math.PI;
}
// Three joints: the angle at the middle one. Four: between the way from the second to the first and a limb's (its end,
function angle(person, joints) {
  const [a, b, c, d] = joints.map((name) => person.joints_mm[index[name]]);
  return d ? between(minus(a, b), minus(c, d)) : between(minus(a, b), minus(c, b));
}
function angleAt(person, joint) {
  const [side, part] = names[joint].split("_");
  return part in ANGLES ? Math.round(angle(person, ANGLES[part](side))) : null;
}
const fade = (confidence) => clamp(confidence / 0.35, 0.2, 1);
const shown = () => frames[state.frame].people.filter(({id}) => !hidden.has(id)).sort((a, b) => a.id - b.id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let colors = {};
function readColors() {
  const named = ["right", "left", "middle", "card", "ink", "grid"];
  colors = Object.fromEntries(named.map((name) => [name, css("--" + name)]));
}
function boneColor([child, parent]) { return colors[SIDES[child] !== "middle" ? SIDES[child] : SIDES[parent]]; }
function mix(color, other, share) {
  const [a, b] = [color, other].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return "#" + a.map((v, i) => Math.round(v * (1 - share) + b[i] * share).toString(16).padStart(2, "0")).join("");
}
function fit(canvas, width, height) {
  const dpr = window.devicePixelRatio || 1, w = Math.round(width * dpr), h = Math.round(height * dpr);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext("2d");
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
function disc(context, [x, y], radius, color) {
  context.fillStyle = color;
  context.beginPath(); context.arc(x, y, radius, 0, 7); context.fill();
}
function taper(context, a, b, ra, rb, color) {
  disc(context, a, ra, color); disc(context, b, rb, color);
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
  if (length < 1e-3) return;
  const n = [(a[1] - b[1]) / length, (b[0] - a[0]) / length];
  context.beginPath();
  for (const [p, r] of [[a, ra], [b, rb], [b, -rb], [a, -ra]]) context.lineTo(p[0] + n[0] * r, p[1] + n[1] * r);
  context.fill();
}
function label(context, text, [x, y]) {
  disc(context, [x, y], 12, colors.card);
  context.fillStyle = colors.ink; context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "center"; context.textBaseline = "middle";
  context.fillText(text, x, y + 1);
}
let spots = {photo: [], space: []};  // where the joints were drawn, for pointing at them
function ring(context, spot) {
  context.strokeStyle = colors.ink; context.lineWidth = 2;
  context.beginPath(); context.arc(...spot.at, 9, 0, 7); context.stroke();
}

// --- the picture with the 2D skeletons
function drawPhoto() {
  const frame = frames[state.frame], image = images[state.frame];
  if (image.dataset && !image.src) image.src = "data:image/jpeg;base64," + image.dataset.jpeg;  // a webcam's is decoded
  const room = [photo.parentElement.clientWidth / frame.width, Math.max(320, innerHeight * 0.7) / frame.height];
  const zoom = Math.min(...room), width = frame.width * zoom, height = frame.height * zoom;
  Object.assign(photo.style, {width: width + "px", height: height + "px"});
  const context = fit(photo, width, height);
  if (image.width) context.drawImage(image, 0, 0, width, height);
  spots.photo = [];
  for (const person of shown()) {
    const at = person.joints_px.map(([x, y]) => [(x + 0.5) * zoom, (y + 0.5) * zoom]);
    const xs = at.map((p) => p[0]), ys = at.map((p) => p[1]);
    const extent = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
    const radius = clamp(extent * 0.011, 1.4, 7);
    const depth = ([child, parent]) => person.joints_mm[child][2] + person.joints_mm[parent][2];
    for (const bone of [...bones].sort((p, q) => depth(q) - depth(p))) {
      const [child, parent] = bone;
      context.globalAlpha = fade(Math.min(person.confidence[child], person.confidence[parent]));
      taper(context, at[child], at[parent], radius * 1.5, radius * 1.5, "#181824");
      taper(context, at[child], at[parent], radius, radius, boneColor(bone));
    }
    at.forEach((p, joint) => {
      context.globalAlpha = fade(person.confidence[joint]);
      disc(context, p, radius * 1.7, "#ffffff"); disc(context, p, radius * 1.1, colors[SIDES[joint]]);
      spots.photo.push({at: p, id: person.id, joint});
    });
    context.globalAlpha = 1;
    if (several) label(context, person.id, [at[index.head_top][0], Math.max(14, Math.min(...ys) - 20)]);
  }
  for (const spot of spots.photo) if (isHovered(spot)) ring(context, spot);
}

// --- the 3D view: camera axes (x right, y down, z away), seen from around the middle
const REACH = 1180, DISTANCE = 5200, FOOT = 70;
const placements = frames.flatMap((frame) => frame.people.map((person) => person.pelvis_cam_mm).filter(Boolean));
const canPlace = placements.length > 0;
function stage() {  // the middle of all places where people stood, without the odd wrong ones, and how far it reaches
  const sorted = [0, 1, 2].map((axis) => placements.map((p) => p[axis]).sort((a, b) => a - b));
  const edge = (axis, share) => sorted[axis][Math.floor(share * (placements.length - 1))];
  const low = [0, 1, 2].map((axis) => edge(axis, 0.05)), high = [0, 1, 2].map((axis) => edge(axis, 0.95));
  return {middle: low.map((v, i) => (v + high[i]) / 2), reach: REACH + Math.hypot(...minus(high, low)) * 0.5};
}
const STAGE = canPlace ? stage() : null;
function arrange() {
  ids = [...new Set(frames.flatMap((frame) => frame.people.map((person) => person.id)))].sort((a, b) => a - b);
  several = ids.length > 1;
  columns = new Map();  // side by side where not placed: a column is free again when its person has gone
  for (const id of ids) {
    const here = frames.map((frame, at) => frame.people.some((person) => person.id === id) ? at : -1);
    const seen = here.filter((at) => at >= 0);
    const [first, last] = [seen[0], seen[seen.length - 1]];
    const taken = [...columns.values()].filter((other) => other.first <= last && first <= other.last);
    let column = 0;
    while (taken.some((other) => other.column === column)) column++;
    columns.set(id, {column, first, last});
  }
  columnCount = Math.max(1, ...[...columns.values()].map(({column}) => column + 1));
}
arrange();
function place(person) {  // its joints in the scene, mm
  const column = (columns.get(person.id).column - (columnCount - 1) / 2) * 1300;
  const shift = state.placed && person.pelvis_cam_mm ? minus(person.pelvis_cam_mm, STAGE.middle) : [column, 0, 0];
  return person.joints_mm.map((joint) => plus(joint, shift));
}
function sceneReach() {
  return state.placed ? STAGE.reach : Math.max(REACH, columnCount > 1 ? columnCount * 650 + 500 : 0);
}
function camera(width, height) {
  const [a, e] = [state.azimuth, state.elevation].map((v) => v * Math.PI / 180);
  const size = sceneReach() / REACH, away = DISTANCE * size;
  const focal = Math.min(height / 2, width / 2 / 0.82) / REACH * DISTANCE * state.zoom;
  return ([x, y, z]) => {
    const x1 = Math.cos(a) * x + Math.sin(a) * z, z1 = Math.cos(a) * z - Math.sin(a) * x;
    const y2 = Math.cos(e) * y - Math.sin(e) * z1, z2 = Math.sin(e) * y + Math.cos(e) * z1;
    const scale = focal / Math.max(z2 + away, 500);
    return {at: [width / 2 + x1 * scale, height / 2 + y2 * scale], scale, depth: z2};
  };
}
function drawGround(context, look, ground) {
  const reach = Math.max(1000, sceneReach()), step = reach > 3000 ? 500 : 250, parts = 24;
  for (let mark = -Math.floor(reach / step) * step; mark <= reach; mark += step) {
    for (const along of [0, 2]) {
      for (let i = 0; i < parts; i++) {
        const ends = [i, i + 1].map((k) => {
          const point = [mark, ground, mark];
          point[along] = (2 * k / parts - 1) * reach;
          return point;
        });
        const strength = clamp(1.15 - Math.hypot(ends[0][0], ends[0][2]) / reach, 0, 1);
        if (!strength) continue;
        context.strokeStyle = `rgba(${colors.grid}, ${strength * 0.7})`; context.lineWidth = 1;
        context.beginPath(); context.moveTo(...look(ends[0]).at); context.lineTo(...look(ends[1]).at); context.stroke();
      }
    }
  }
}
const TUBES = {knee: 62, hip: 62, ankle: 44, elbow: 46, wrist: 34, shoulder: 46, thorax: 54, pelvis: 60};
function drawBone(context, bone, points, person) {
  const [child, parent] = bone, ends = [points[child], points[parent]];
  const strength = fade(Math.min(person.confidence[child], person.confidence[parent]));
  const color = mix(colors.card, boneColor(bone), strength);
  const rim = mix(color, "#141428", 0.42), shine = mix(color, "#ffffff", 0.42);
  if (names[child] === "head_top") {
    const [x, y] = [0, 1].map((i) => (ends[0].at[i] + ends[1].at[i]) / 2);
    const radius = 112 * (ends[0].scale + ends[1].scale) / 2;
    const light = context.createRadialGradient(x - radius * 0.34, y - radius * 0.38, 0, x, y, radius);
    light.addColorStop(0, shine); light.addColorStop(0.45, color); light.addColorStop(1, rim);
    return disc(context, [x, y], radius, light);
  }
  const radii = [child, parent].map((joint, i) => (TUBES[names[joint].split("_").pop()] || 44) * 0.72 * ends[i].scale
    * (names[child] === "thorax" ? 1.8 : 1));
  for (const [wide, shift, tone] of [[1, 0, rim], [0.86, 0, color], [0.42, 1, shine]]) {
    const [a, b] = ends.map((end, i) => [end.at[0] - 0.3 * radii[i] * shift, end.at[1] - 0.34 * radii[i] * shift]);
    taper(context, a, b, radii[0] * wide, radii[1] * wide, tone);
  }
}
function drawAxes(context, width, height) {  // how the camera's axes lie in this view
  const look = camera(width, height), from = look([0, 0, 0]).at, at = [34, height - 44];
  context.strokeStyle = context.fillStyle = colors.ink;
  context.lineWidth = 1.5; context.font = "12px system-ui, sans-serif";
  context.textAlign = "center"; context.textBaseline = "middle";
  [["x", [100, 0, 0]], ["y", [0, 100, 0]], ["z", [0, 0, 100]]].forEach(([name, point]) => {
    const to = minus(look(point).at, from).map((v) => v * 26 / (100 * look([0, 0, 0]).scale));
    context.beginPath(); context.moveTo(...at); context.lineTo(...plus(at, to)); context.stroke();
    const length = Math.hypot(...to) || 1;
    if (length > 5) context.fillText(name, at[0] + to[0] * (1 + 9 / length), at[1] + to[1] * (1 + 9 / length));
  });
}
function drawSpace() {
  const {clientWidth: width, clientHeight: height} = space;
  const context = fit(space, width, height), look = camera(width, height);
  const people = shown().map((person) => ({person, joints: place(person)}));
  const lowest = Math.max(...people.flatMap(({joints}) => joints.map((joint) => joint[1])), -Infinity);
  const ground = Number.isFinite(lowest) ? lowest + FOOT : 900;
  if (state.elevation > -2) drawGround(context, look, ground);
  spots.space = [];
  context.save();
  context.filter = "blur(6px)"; context.globalAlpha = 0.28; context.lineCap = "round"; context.strokeStyle = "#000";
  for (const {joints} of people) for (const [child, parent] of bones) {
    const [a, b] = [child, parent].map((joint) => look([joints[joint][0], ground, joints[joint][2]]));
    context.lineWidth = 80 * a.scale;
    context.beginPath(); context.moveTo(...a.at); context.lineTo(...b.at); context.stroke();
  }
  context.restore();
  const all = [];
  for (const {person, joints} of people) {
    const points = joints.map(look);
    for (const bone of bones) all.push({bone, points, person, depth: points[bone[0]].depth + points[bone[1]].depth});
    points.forEach((point, joint) => spots.space.push({at: point.at, id: person.id, joint}));
  }
  for (const {bone, points, person} of all.sort((p, q) => q.depth - p.depth)) drawBone(context, bone, points, person);
  if (several) for (const {person, joints} of people) {
    const [x, y] = look(joints[index.head_top]).at;
    label(context, person.id, [x, Math.max(y - 24, 14)]);
  }
  for (const spot of spots.space) if (isHovered(spot)) ring(context, spot);
  drawAxes(context, width, height);
}
