// Client of the server's JSON API.

const TRIES = 6; // of a request while the server is busy
const SILENT = "The server does not answer; is it still running?";

/** Fetch the models and limits of the server: { models, limits }. */
export async function fetchModels() {
  const response = await send("/models");
  return response.json();
}

/**
 * Translate one line. If the server is busy, call `onBusy`, wait, and retry.
 */
export async function translate(request, signal, onBusy) {
  for (let tries = 1; ; tries += 1) {
    const response = await send("/translate", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    if (response.ok) return response.json();
    if (response.status !== 503 || tries === TRIES) {
      throw new Error(await reason(response));
    }
    onBusy();
    await pause(Number(response.headers.get("Retry-After") ?? 1));
    signal.throwIfAborted();
  }
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(SILENT);
  }
}

async function reason(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `The server answered ${response.status}; its log may say why.`;
  }
}

function pause(seconds) {
  return new Promise((done) => setTimeout(done, 1000 * seconds));
}
