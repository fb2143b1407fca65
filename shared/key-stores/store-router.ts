/**
 * The Crypto port over several bridges. Uses of a key go to the bridge of the key's store, everything else to the default one, which alone seals rows and
 * derives keys. A bridge that is down fails its own calls and no others.
 */
import { type CipherSide, type Crypto, CryptoError, type KeyHandle } from '#shared/ports/crypto.ts';
import type { CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';
import type { KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';

type Store = string | undefined;
type ReEncryptCall = Extract<CryptoCall, { name: 'reEncrypt' }>;

/** Bridges know nothing of stores: what they are sent names none. */
const bare = (key: KeyHandle): KeyHandle => (key.store === undefined ? key : { binding: key.binding, material: key.material });
const bareSide = (side: CipherSide): CipherSide => (side.key.store === undefined ? side : { ...side, key: bare(side.key) });

export function createStoreRouter(home: Crypto, bridges: KeyStoreBridges): Crypto {
  const at = (store: Store): Crypto => {
    if (store === undefined) return home;
    const bridge = bridges.get(store);
    if (bridge === undefined) throw new CryptoError('unavailable', 'the bridge of the key store is not configured');
    return bridge.crypto;
  };
  const routeBatch = createBatchRouter(at);

  return {
    generateKey: async ({ store, ...request }) => await at(store).generateKey(request),
    rebindKey: async (key, region) => await at(key.store).rebindKey(bare(key), region),
    importParameters: async ({ store, ...request }) => await at(store).importParameters(request),
    importKey: async ({ store, ...request }) => await at(store).importKey(request),
    encrypt: async (side, plaintext) => await at(side.key.store).encrypt(bareSide(side), plaintext),
    decrypt: async (side, parts) => await at(side.key.store).decrypt(bareSide(side), parts),
    async reEncrypt(source, parts, destination) {
      if (source.key.store === destination.key.store) return await at(source.key.store).reEncrypt(bareSide(source), parts, bareSide(destination));
      // No HSM has both keys: the plaintext passes through here (docs/adr/0023).
      const target = at(destination.key.store);
      const plaintext = await at(source.key.store).decrypt(bareSide(source), parts);
      try {
        return await target.encrypt(bareSide(destination), plaintext);
      } finally {
        plaintext.fill(0);
      }
    },
    generateDataKey: async (side, ...rest) => await at(side.key.store).generateDataKey(bareSide(side), ...rest),
    generateDataKeyPair: async (side, ...rest) => await at(side.key.store).generateDataKeyPair(bareSide(side), ...rest),
    deriveSharedSecret: async (key, publicKey) => await at(key.store).deriveSharedSecret(bare(key), publicKey),
    encapsulate: async (key) => await at(key.store).encapsulate(bare(key)),
    decapsulate: async (key, ciphertext) => await at(key.store).decapsulate(bare(key), ciphertext),
    sign: async (key, ...rest) => await at(key.store).sign(bare(key), ...rest),
    verify: async (key, ...rest) => await at(key.store).verify(bare(key), ...rest),
    generateMac: async (key, ...rest) => await at(key.store).generateMac(bare(key), ...rest),
    verifyMac: async (key, ...rest) => await at(key.store).verifyMac(bare(key), ...rest),
    getPublicKey: async (key) => await at(key.store).getPublicKey(bare(key)),
    generateRandom: async (length, store) => await at(store).generateRandom(length),
    batch: async (calls) => (calls.every((call) => storesOf(call).every((store) => store === undefined)) ? await home.batch(calls) : await routeBatch(calls)),
    sealRows: (digests) => home.sealRows(digests),
    checkSeals: (rows) => home.checkSeals(rows),
    signAudit: (digest) => home.signAudit(digest),
    deriveKey: (purpose) => home.deriveKey(purpose),
  };
}

/** The stores of the keys that a call uses. */
function storesOf({ name, parameters }: CryptoCall): Store[] {
  if (name === 'reEncrypt') return [parameters[0].key.store, parameters[2].key.store];
  const [first] = parameters;
  return ['key' in first ? first.key.store : first.store];
}

function bareCall(call: CryptoCall): CryptoCall {
  const parameters = (call.parameters as readonly unknown[]).map((value) => {
    if (typeof value !== 'object' || value === null) return value;
    if ('binding' in value) return bare(value as KeyHandle);
    return 'key' in value ? bareSide(value as CipherSide) : value;
  });
  return { name: call.name, parameters } as unknown as CryptoCall;
}

const isAcross = (call: CryptoCall): call is ReEncryptCall => call.name === 'reEncrypt' && call.parameters[0].key.store !== call.parameters[2].key.store;

interface RoutedCall {
  readonly store: Store;
  readonly call: CryptoCall;
}

/** One round trip per bridge; a second one for what moves from one store to another. */
function createBatchRouter(at: (store: Store) => Crypto): Crypto['batch'] {
  async function spread(routed: readonly RoutedCall[]): Promise<{ outcomes: CryptoOutcome[]; lost: CryptoError | undefined }> {
    const places = new Map<Store, number[]>();
    for (const [place, { store }] of routed.entries()) places.set(store, [...(places.get(store) ?? []), place]);
    const outcomes: CryptoOutcome[] = [];
    const answers = await Promise.all([...places].map(([store, own]) => answerOf(() => at(store).batch(own.map((place) => routed[place]!.call)))));
    for (const [group, [, own]] of [...places].entries()) {
      const answer = answers[group]!;
      for (const [position, place] of own.entries()) outcomes[place] = answer instanceof CryptoError ? { error: answer } : answer[position]!;
    }
    const lost = answers.every((answer) => answer instanceof CryptoError) ? (answers[0] as CryptoError | undefined) : undefined;
    return { outcomes, lost };
  }

  return async (calls) => {
    const first = calls.map((call): RoutedCall => {
      const [store] = storesOf(call);
      if (!isAcross(call)) return { store, call: bareCall(call) };
      const [source, parts] = call.parameters;
      return { store, call: { name: 'decrypt', parameters: [bareSide(source), parts] } };
    });
    const { outcomes, lost } = await spread(first);
    if (lost !== undefined) throw lost;

    const moving = calls.flatMap((call, place) => (isAcross(call) && outcomes[place]!.error === undefined ? [{ call, place }] : []));
    const plaintexts = moving.map(({ place }) => (outcomes[place] as { value: Uint8Array }).value);
    const second = moving.map(({ call }, position): RoutedCall => {
      const destination = call.parameters[2];
      return { store: destination.key.store, call: { name: 'encrypt', parameters: [bareSide(destination), plaintexts[position]!] } };
    });
    try {
      const moved = (await spread(second)).outcomes;
      for (const [position, { place }] of moving.entries()) outcomes[place] = moved[position]! satisfies CryptoOutcome;
    } finally {
      for (const plaintext of plaintexts) plaintext.fill(0);
    }
    return outcomes;
  };
}

async function answerOf(send: () => Promise<readonly CryptoOutcome[]>): Promise<readonly CryptoOutcome[] | CryptoError> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
}
