// A role's colour may be any; as a text it must be readable, so that it is moved towards white or black as far as needed.

const ENOUGH = 4.6;
const LIGHT_BACKGROUND = [230, 232, 236]; // the darkest ground in the light theme on which a name stands
const DARK_BACKGROUND = [58, 66, 114]; // and the lightest in the dark theme
const STEP = 0.06;

const channels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function readableOn(background, towards, rgb) {
  let color = rgb;
  for (let moved = 0; moved <= 1 && contrast(color, background) < ENOUGH; moved += STEP) {
    color = color.map((value) => value + (towards - value) * STEP * 2);
  }
  return `rgb(${color.map(Math.round).join(" ")})`;
}

/** Give an element the colour of a role, readable in both themes. */
export function colorName(element, hex) {
  if (!hex) return element;
  element.classList.add("role-color");
  element.style.setProperty("--role-light", readableOn(LIGHT_BACKGROUND, 0, channels(hex)));
  element.style.setProperty("--role-dark", readableOn(DARK_BACKGROUND, 255, channels(hex)));
  return element;
}
