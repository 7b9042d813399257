// Requests to the page's own server, always as the person who is chosen.

import { state } from "./state.js";

export class ApiError extends Error {}

export async function call(method, path, body) {
  const separator = path.includes("?") ? "&" : "?";
  const url = `/api${path}${separator}as=${state.me?.id ?? ""}`;
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new ApiError("The playground does not answer. Is it still running?");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ error: `The playground answered ${response.status}.` }));
  if (!response.ok) throw new ApiError(answer.error ?? `The playground answered ${response.status}.`);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);

/** A file as the server takes it: name and base64. */
export function fileData(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ filename: file.name, data: reader.result.split(",", 2)[1] ?? "" });
    reader.onerror = () => reject(new ApiError(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}
