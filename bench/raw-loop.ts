/** Started by raw.ts: arguments are the module's path and the user PIN. Prints one JSON line per figure. */
import pkcs11 from 'pkcs11js';
import { summarise } from './measure.ts';

const [modulePath = '', pin = ''] = process.argv.slice(2);
const module = new pkcs11.PKCS11();
module.load(modulePath);
module.C_Initialize();
const session = module.C_OpenSession(module.C_GetSlotList(true)[0]!, pkcs11.CKF_RW_SESSION | pkcs11.CKF_SERIAL_SESSION);
module.C_Login(session, pkcs11.CKU_USER, pin);
const aes = module.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [
  { type: pkcs11.CKA_TOKEN, value: false },
  { type: pkcs11.CKA_PRIVATE, value: true },
  { type: pkcs11.CKA_ENCRYPT, value: true },
  { type: pkcs11.CKA_VALUE_LEN, value: 32 },
]);
const { privateKey } = module.C_GenerateKeyPair(
  session,
  { mechanism: pkcs11.CKM_EC_KEY_PAIR_GEN },
  [
    { type: pkcs11.CKA_TOKEN, value: false },
    { type: pkcs11.CKA_EC_PARAMS, value: Buffer.from('06082a8648ce3d030107', 'hex') },
  ],
  [
    { type: pkcs11.CKA_TOKEN, value: false },
    { type: pkcs11.CKA_PRIVATE, value: true },
    { type: pkcs11.CKA_SIGN, value: true },
  ],
);

const encrypt = (plaintext: Buffer) => {
  const iv = module.C_GenerateRandom(session, Buffer.alloc(12));
  const parameter = { type: pkcs11.CK_PARAMS_AES_GCM_v240, iv, aad: Buffer.alloc(68), ivBits: 96, tagBits: 128 };
  module.C_EncryptInit(session, { mechanism: pkcs11.CKM_AES_GCM, parameter }, aes);
  module.C_Encrypt(session, plaintext, Buffer.alloc(plaintext.length + 16));
};
const digest = Buffer.alloc(32, 7);
const sign = () => {
  module.C_SignInit(session, { mechanism: pkcs11.CKM_ECDSA }, privateKey);
  module.C_Sign(session, digest, Buffer.alloc(64));
};

function loop(name: string, call: () => void): void {
  const latencies: number[] = [];
  for (let i = 0; i < 2_000; i += 1) call();
  const startedAt = performance.now();
  for (let at = startedAt; at - startedAt < 2_000; ) {
    call();
    const now = performance.now();
    latencies.push(now - at);
    at = now;
  }
  console.log(JSON.stringify(summarise(name, latencies, 0, performance.now() - startedAt)));
}

loop('softhsm-raw/aes-gcm-32/c1', () => encrypt(Buffer.alloc(32, 7)));
loop('softhsm-raw/aes-gcm-4k/c1', () => encrypt(Buffer.alloc(4096, 7)));
loop('softhsm-raw/ecdsa-p256/c1', sign);
