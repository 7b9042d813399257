"""Questions that the tests ask the page itself."""

POOR_CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const read = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const pixels = (color) => {
    if (!known.has(color)) known.set(color, read(color));
    return known.get(color);
  };
  const over = (top, below) => {
    const part = top[3] / 255;
    return [0, 1, 2].map((place) => top[place] * part + below[place] * (1 - part));
  };
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    const layers = [];
    for (let inner = element; inner; inner = inner.parentElement) layers.unshift(inner);
    return layers.map((layer) => pixels(getComputedStyle(layer).backgroundColor))
      .reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const apart = ':disabled, .spoiler[aria-expanded="false"], .visually-hidden, .skip, .emoji:not(.own)';
  const shown = (element) => !element.closest(apart)
    && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [text, element] = [walker.currentNode.data.trim(), walker.currentNode.parentElement];
    if (!text || !shown(element)) continue;
    const back = ground(element);
    const front = over(pixels(getComputedStyle(element).color), back);
    const [dark, light] = [luminance(front), luminance(back)].sort((one, other) => one - other);
    const ratio = (light + 0.05) / (dark + 0.05);
    const name = element.className || element.tagName;
    if (ratio < 4.5) poor.add(`${name} "${text.slice(0, 20)}" ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""
"""Every visible text that is too faint on what lies behind it."""

UNNAMED = """() => [...document.querySelectorAll('button, a, input, select, textarea, [role=button], [role=link]')]
  .filter((one) => one.checkVisibility() && !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby')
    && !one.textContent.trim() && !one.labels?.length && !one.title)
  .map((one) => one.outerHTML.slice(0, 120))"""
"""Everything that can be used and has no name."""

DOUBLE_IDS = """() => {
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""

LOST_REFERENCES = """() => [...document.querySelectorAll('[aria-labelledby], [aria-describedby]')]
  .filter((one) => one.checkVisibility())
  .flatMap((one) => [one.getAttribute('aria-labelledby'), one.getAttribute('aria-describedby')].join(' ').split(/ +/))
  .filter((id) => id && !document.getElementById(id))"""
"""Ids that name or describe something and are not there."""

CUT_OFF = """() => [document.documentElement, ...document.querySelectorAll('#scroller, #channels, #members')]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.id || one.tagName)"""
"""What is wider than the place that it has."""

PLACE = """() => {
  const inner = document.activeElement;
  const place = inner.closest('.skip, #rail, #channels, #people, .main-head, #log, #composer, #members');
  return place?.id || (place?.matches('.main-head') ? 'head' : inner.outerHTML.slice(0, 80));
}"""
"""In which part of the page the focus is."""

WITHOUT_OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle === 'none'"
