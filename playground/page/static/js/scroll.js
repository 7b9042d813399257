// Keeps what is being read where it is, whatever grows or goes above it; at the end it follows what comes.

import { byId } from "./dom.js";

const NEAR_END_PIXELS = 60;

const scroller = () => byId("scroller");
const log = () => byId("log");

let pinned = true; // whether the view follows the end
let places = []; // the entries in view and where they stood: [element, pixels below the top of the view]
let moved = () => {};

/** `onMove()` is called whenever the view moved. */
export function startScroll(onMove) {
  moved = onMove;
  scroller().addEventListener("scroll", () => { note(); moved(); }, { passive: true });
  const observer = new ResizeObserver(settle);
  observer.observe(log());
  observer.observe(scroller());
}

export const isAtEnd = () => pinned;

/** Pixels of messages above and below the view. */
export function room() {
  const { scrollTop, scrollHeight, clientHeight } = scroller();
  return { above: scrollTop, below: scrollHeight - scrollTop - clientHeight };
}

export function toEnd() {
  pinned = true;
  scroller().scrollTop = scroller().scrollHeight;
  note();
}

/** Change the messages without moving those in view. */
export function keeping(change) {
  change();
  settle();
}

/** Where the reading is, for a log that is drawn anew: { id, top }, or null at the end. */
export const readingAt = () => (pinned || !places.length ? null : { id: places[0][0].dataset.id, top: places[0][1] });

export function goOnAt(element, top) {
  pinned = false;
  scroller().scrollTop += offsetOf(element) - top;
  note();
}

export function showInMiddle(element) {
  pinned = false;
  const wanted = offsetOf(element) + scroller().scrollTop - (scroller().clientHeight - element.offsetHeight) / 2;
  scroller().scrollTop = wanted;
  note();
}

function settle() {
  if (pinned) {
    scroller().scrollTop = scroller().scrollHeight;
    return;
  }
  const kept = places.find(([element]) => element.isConnected);
  if (kept) {
    const drift = offsetOf(kept[0]) - kept[1];
    if (Math.abs(drift) >= 0.5) scroller().scrollTop += drift;
  }
  note();
}

const offsetOf = (element) => element.getBoundingClientRect().top - scroller().getBoundingClientRect().top;

function note() {
  pinned = room().below < NEAR_END_PIXELS;
  const entries = log().children;
  const height = scroller().clientHeight;
  places = [];
  for (let index = firstInView(entries); index < entries.length; index += 1) {
    const top = offsetOf(entries[index]);
    if (top > height) break;
    places.push([entries[index], top]);
  }
}

function firstInView(entries) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].getBoundingClientRect().bottom > scroller().getBoundingClientRect().top) high = middle;
    else low = middle + 1;
  }
  return low;
}
