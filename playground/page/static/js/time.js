// Times as people read them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const REFRESH_MILLISECONDS = 10_000;
const DAY_MILLISECONDS = 86_400_000;

const STYLES = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" },
  D: { dateStyle: "long" }, f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};

export const clockTime = (iso) => clock.format(new Date(iso));
export const fullTime = (iso) => full.format(new Date(iso));
export const dayOf = (iso) => day.format(new Date(iso));

/** The time alone today, with the day before that. */
export function shortTime(iso) {
  if (dayOf(iso) === dayOf(Date.now())) return clockTime(iso);
  if (dayOf(iso) === dayOf(Date.now() - DAY_MILLISECONDS)) return `Yesterday at ${clockTime(iso)}`;
  return `${date.format(new Date(iso))} ${clockTime(iso)}`;
}

export function fromNow(moment) {
  const seconds = Math.round((moment.getTime() - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

/** Put the reader's own time into the timestamps of a message. */
export function localizeTimestamps(element) {
  for (const node of element.querySelectorAll("time.timestamp")) {
    const moment = new Date(node.getAttribute("datetime"));
    const style = node.dataset.style;
    const text = style === "R" ? fromNow(moment) : new Intl.DateTimeFormat(undefined, STYLES[style]).format(moment);
    if (node.textContent !== text) node.textContent = text;
    node.title = full.format(moment);
  }
}

/** "2 minutes ago" does not stay true. */
export const startClock = () => setInterval(() => localizeTimestamps(document), REFRESH_MILLISECONDS);
