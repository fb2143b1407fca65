/** Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`. IAM User Guide, "Policy variables". */
import { toLiteral, toPattern } from './glob.ts';
import type { Facts } from './request-facts.ts';

type Part = string | { readonly key: string; readonly fallback: string | undefined };

/** Text without variables, or its parts. */
export type Template = string | readonly Part[];

const variablePattern = /\$\{([^}]*)\}/g;

/**
 * @param kind whether `*` and `?` of the text are wildcards
 * @param withVariables policies of a version before 2012-10-17 have none: `${` is plain text there
 */
export function compileTemplate(text: string, kind: 'literal' | 'pattern', withVariables: boolean): Template {
  const plain = kind === 'pattern' ? toPattern : (value: string) => value;
  if (!withVariables || !text.includes('${')) return plain(text);
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(variablePattern)) {
    parts.push(plain(text.slice(at, match.index)), parseVariable(match[1]!));
    at = match.index + match[0].length;
  }
  parts.push(plain(text.slice(at)));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : parts;
}

function parseVariable(content: string): Part {
  if (content === '*' || content === '?' || content === '$') return content;
  const [, key = content, fallback] = /^\s*([^,]+?)\s*(?:,\s*'([^']*)')?\s*$/.exec(content) ?? [];
  return { key: key.toLowerCase(), fallback };
}

/** The condition keys that the template reads, in lower case. */
export const variablesOf = (template: Template): string[] => (typeof template === 'string' ? [] : template.flatMap((part) => (typeof part === 'string' ? [] : part.key)));

/** Undefined when a variable has no single value in this request. */
export function fillTemplate(template: Template, facts: Facts): string | undefined {
  if (typeof template === 'string') return template;
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = facts.get(part.key) ?? part.fallback;
    if (typeof value !== 'string') return undefined;
    text += toLiteral(value);
  }
  return text;
}
