import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { operations } from '#shared/operations/index.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { createSampleKeys, type SampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

const contextNames = ['EncryptionContext', 'SourceEncryptionContext', 'DestinationEncryptionContext'];
/** Secret by their nature though not plaintext: ciphertexts, signatures and MACs must stay out of every record too. */
const materialNames = ['CiphertextBlob', 'Signature', 'Mac', 'PrivateKeyCiphertextBlob', 'PrivateKeyPlaintext', 'SharedSecret', 'SharedSecretCiphertextBlob'];

function isSensitive(schema: z.core.$ZodType | undefined): boolean {
  const inner = schema as (z.ZodType & { unwrap?(): z.ZodType }) | undefined;
  if (inner === undefined) return false;
  if (inner.meta?.()?.sensitive === true) return true;
  return inner.unwrap === undefined ? false : isSensitive(inner.unwrap());
}

/** Short enough, in base64, for members that hold little. */
const sentinelOf = (operation: string, member: string): string => (member === 'KeyStorePassword' ? 'SENTINEL-of-password' : `SENTINEL-${operation}-${member}-0123456789abcdef`);

/** Every form that a careless line could print it in. Base64 in all three alignments, without the characters that the neighbours decide. */
function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [
    text,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
    [...bytes].join(','),
  ];
}

