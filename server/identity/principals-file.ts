/** `principals.json` in the data directory: the principals that may sign requests, beside the administrator. */
import { readFileSync, statSync } from 'node:fs';
import { derivePrincipalId, type Principal } from './principal.ts';

const bytesMax = 8 * 1024 * 1024;
/** A file that changed this recently may change again without a new time stamp, so it is read again. */
const timeStampGrainMs = 50;

export interface PrincipalsFile {
  /** Looks at the file first: a change counts from the next request on. */
  find(accessKeyId: string): Principal | undefined;
  /** In the order of the file; the same list until the file changes. */
  all(): readonly Principal[];
}

/** A missing file means no principals. A file that cannot be read as principals leaves the last good content in force and is reported once per change. */
export function openPrincipalsFile(path: string, report: (problem: string) => void): PrincipalsFile {
  let principals: ReadonlyMap<string, Principal> = new Map();
  let list: readonly Principal[] = [];
  let stamp = '';

  const reload = (): void => {
    const seen = stampOf(path);
    if (seen.text === stamp) return;
    stamp = seen.text;
    try {
      principals = seen.text === 'absent' ? new Map() : readPrincipals(JSON.parse(readText(path)));
      list = [...principals.values()];
      if (Date.now() - seen.changedMs < timeStampGrainMs) stamp = '';
    } catch (error) {
      report(`${path} was not taken over, the principals of before stay: ${describe(error)}`);
    }
  };

  reload();
  return {
    find(accessKeyId) {
      reload();
      return principals.get(accessKeyId);
    },
    all() {
      reload();
      return list;
    },
  };
}

function stampOf(path: string): { text: string; changedMs: number } {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stat === undefined) return { text: 'absent', changedMs: 0 };
  return { text: `${stat.mtimeNs}/${stat.ctimeNs}/${stat.size}/${stat.ino}`, changedMs: Number(stat.mtimeMs) };
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  if (bytes.length > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** JSON.parse quotes the text around the fault, which may be a secret. */
const describe = (error: unknown): string => (error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : 'unreadable');

/**
 * Canonical form: `{"principals":[{"accessKeyId","secretAccessKey","sessionToken"?,"account","principalArn","principalId"?,"roles"?,"tags"?,"organizationId"?}]}`.
 * Also read: the bare list, and an object keyed by access key id. Member names are compared without case, `-` and `_`.
 * @throws Error that names the entry and the member, never a value
 */
export function readPrincipals(content: unknown): Map<string, Principal> {
  const principals = new Map<string, Principal>();
  for (const [at, entry] of listEntries(content).entries()) {
    const principal = readPrincipal(entry, `entry ${at + 1}`);
    if (principals.has(principal.accessKeyId)) throw new Error(`entry ${at + 1} repeats an access key id`);
    principals.set(principal.accessKeyId, principal);
  }
  return principals;
}

type Entry = Record<string, unknown>;
const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null && !Array.isArray(value);

function listEntries(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  if (!isEntry(content)) throw new Error('it holds neither a list nor an object');
  const wrapped = Object.entries(content).find(([name]) => ['principals', 'credentials', 'users'].includes(plainName(name)));
  if (wrapped !== undefined && (Array.isArray(wrapped[1]) || isEntry(wrapped[1]))) return listEntries(wrapped[1]);
  if (member(content, 'accessKeyId') !== undefined) return [content];
  return Object.entries(content).map(([accessKeyId, entry]) => (isEntry(entry) ? { ...entry, accessKeyId } : entry));
}

const memberNames = {
  accessKeyId: ['accesskeyid', 'accesskey', 'awsaccesskeyid'],
  secretAccessKey: ['secretaccesskey', 'secretkey', 'secret', 'awssecretaccesskey'],
  sessionToken: ['sessiontoken', 'token', 'securitytoken', 'awssessiontoken'],
  account: ['account', 'accountid'],
  principalArn: ['principalarn', 'arn', 'principal'],
  principalId: ['principalid', 'uniqueid', 'userid'],
  roles: ['roles'],
  tags: ['tags', 'principaltags'],
  organizationId: ['organizationid', 'orgid', 'principalorgid'],
} as const satisfies Record<keyof Principal, readonly string[]>;

const plainName = (name: string): string => name.replace(/[-_ ]/g, '').toLowerCase();

function member(entry: Entry, name: keyof Principal): unknown {
  const accepted: readonly string[] = memberNames[name];
  for (const [given, value] of Object.entries(entry)) if (value !== null && accepted.includes(plainName(given))) return value;
  return undefined;
}

function readPrincipal(entry: unknown, where: string): Principal {
  if (!isEntry(entry)) throw new Error(`${where} is not an object`);
  const text = (name: keyof Principal, pattern: RegExp): string | undefined => {
    const value = member(entry, name);
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`${where}: ${name} is malformed`);
    return value;
  };
  const need = (name: keyof Principal, value: string | undefined): string => {
    if (value === undefined) throw new Error(`${where}: ${name} is missing`);
    return value;
  };
  const accessKeyId = need('accessKeyId', text('accessKeyId', /^[!-+.0-~-]{1,128}$/));
  const givenArn = text('principalArn', /^arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:[\x21-\x7e]{1,512}$/);
  const account = need('account', readAccount(member(entry, 'account'), where) ?? givenArn?.split(':')[4]);
  const principalArn = givenArn ?? `arn:aws:iam::${account}:user/${accessKeyId}`;
  if (principalArn.split(':')[4] !== account) throw new Error(`${where}: account is not the account of principalArn`);
  return {
    accessKeyId,
    secretAccessKey: need('secretAccessKey', text('secretAccessKey', /^[\x20-\x7e]{1,256}$/)),
    sessionToken: text('sessionToken', /^[\x21-\x7e]{1,8192}$/),
    account,
    principalArn,
    principalId: text('principalId', /^[\x21-\x7e]{1,256}$/) ?? derivePrincipalId(principalArn),
    roles: readRoles(member(entry, 'roles'), where),
    tags: readTags(member(entry, 'tags'), where),
    organizationId: text('organizationId', /^o-[a-z0-9]{1,32}$/),
  };
}

function readRoles(value: unknown, where: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > 10 || !value.every((role) => typeof role === 'string' && /^[\w+=,.@-]{1,64}$/.test(role)))
    throw new Error(`${where}: roles is malformed`);
  return value as string[];
}

/** At most 50, as IAM has it. Names that differ in case only are one condition key, and would be two answers to it. */
function readTags(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  const tags = isEntry(value) ? Object.entries(value) : [];
  const areReadable = tags.length <= 50 && tags.every(([name, text]) => name !== '' && name.length <= 128 && typeof text === 'string' && text.length <= 256);
  if (!isEntry(value) || !areReadable || new Set(tags.map(([name]) => name.toLowerCase())).size < tags.length) throw new Error(`${where}: tags is malformed`);
  return Object.fromEntries(tags) as Record<string, string>;
}

function readAccount(value: unknown, where: string): string | undefined {
  if (value === undefined || value === '') return undefined;
  const account = typeof value === 'number' ? String(value).padStart(12, '0') : typeof value === 'string' ? value.replaceAll('-', '') : '';
  if (!/^[0-9]{12}$/.test(account)) throw new Error(`${where}: account is not 12 digits`);
  return account;
}
