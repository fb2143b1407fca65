/**
 * Makes test/vectors/data/wycheproof from a copy of the Wycheproof project's testvectors_v1 (README.md there): only the algorithms, sizes and members that
 * this service has, and at most so many cases of one kind.
 *
 *   node scripts/trim-wycheproof.ts <folder of testvectors_v1>
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Case = Record<string, unknown> & { readonly tcId: number; readonly result: string; readonly flags?: readonly string[] };
type Group = Record<string, unknown> & { readonly tests: readonly Case[] };
interface VectorFile {
  readonly algorithm: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}
interface Selection {
  readonly file: string;
  /** Members of a group that the tests read. */
  readonly group: readonly string[];
  readonly test: readonly string[];
  readonly keep?: (group: Group) => boolean;
  readonly keepTest?: (test: Case) => boolean;
  /** At most this many cases of one result and one set of flags, per file. */
  readonly perKind: number;
}

const signature = { group: ['publicKeyDer', 'sha'], test: ['msg', 'sig'], perKind: 6 };
const noLabel = (test: Case) => test.label === '';
const noContext = (test: Case) => test.ctx === undefined;
const each = (files: readonly string[], rest: Omit<Selection, 'file'>): Selection[] => files.map((file) => ({ file, ...rest }));

const selections: readonly Selection[] = [
  {
    file: 'aes_gcm_test',
    group: ['keySize', 'ivSize', 'tagSize'],
    test: ['key', 'iv', 'aad', 'msg', 'ct', 'tag'],
    keep: (group) => group.keySize === 256 && group.ivSize === 96 && group.tagSize === 128,
    perKind: 40,
  },
  { file: 'aes_kwp_test', group: ['keySize'], test: ['key', 'msg', 'ct'], keep: (group) => group.keySize === 256, perKind: 60 },
  ...each(['rsa_oaep_2048_sha1_mgf1sha1_test', 'rsa_oaep_2048_sha256_mgf1sha256_test', 'rsa_oaep_3072_sha256_mgf1sha256_test', 'rsa_oaep_4096_sha256_mgf1sha256_test'], {
    group: ['privateKeyPkcs8', 'sha'],
    test: ['msg', 'ct'],
    keepTest: noLabel,
    perKind: 5,
  }),
  ...each(
    [
      'rsa_pss_2048_sha256_mgf1_32_test',
      'rsa_pss_2048_sha384_mgf1_48_test',
      'rsa_pss_3072_sha256_mgf1_32_test',
      'rsa_pss_4096_sha256_mgf1_32_test',
      'rsa_pss_4096_sha384_mgf1_48_test',
      'rsa_pss_4096_sha512_mgf1_64_test',
      'rsa_signature_2048_sha256_test',
      'rsa_signature_2048_sha384_test',
      'rsa_signature_2048_sha512_test',
      'rsa_signature_3072_sha256_test',
      'rsa_signature_3072_sha384_test',
      'rsa_signature_3072_sha512_test',
      'rsa_signature_4096_sha256_test',
      'rsa_signature_4096_sha384_test',
      'rsa_signature_4096_sha512_test',
    ],
    { ...signature, perKind: 3 },
  ),
  ...each(['ecdsa_secp256r1_sha256_test', 'ecdsa_secp384r1_sha384_test', 'ecdsa_secp521r1_sha512_test', 'ecdsa_secp256k1_sha256_test'], signature),
  ...each(['ecdh_secp256r1_test', 'ecdh_secp384r1_test', 'ecdh_secp521r1_test'], { group: ['curve'], test: ['public', 'private', 'shared'], perKind: 8 }),
  { file: 'ed25519_test', group: ['publicKeyDer', 'publicKey'], test: ['msg', 'sig'], perKind: 15 },
  ...[224, 256, 384, 512].map((bits) => ({
    file: `hmac_sha${bits}_test`,
    group: ['keySize', 'tagSize'],
    test: ['key', 'msg', 'tag'],
    // Whole tags, keys as long as the service makes them, messages of at least one byte (API Reference, GenerateMac).
    keep: (group: Group) => group.tagSize === bits && Number(group.keySize) >= bits,
    keepTest: (test: Case) => test.msg !== '',
    perKind: 60,
  })),
  ...each(['mldsa_44_verify_test', 'mldsa_65_verify_test', 'mldsa_87_verify_test'], {
    group: ['publicKeyDer', 'publicKey'],
    test: ['msg', 'sig'],
    keepTest: noContext,
    perKind: 2,
  }),
  ...each(['mldsa_44_sign_seed_test', 'mldsa_65_sign_seed_test', 'mldsa_87_sign_seed_test'], {
    group: ['privateSeed', 'publicKey'],
    test: ['msg', 'mu', 'sig'],
    keepTest: noContext,
    perKind: 2,
  }),
  ...each(['mlkem_512_test', 'mlkem_768_test', 'mlkem_1024_test'], { group: ['parameterSet'], test: ['seed', 'ek', 'c', 'K'], perKind: 8 }),
];

const pick = (from: Record<string, unknown>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));

function trim(file: VectorFile, { group: groupMembers, test: testMembers, keep = () => true, keepTest = () => true, perKind }: Selection) {
  const kept = new Map<string, number>();
  const testGroups = file.testGroups.filter(keep).map((group) => ({
    ...pick(group, groupMembers),
    tests: group.tests
      .filter(keepTest)
      .filter(({ result, flags = [] }) => {
        const kind = `${result} ${flags.join(' ')}`;
        kept.set(kind, (kept.get(kind) ?? 0) + 1);
        return (kept.get(kind) ?? 0) <= perKind;
      })
      .map((test) => ({ tcId: test.tcId, result: test.result, flags: test.flags ?? [], ...pick(test, testMembers) })),
  }));
  return { algorithm: file.algorithm, casesInOriginal: file.numberOfTests, testGroups: testGroups.filter(({ tests }) => tests.length > 0) };
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: node scripts/trim-wycheproof.ts <folder of testvectors_v1>');
const target = join(import.meta.dirname, '../test/vectors/data/wycheproof');
mkdirSync(target, { recursive: true });
for (const selection of selections) {
  const trimmed = trim(JSON.parse(readFileSync(join(source, `${selection.file}.json`), 'utf8')) as VectorFile, selection);
  writeFileSync(join(target, `${selection.file}.json`), `${JSON.stringify(trimmed)}\n`);
}
