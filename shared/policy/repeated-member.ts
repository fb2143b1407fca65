/**
 * The first member that an object in the text has twice, spelt with or without escapes. JSON.parse keeps the last of them, so of two `Condition` members one
 * would be stored, shown and never held to.
 * Precondition: JSON.parse takes the text.
 */
export function repeatedMember(text: string): string | undefined {
  /** Names seen in the objects that are open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (expectsName) {
        const name = JSON.parse(text.slice(at, end)) as string;
        const names = open.at(-1);
        if (names?.has(name) === true) return name;
        names?.add(name);
        expectsName = false;
      }
      at = end - 1;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      expectsName = character === '{';
    } else if (character === '}' || character === ']') {
      open.pop();
      expectsName = false;
    } else if (character === ',') expectsName = open.at(-1) !== undefined;
  }
  return undefined;
}

/** The place behind the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
