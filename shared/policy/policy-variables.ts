/** Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`. */
import type { Facts } from './request-facts.ts';

type Part = string | { readonly key: string; readonly fallback: string | undefined };

const variablePattern = /\$\{([^}]*)\}/g;

/** @returns the text itself when it holds no variable */
export function compileTemplate(text: string): string | readonly Part[] {
  if (!text.includes('${')) return text;
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(variablePattern)) {
    parts.push(text.slice(at, match.index), parseVariable(match[1]!));
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

function parseVariable(content: string): Part {
  if (content === '*' || content === '?' || content === '$') return content;
  const [, key = content, fallback] = /^\s*([^,]+?)\s*(?:,\s*'([^']*)')?\s*$/.exec(content) ?? [];
  return { key: key.toLowerCase(), fallback };
}

/** Undefined when a variable has no single value in this request: the statement then does not apply (IAM User Guide, policy variables). */
export function fillTemplate(template: string | readonly Part[], facts: Facts): string | undefined {
  if (typeof template === 'string') return template;
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = facts.get(part.key) ?? part.fallback;
    if (typeof value !== 'string') return undefined;
    text += value;
  }
  return text;
}
