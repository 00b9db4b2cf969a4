// Links to a state of the page: the sentence and the options are written after
// the # of the address. A browser does not send that part to the server.

/** Return the part of the address, from #, that restores `state`. */
export function toLink(state) {
  const fields = Object.entries(state).filter(([, value]) => value !== "");
  return `#${new URLSearchParams(fields)}`;
}

/** Read the fields, all as text, that the address has after #. */
export function fromLink(hash) {
  return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}
