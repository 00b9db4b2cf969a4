// The sentence and the options as the part of the address after #, which a
// browser keeps to itself.

/** An address of this page that brings back `state`. */
export function toLink(state) {
  const fields = Object.entries(state).filter(([, value]) => value !== "");
  return `#${new URLSearchParams(fields)}`;
}

/** The fields of an address, all as text; those it lacks are not there. */
export function fromLink(hash) {
  return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}
