"use strict";
const byId = (id) => document.getElementById(id);
const viewer = byId("viewer"), file = byId("file");
const LIVE_PX = 640;  // longer side of the webcam's pictures
let state = "idle", camera = null, aborter = null;

const free = () => state === "idle" || state === "result";
function show(next) {  // idle, working, live or result; in between, "asking" for the webcam
  state = document.body.dataset.state = next;
  byId("drop").hidden = next !== "idle";
  byId("working").hidden = next !== "working";
  viewer.hidden = next !== "live" && next !== "result";
  byId("stop").hidden = next !== "live";
  byId("alone").hidden = next !== "result";
  for (const id of ["open", "webcam"]) byId(id).hidden = next === "live" || next === "working";
  byId("people").disabled = next === "live" || next === "working";
  if (next !== "live") byId("rate").textContent = "";
  if (viewer.hidden) viewer.removeAttribute("src");
}
function fail(message) {
  byId("error").textContent = message.charAt(0).toUpperCase() + message.slice(1);
  byId("error").hidden = !message;
}
async function post(address, body, signal) {
  let response;
  try {
    response = await fetch(address, {method: "POST", body, signal});
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error("The app doesn't answer: is `wildpose serve` still running?");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Error(said.error || `The app refused this (${response.status}).`);
}
function showResult(key) {
  viewer.src = byId("alone").href = `/results/${key}`;
  show("result");
}

// --- photos and videos
async function predict(chosen) {
  if (!free()) return;
  fail("");
  const most = Number(document.body.dataset.uploadBytes);
  if (chosen.size > most) {
    const [size, limit] = [chosen.size, most].map((bytes) => Math.round(bytes / 1e6));
    return fail(`The file ${chosen.name} has ${size} MB; the app takes up to ${limit} MB.`);
  }
  aborter = new AbortController();
  byId("what").textContent = chosen.name;
  byId("far").textContent = "Reading the file";
  byId("progress").removeAttribute("value");
  show("working");
  try {
    const query = new URLSearchParams({name: chosen.name, people: byId("people").value});
    await follow(await post(`/predict?${query}`, chosen, aborter.signal));
  } catch (error) {
    show("idle");
    fail(error.name === "AbortError" ? "" : error.message);
  }
}
async function follow(response) {  // a JSON line for each bit of progress, the last with the result
  const begun = performance.now(), reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", last = null;
  byId("far").textContent = "Looking for people";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      last = JSON.parse(line);
      if (last.frames) tellProgress(last, last.frames / (performance.now() - begun) * 1000);
    }
  }
  if (!last || !last.result) throw new Error(last && last.error || "The app stopped in the middle of this.");
  showResult(last.result);
}
function tellProgress({frames, of}, rate) {
  const seconds = frames > 10 && of > frames ? (of - frames) / rate : 0;  // the first frames tell too little
  const left = !seconds ? "" : seconds < 90 ? `, ${Math.ceil(seconds)} s left` : `, ${Math.ceil(seconds / 60)} min left`;
  byId("far").textContent = `Frame ${frames}${of ? ` of ${of}` : ""}, ${rate.toFixed(1)} frames/s${left}`;
  if (of) Object.assign(byId("progress"), {max: of, value: Math.min(frames, of)});
}

// --- the webcam
async function beginWebcam() {
  if (!free()) return;
  fail("");
  const before = state;
  state = "asking";
  try {
    const video = {width: {ideal: 1280}, height: {ideal: 720}};
    camera = await navigator.mediaDevices.getUserMedia({video, audio: false});
  } catch (error) {
    state = before;
    return fail(error.name === "NotAllowedError" ? "The browser doesn't let this page use the webcam."
      : error.name === "NotFoundError" ? "There is no webcam." : `The webcam can't be used: ${error.message}`);
  }
  try {
    await post(`/webcam?people=${byId("people").value}`);
    byId("rate").textContent = "Starting the webcam";
    show("live");
    await new Promise((loaded) => { viewer.onload = loaded; viewer.src = "/live"; });
    await sendPictures();
    showResult((await (await post("/webcam/end")).json()).result);
  } catch (error) {
    show("idle");
    fail(error.message);
  } finally {
    for (const track of camera.getTracks()) track.stop();
    camera = null;
  }
}
async function sendPictures() {  // one after the other, as quickly as they are answered, until the user stops
  const video = document.createElement("video"), canvas = document.createElement("canvas");
  Object.assign(video, {srcObject: camera, muted: true, playsInline: true});
  await video.play();
  const zoom = Math.min(1, LIVE_PX / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * zoom);
  canvas.height = Math.round(video.videoHeight * zoom);
  let stopped = false, pace = null, before = performance.now();
  byId("stop").onclick = () => { stopped = true; };
  for (const track of camera.getTracks()) track.onended = byId("stop").onclick;
  while (!stopped) {
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    const {frame, full} = await (await post("/webcam/picture", jpeg)).json();
    stopped ||= full;  // the page is made of what there is
    const picture = await createImageBitmap(canvas);
    viewer.contentWindow.postMessage({frame, picture}, "*", [picture]);
    const now = performance.now();
    pace = pace === null ? now - before : 0.9 * pace + 0.1 * (now - before);
    before = now;
    byId("rate").textContent = `${(1000 / pace).toFixed(pace > 500 ? 1 : 0)} pictures/s`;
  }
}

// --- buttons, dropping, theme
byId("open").onclick = byId("choose").onclick = () => file.click();
byId("webcam").onclick = byId("begin").onclick = beginWebcam;
byId("cancel").onclick = () => aborter.abort();
file.onchange = () => { if (file.files.length) predict(file.files[0]); file.value = ""; };
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const [dropped, ...others] = event.dataTransfer.files;
  if (others.length) fail("One file at a time, please.");
  else if (dropped) predict(dropped);
});
addEventListener("pagehide", () => { if (state === "live") navigator.sendBeacon("/webcam/end"); });
function setTheme(theme) { document.documentElement.dataset.theme = theme; }
addEventListener("message", ({source, data: {theme}}) => {  // the viewer has a button for it
  if (source === viewer.contentWindow && /^(dark|light)$/.test(theme)) setTheme(theme);
});
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
