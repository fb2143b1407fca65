/** The parts of an `Authorization: AWS4-HMAC-SHA256 …` header. Nothing in them is believed yet. */
import { KmsError } from '#shared/errors.ts';

export interface Authorization {
  readonly accessKeyId: string;
  /** YYYYMMDD */
  readonly scopeDate: string;
  readonly region: string;
  readonly service: string;
  /** Lower-case, sorted, each once. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
}

const algorithm = 'AWS4-HMAC-SHA256';
const headerBytesMax = 4096;

/** @throws KmsError IncompleteSignatureException, InvalidSignatureException */
export function parseAuthorization(header: string): Authorization {
  if (header.length > headerBytesMax) throw incomplete('The Authorization header is too long.');
  const space = header.indexOf(' ');
  if (space < 0 || header.slice(0, space) !== algorithm) throw incomplete(`Unsupported AWS algorithm: the Authorization header must begin with '${algorithm}'.`);
  const parts = readParts(header.slice(space + 1));
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.has(name));
  if (missing.length > 0) throw incomplete(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' '));
  const signature = parts.get('Signature')!;
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incomplete("The 'Signature' parameter of the Authorization header must be 64 lower-case hexadecimal digits.");
  return { ...parseCredential(parts.get('Credential')!), signedHeaders: parseSignedHeaders(parts.get('SignedHeaders')!), signature };
}

function readParts(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const part of text.split(',')) {
    const match = /^[ \t]*(Credential|SignedHeaders|Signature)=([!-~]+)[ \t]*$/.exec(part);
    if (match === null) throw incomplete('The Authorization header holds a part that is not name=value of Credential, SignedHeaders or Signature.');
    if (parts.has(match[1]!)) throw incomplete(`The Authorization header holds '${match[1]}' more than once.`);
    parts.set(match[1]!, match[2]!);
  }
  return parts;
}

function parseCredential(credential: string): Pick<Authorization, 'accessKeyId' | 'scopeDate' | 'region' | 'service'> {
  const fields = credential.split('/');
  if (fields.length !== 5) throw incomplete('Credential must have exactly 5 slash-delimited elements: keyid/date/region/service/aws4_request.');
  const [accessKeyId, scopeDate, region, service, terminator] = fields as [string, string, string, string, string];
  if (accessKeyId === '' || accessKeyId.length > 128) throw incomplete('The access key id in the credential has 1 to 128 characters.');
  if (!/^[0-9]{8}$/.test(scopeDate)) throw new KmsError('InvalidSignatureException', 'Credential should be scoped to a date of the form YYYYMMDD.');
  if (!/^[a-z0-9-]{1,32}$/.test(region)) throw new KmsError('InvalidSignatureException', 'Credential should be scoped to a valid region.');
  if (terminator !== 'aws4_request') throw new KmsError('InvalidSignatureException', "Credential should be scoped with a valid terminator: 'aws4_request'.");
  return { accessKeyId, scopeDate, region, service };
}

function parseSignedHeaders(text: string): string[] {
  const names = text.split(';');
  for (const [at, name] of names.entries()) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) throw incomplete("The names in 'SignedHeaders' must be lower-case header names.");
    if (at > 0 && names[at - 1]! >= name) throw incomplete("The names in 'SignedHeaders' must be sorted, each once.");
  }
  return names;
}

const incomplete = (message: string): KmsError => new KmsError('IncompleteSignatureException', message);
