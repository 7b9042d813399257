// The page's signs, drawn here: lines on a field of 24 by 24, in the colour of the text.

const LINES = {
  hash: "M5 9h15M4 15h15M10 4 8 20M16 4l-2 16",
  thread: "M5 4v7a5 5 0 0 0 5 5h9M15 12l4 4-4 4",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0m0 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.6 7.2",
  voice: "M5 9v6h4l5 4V5L9 9H5M17.5 8.5a5 5 0 0 1 0 7",
  forum: "M4 5h16v10H11l-4 4v-4H4zM8 9h8M8 12h5",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  arrowDown: "M12 4v15M6 13l6 6 6-6",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20v-1.5A4.5 4.5 0 0 1 7 14h4a4.5 4.5 0 0 1 4.5 4.5V20M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.3a4.5 4.5 0 0 1 3.5 4.2V20",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  reply: "M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7",
  edit: "M4 20l1-5L16 4l4 4L9 19zM13.5 6.5l4 4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5l5 5L19 7",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
  send: "M4 12 20 4l-5 16-3.5-6.5zM20 4l-8.5 9.5",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  eye: "M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
  warning: "M12 4 2.5 20h19zM12 10v4M12 17h.01",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.5 15.5 20 20",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  crown: "M4 18h16M4 15 3 7l5 4 4-6 4 6 5-4-1 8z",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  gear: "M4 7h8M18 7h2M15 4.5v5M4 17h2M12 17h8M9 14.5v5",
};

const SVG = "http://www.w3.org/2000/svg";

/** A sign for the eye; what it means is said by the element around it. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: "sign", viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", LINES[name] ?? LINES.more);
  if (name === "more") path.setAttribute("stroke-width", "3.5"); // dots, not lines
  svg.append(path);
  return svg;
}
