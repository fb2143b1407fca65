/** Which calls take an HSM so little time that others may wait behind them on a connection: the bridge answers those of one connection in their order. */
import type { BridgeOperationName } from '#shared/bridge-messages.ts';
import type { CipherSide } from '#shared/ports/crypto.ts';

type Message = Readonly<Record<string, unknown>>;
type Rule = (message: Message) => boolean;

const always: Rule = () => true;
const isSymmetric = (side: unknown): boolean => (side as Pick<CipherSide, 'algorithm'>).algorithm === 'SYMMETRIC_DEFAULT';
const symmetric: Rule = ({ side }) => isSymmetric(side);
/** RSA takes milliseconds, and seeds are used in software, in the slow lane. */
const smallCurve: Rule = ({ algorithm }) => algorithm === 'ECDSA_SHA_256';

const rules: Readonly<Partial<Record<BridgeOperationName, Rule>>> = {
  encrypt: symmetric,
  decrypt: symmetric,
  're-encrypt': ({ source, destination }) => isSymmetric(source) && isSymmetric(destination),
  'generate-data-key': symmetric,
  sign: smallCurve,
  verify: smallCurve,
  'generate-mac': always,
  'verify-mac': always,
  'get-public-key': always,
  'generate-random': always,
  'seal-rows': always,
  'check-seals': always,
  'derive-key': always,
};

export const isQuick = (operation: BridgeOperationName, message: Message): boolean => rules[operation]?.(message) ?? false;
