// What was begun in each place and not sent: the text outlives a reload, files and replies a visit elsewhere.

const REMEMBERED = "playground.drafts";

const drafts = new Map(); // place -> { text, files, reply }

/** Read what this tab kept over a reload. */
export function recallDrafts() {
  try {
    for (const [place, text] of JSON.parse(sessionStorage.getItem(REMEMBERED)) ?? []) drafts.set(place, { text, files: [], reply: null });
  } catch {
    sessionStorage.removeItem(REMEMBERED);
  }
}

export const draftOf = (place) => drafts.get(place) ?? { text: "", files: [], reply: null };

export function keepDraft(place, draft) {
  if (!place) return;
  if (draft.text || draft.files.length || draft.reply) drafts.set(place, draft);
  else drafts.delete(place);
  sessionStorage.setItem(REMEMBERED, JSON.stringify([...drafts].filter(([, { text }]) => text).map(([at, { text }]) => [at, text])));
}
