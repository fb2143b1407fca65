/**
 * The Crypto port over several bridges. Uses of a key go to the bridge of the key's store, everything else to the default one, which alone seals rows and
 * derives keys. A bridge that is down fails its own calls and no others.
 */
import { type CipherSide, type Crypto, CryptoError, type KeyHandle } from '#shared/ports/crypto.ts';
import type { CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';
import { bridgeFor, type KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';

type Store = string | undefined;
/** Where a key is, and whose it is: a bridge is used for the accounts only that the configuration names. */
interface Place {
  readonly store?: Store;
  readonly account: string;
}
type ReEncryptCall = Extract<CryptoCall, { name: 'reEncrypt' }>;

const placeOf = ({ store, binding: { account } }: Pick<KeyHandle, 'store' | 'binding'>): Place => ({ store, account });

/** Bridges know nothing of stores: what they are sent names none. */
const bare = (key: KeyHandle): KeyHandle => (key.store === undefined ? key : { binding: key.binding, material: key.material });
const bareSide = (side: CipherSide): CipherSide => (side.key.store === undefined ? side : { ...side, key: bare(side.key) });

export function createStoreRouter(home: Crypto, bridges: KeyStoreBridges): Crypto {
  const at = ({ store, account }: Place): Crypto => {
    if (store === undefined) return home;
    const bridge = bridgeFor(bridges, store, account);
    if (bridge === undefined) throw new CryptoError('unavailable', 'the bridge of the key store is not configured for the account of the key');
    return bridge.crypto;
  };
  const routeBatch = createBatchRouter(at, (store) => (store === undefined ? home : bridges.get(store)!.crypto));

  return {
    generateKey: async ({ store, ...request }) => await at({ store, account: request.binding.account }).generateKey(request),
    rebindKey: async (key, region) => await at(placeOf(key)).rebindKey(bare(key), region),
    importParameters: async ({ store, ...request }) => await at({ store, account: request.account }).importParameters(request),
    importKey: async ({ store, ...request }) => await at({ store, account: request.account }).importKey(request),
    encrypt: async (side, plaintext) => await at(placeOf(side.key)).encrypt(bareSide(side), plaintext),
    decrypt: async (side, parts) => await at(placeOf(side.key)).decrypt(bareSide(side), parts),
    async reEncrypt(source, parts, destination) {
      const [from, to] = [at(placeOf(source.key)), at(placeOf(destination.key))];
      if (source.key.store === destination.key.store) return await from.reEncrypt(bareSide(source), parts, bareSide(destination));
      // No HSM has both keys: the plaintext passes through here (docs/adr/0023).
      const plaintext = await from.decrypt(bareSide(source), parts);
      try {
        return await to.encrypt(bareSide(destination), plaintext);
      } finally {
        plaintext.fill(0);
      }
    },
    generateDataKey: async (side, ...rest) => await at(placeOf(side.key)).generateDataKey(bareSide(side), ...rest),
    generateDataKeyPair: async (side, ...rest) => await at(placeOf(side.key)).generateDataKeyPair(bareSide(side), ...rest),
    deriveSharedSecret: async (key, publicKey) => await at(placeOf(key)).deriveSharedSecret(bare(key), publicKey),
    encapsulate: async (key) => await at(placeOf(key)).encapsulate(bare(key)),
    decapsulate: async (key, ciphertext) => await at(placeOf(key)).decapsulate(bare(key), ciphertext),
    sign: async (key, ...rest) => await at(placeOf(key)).sign(bare(key), ...rest),
    verify: async (key, ...rest) => await at(placeOf(key)).verify(bare(key), ...rest),
    generateMac: async (key, ...rest) => await at(placeOf(key)).generateMac(bare(key), ...rest),
    verifyMac: async (key, ...rest) => await at(placeOf(key)).verifyMac(bare(key), ...rest),
    getPublicKey: async (key) => await at(placeOf(key)).getPublicKey(bare(key)),
    generateRandom: async (length, from) => await (from === undefined ? home : at(from)).generateRandom(length),
    batch: async (calls) => (calls.every((call) => keysOf(call).every(({ store }) => store === undefined)) ? await home.batch(calls) : await routeBatch(calls)),
    sealRows: (digests) => home.sealRows(digests),
    checkSeals: (rows) => home.checkSeals(rows),
    signAudit: (digest) => home.signAudit(digest),
    deriveKey: (purpose) => home.deriveKey(purpose),
  };
}

function keysOf({ name, parameters }: CryptoCall): KeyHandle[] {
  if (name === 'reEncrypt') return [parameters[0].key, parameters[2].key];
  const [first] = parameters;
  return ['key' in first ? first.key : first];
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

type At = (place: Place) => Crypto;

/** What the keys of a call are refused with before anything is sent. */
function refusalOf(at: At, call: CryptoCall): CryptoError | undefined {
  try {
    for (const key of keysOf(call)) at(placeOf(key));
    return undefined;
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
}

/** A call whose key may not use its bridge (any more) is refused alone, before anything is sent. */
function createBatchRouter(at: At, bridgeOf: (store: Store) => Crypto): Crypto['batch'] {
  const split = createSplitter(bridgeOf);
  return async (calls) => {
    const refusals = calls.map((call) => refusalOf(at, call));
    const admitted = calls.filter((_, place) => refusals[place] === undefined);
    const [first] = refusals;
    if (admitted.length === 0 && first !== undefined) throw first;
    const outcomes = [...(await split(admitted))];
    return refusals.map((refusal) => (refusal === undefined ? outcomes.shift()! : { error: refusal }));
  };
}

/** One round trip per bridge; a second one for what moves from one store to another. */
function createSplitter(bridgeOf: (store: Store) => Crypto): Crypto['batch'] {
  async function spread(routed: readonly RoutedCall[]): Promise<{ outcomes: CryptoOutcome[]; lost: CryptoError | undefined }> {
    const places = new Map<Store, number[]>();
    for (const [place, { store }] of routed.entries()) places.set(store, [...(places.get(store) ?? []), place]);
    const outcomes: CryptoOutcome[] = [];
    const answers = await Promise.all([...places].map(([store, own]) => answerOf(() => bridgeOf(store).batch(own.map((place) => routed[place]!.call)))));
    for (const [group, [, own]] of [...places].entries()) {
      const answer = answers[group]!;
      for (const [position, place] of own.entries()) outcomes[place] = answer instanceof CryptoError ? { error: answer } : answer[position]!;
    }
    const lost = answers.every((answer) => answer instanceof CryptoError) ? (answers[0] as CryptoError | undefined) : undefined;
    return { outcomes, lost };
  }

  return async (calls) => {
    const first = calls.map((call): RoutedCall => {
      const [key] = keysOf(call);
      const { store } = key!;
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
