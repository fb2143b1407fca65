/** Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`. IAM User Guide, "Policy variables". */
import { toLiteral, toPattern } from './glob.ts';
import type { Facts } from './request-facts.ts';
import type { Work } from './work.ts';

type Part = string | { readonly key: string; readonly fallback: string | undefined };

/** Text without variables, or its parts. */
export type Template = string | readonly Part[];

/**
 * @param kind whether `*` and `?` of the text are wildcards
 * @param withVariables policies of a version before 2012-10-17 have none: `${` is plain text there
 */
export function compileTemplate(text: string, kind: 'literal' | 'pattern', withVariables: boolean): Template {
  const plain = kind === 'pattern' ? toPattern : (value: string) => value;
  if (!withVariables || !text.includes('${')) return plain(text);
  const parts: Part[] = [];
  let at = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', at)) {
    const close = text.indexOf('}', open);
    if (close < 0) break;
    parts.push(plain(text.slice(at, open)), parseVariable(text.slice(open + 2, close)));
    at = close + 1;
  }
  parts.push(plain(text.slice(at)));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : parts;
}

function parseVariable(content: string): Part {
  if (content === '*' || content === '?' || content === '$') return content;
  const comma = content.indexOf(',');
  if (comma < 0) return { key: content.trim().toLowerCase(), fallback: undefined };
  const fallback = quoted(content.slice(comma + 1).trim());
  return { key: (fallback === undefined ? content : content.slice(0, comma).trim()).toLowerCase(), fallback };
}

/** No regular expression: policy text makes those backtrack. */
function quoted(text: string): string | undefined {
  const inner = text.slice(1, -1);
  return text.length >= 2 && text.startsWith("'") && text.endsWith("'") && !inner.includes("'") ? inner : undefined;
}

/** The condition keys that the template reads, in lower case. */
export const variablesOf = (template: Template): string[] => (typeof template === 'string' ? [] : template.flatMap((part) => (typeof part === 'string' ? [] : part.key)));

/** Whether each variable has a single value in this request. */
export const canFill = (template: Template, facts: Facts): boolean =>
  typeof template === 'string' || template.every((part) => typeof part === 'string' || typeof (facts.get(part.key) ?? part.fallback) === 'string');

/** Undefined when a variable has no single value in this request. @throws DecisionTooCostly */
export function fillTemplate(template: Template, facts: Facts, work: Work): string | undefined {
  if (typeof template === 'string') return template;
  let text = '';
  for (const part of template) {
    const value = typeof part === 'string' ? part : (facts.get(part.key) ?? part.fallback);
    if (typeof value !== 'string') return undefined;
    // One more, so that variables without a character cost something.
    work.spend(value.length + 1);
    text += typeof part === 'string' ? part : toLiteral(value);
  }
  return text;
}
