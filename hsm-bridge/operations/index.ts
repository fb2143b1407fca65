import type { BridgeOperationName, BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import { decrypt, encrypt, generateDataKey, reEncrypt } from './encryption.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { importKey, importParameters } from './imports.ts';
import { generateKey, getPublicKey, rebindKey } from './keys.ts';
import { checkSeals, deriveKey, generateRandom, sealRows, signAudit } from './seals.ts';
import { generateMac, sign, verify, verifyMac } from './signing.ts';
import { decapsulate, deriveSharedSecret, encapsulate, generateDataKeyPair } from './software.ts';

export const operations: {
  readonly [Name in Exclude<BridgeOperationName, 'batch'>]: (hsm: Hsm, request: BridgeRequest<Name>, context: CallContext) => Promise<BridgeReply<Name>>;
} = {
  'generate-key': generateKey,
  'rebind-key': rebindKey,
  'import-parameters': importParameters,
  'import-key': importKey,
  encrypt,
  decrypt,
  're-encrypt': reEncrypt,
  'generate-data-key': generateDataKey,
  'generate-data-key-pair': generateDataKeyPair,
  'derive-shared-secret': deriveSharedSecret,
  encapsulate,
  decapsulate,
  sign,
  verify,
  'generate-mac': generateMac,
  'verify-mac': verifyMac,
  'get-public-key': getPublicKey,
  'generate-random': generateRandom,
  'seal-rows': sealRows,
  'check-seals': checkSeals,
  'sign-audit': signAudit,
  'derive-key': deriveKey,
};