/** A value of the schema with the secret in every sensitive place of it, however deep in lists and structures. Undefined: it has none. */
function withSecret(schema: z.core.$ZodType, secret: string): unknown {
  if (schema instanceof z.ZodOptional) return withSecret(schema.unwrap(), secret);
  if (isSensitive(schema)) return schema instanceof z.ZodRecord ? { planted: secret } : secret;
  if (schema instanceof z.ZodArray) {
    const element = withSecret(schema.element, secret);
    return element === undefined ? undefined : [element];
  }
  if (!(schema instanceof z.ZodObject)) return undefined;
  const members = Object.entries(schema.shape).map(([name, member]) => [name, withSecret(member, secret)] as const);
  if (members.every(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(members.map(([name, value]) => [name, value ?? (schema.shape[name] instanceof z.ZodString ? 'planted' : undefined)]));
}

/** Too long for most members that bound their length, and short enough to be quoted in an error. */
const stretched = (value: unknown, secret: string): unknown => JSON.parse(JSON.stringify(value).replaceAll(secret, secret.padEnd(290, 'x')));

interface Planted {
  readonly planted: Members;
  readonly secrets: string[];
  /** Members with secrets inside, by name: apart, because most make the request fail for that alone. */
  readonly nested: Members;
}

function plant(operation: (typeof operations)[number], members: Members): Planted {
  if (operation.batchOf !== undefined) {
    const { batchOf } = operation;
    const items = ((members.Items ?? [{}]) as Members[]).map((item) => plant(batchOf, item));
    return { planted: { Items: items.map(({ planted }) => planted) }, secrets: items[0]!.secrets, nested: items[0]!.nested };
  }
  const planted: Members = { ...members };
  const secrets: string[] = [];
  const nested: Members = {};
  for (const [name, schema] of Object.entries(operation.input.shape)) {
    const secret = sentinelOf(operation.name, name);
    if (contextNames.includes(name)) {
      planted[name] = { ...((members[name] as object | undefined) ?? {}), planted: secret };
      secrets.push(secret);
    } else if (isSensitive(schema)) {
      planted[name] = Buffer.from(secret).toString('base64');
      secrets.push(secret);
    } else {
      const value = withSecret(schema, secret);
      if (value === undefined) continue;
      nested[name] = value;
      secrets.push(secret);
    }
  }
  return { planted, secrets, nested };
}

/** The members that a secret may be in: those of the request, or of each item of a batch. */
const bearers = (members: Members): Members[] => (Array.isArray(members.Items) ? (members.Items as Members[]) : [members]);
const answersIn = (body: Members): Members[] => (Array.isArray(body.Results) ? (body.Results as { Output?: Members }[]).map(({ Output }) => Output ?? {}) : [body]);

function valuesToHide(request: Members, answer: Members): string[] {
  return [...bearers(request), ...answersIn(answer)].flatMap((members) => valuesOf(members, {}));
}

function valuesOf(members: Members, body: Members): string[] {
  return [...materialNames, 'Plaintext'].flatMap((name) => [members[name], body[name]]).filter((value) => typeof value === 'string');
}

type Calls = Record<string, unknown>;
const originals = new WeakMap<object, Calls>();

/** As drivers and SDKs do in the messages of their errors. */
function quoteArguments({ crypto }: InProcess): void {
  const calls = crypto as unknown as Calls;
  originals.set(crypto, { ...calls });
  for (const [name, call] of Object.entries(calls)) {
    if (typeof call !== 'function' || name === 'checkSeals') continue;
    calls[name] = async (...given: unknown[]) => {
      throw new TypeError(`${name} failed for ${JSON.stringify(given)} ${given.flat().map((one) => (one instanceof Uint8Array ? Buffer.from(one).toString() : String(one)))}`);
    };
  }
}

function restore({ crypto }: InProcess): void {
  Object.assign(crypto, originals.get(crypto));
  originals.delete(crypto);
  crypto.failWith = undefined;
}

describe('no secret in any record, alarm, error or log', () => {
  const printed: string[] = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) vi.spyOn(console, method).mockImplementation((...line) => void printed.push(line.map(String).join(' ')));
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
      printed.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'));
      return write(chunk, ...rest);
    }) as typeof stream.write;
  }
  let app: InProcess;
  let keys: SampleKeys;
  beforeEach(async () => {
    app?.close();
    app = startInProcess();
    keys = await createSampleKeys(app);
    printed.length = 0;
  });
  afterAll(() => {
    app.close();
    vi.restoreAllMocks();
  });

  const disturbances: Readonly<Record<string, (app: InProcess) => void>> = {
    'as it is': () => undefined,
    'with the HSM down': (disturbed) => {
      disturbed.crypto.failWith = 'internal';
    },
    'with a ciphertext that the HSM refuses': (disturbed) => {
      disturbed.crypto.failWith = 'invalid-ciphertext';
    },
    'with material that the HSM refuses': (disturbed) => {
      disturbed.crypto.failWith = 'material-refused';
    },
    'with the store down': (disturbed) => {
      disturbed.faults.store = () => {
        throw new StoreUnavailable('down');
      };
    },
    'with an HSM client that quotes what it was given': (disturbed) => {
      quoteArguments(disturbed);
    },
    'with a store that quotes what it was given': (disturbed) => {
      disturbed.faults.store = (call, argument) => {
        throw new Error(`${call} failed for ${JSON.stringify(argument)}`);
      };
    },
    'with the audit trail down': (disturbed) => {
      disturbed.faults.audit = new Error('down');
    },
  };

  /** Ways to spoil a request so that the error is about the member that holds the secret. */
  const spoilers: Readonly<Record<string, (members: Members, name: string) => Members>> = {
    untouched: (members) => members,
    'as text that is not base64': (members, name) => ({
      ...members,
      [name]: typeof members[name] === 'string' ? `${Buffer.from(String(members[name]), 'base64').toString()}!` : members[name],
    }),
    'too long': (members, name) => ({
      ...members,
      [name]: typeof members[name] === 'string' ? Buffer.from(Buffer.from(members[name], 'base64').toString().repeat(200)).toString('base64') : members[name],
    }),
    'without its key': (members) => ({ ...members, KeyId: 'aaaaaaaa-0000-0000-0000-000000000000' }),
    'with an unknown key': (members) => ({ ...members, KeyId: undefined }),
    'as a dry run': (members) => ({ ...members, DryRun: true }),
    'with a context value of another type': (members) => ({
      ...members,
      ...Object.fromEntries(contextNames.filter((name) => members[name] !== undefined).map((name) => [name, { planted: [Object.values(members[name] as object)] }])),
    }),
  };

  for (const operation of operations) {
    test(`${operation.name}: sentinels in every secret member appear nowhere, whatever goes wrong`, async () => {
      const good = await sampleRequest(app, keys, operation.name);
      const { planted, secrets, nested } = plant(operation, good);
      const hidden = [...secrets];
      const answers: string[] = [];

      for (const disturb of Object.values(disturbances)) {
        for (const spoil of Object.values(spoilers)) {
          for (const name of Object.keys(bearers(planted)[0]!).filter((member) => secrets.includes(sentinelOf((operation.batchOf ?? operation).name, member)))) {
            for (const protocol of ['aws-json', 'rest'] as const) {
              disturb(app);
              const request = operation.batchOf === undefined ? { KeyId: keys.symmetric, ...spoil(planted, name) } : { Items: bearers(planted).map((item) => spoil(item, name)) };
              const answer = await app.call(operation.name, JSON.parse(JSON.stringify(request)) as Members, { protocol });
              restore(app);
              app.faults.store = undefined;
              app.faults.audit = undefined;
              hidden.push(...valuesToHide(request, answer.code === undefined ? answer.body : {}));
              if (answer.code !== undefined) answers.push(JSON.stringify(answer.raw));
            }
          }
        }
        for (const [name, value] of Object.entries(nested)) {
          for (const member of [value, stretched(value, sentinelOf((operation.batchOf ?? operation).name, name))]) {
            for (const protocol of ['aws-json', 'rest'] as const) {
              disturb(app);
              const items = bearers(planted).map((item) => ({ KeyId: keys.symmetric, ...item, [name]: member }));
              const answer = await app.call(operation.name, operation.batchOf === undefined ? items[0]! : { Items: items }, { protocol });
              restore(app);
              app.faults.store = undefined;
              app.faults.audit = undefined;
              if (answer.code !== undefined || operation.batchOf !== undefined) answers.push(JSON.stringify(answer.raw));
            }
          }
        }
      }
      if (Object.keys(bearers(planted)[0]!).some((name) => secrets.includes(sentinelOf((operation.batchOf ?? operation).name, name))))
        expect(app.faultReports.length).toBeGreaterThan(0);
      const plain = await app.call(operation.name, good);
      hidden.push(...valuesToHide(good, plain.code === undefined ? plain.body : {}));
      await app.drain();

      const seen = [JSON.stringify(app.audit), JSON.stringify(app.alarms), JSON.stringify(app.faultReports), ...answers, ...printed].join('\n');
      for (const secret of secrets) for (const spelling of spellings(secret)) expect(seen.includes(spelling), `${secret} as ${spelling}`).toBe(false);
      for (const value of hidden.filter((text) => text.length > 12)) expect(seen.includes(value.slice(0, 40)), value.slice(0, 40)).toBe(false);
    });
  }

  test('the operations that take secrets are the ones this test plants them in', () => {
    const withSecrets = operations.filter((operation) => plant(operation, {}).secrets.length > 0).map(({ name }) => name);

    expect(withSecrets).toEqual([
      'CreateCustomKeyStore',
      'CreateGrant',
      'CreateKey',
      'Decapsulate',
      'Decrypt',
      'DecryptBatch',
      'DeriveSharedSecret',
      'DescribeKey',
      'Encapsulate',
      'Encrypt',
      'EncryptBatch',
      'GenerateDataKey',
      'GenerateDataKeyBatch',
      'GenerateDataKeyPair',
      'GenerateDataKeyPairWithoutPlaintext',
      'GenerateDataKeyWithoutPlaintext',
      'GenerateMac',
      'GetKeyJwks',
      'GetPublicKey',
      'ImportKeyMaterial',
      'ReEncrypt',
      'ReEncryptBatch',
      'ReplicateKey',
      'RetireGrant',
      'Sign',
      'SignBatch',
      'Simulate',
      'TagResource',
      'UpdateCustomKeyStore',
      'Verify',
      'VerifyBatch',
      'VerifyMac',
    ]);
  });
});
