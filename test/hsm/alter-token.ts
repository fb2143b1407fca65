/** Replaces a key on a token, in a process of its own because SoftHSM reads its configuration once. Reads one JSON argument. */
import pkcs11, { type PKCS11 } from 'pkcs11js';

export interface Alteration {
  readonly modulePath: string;
  readonly userType: number;
  readonly pin: string;
  readonly remove: string;
  readonly generate?: { mechanism: number; attributes: readonly { type: number; value: boolean | number | string | { hex: string } }[] };
}

function alter({ modulePath, userType, pin, remove, generate }: Alteration): void {
  const module: PKCS11 = new pkcs11.PKCS11();
  module.load(modulePath);
  module.C_Initialize();
  const slot = module.C_GetSlotList(true).find((candidate) => module.C_GetTokenInfo(candidate).label.startsWith('chatelaine-test'));
  if (slot === undefined) throw new Error('no token');
  const session = module.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION);
  module.C_Login(session, userType, pin);
  module.C_FindObjectsInit(session, [{ type: pkcs11.CKA_LABEL, value: remove }]);
  const found = module.C_FindObjects(session, 10);
  module.C_FindObjectsFinal(session);
  if (found.length === 0) throw new Error(`no ${remove}`);
  for (const object of found) module.C_DestroyObject(session, object);
  if (generate !== undefined) {
    const template = generate.attributes.map(({ type, value }) => ({ type, value: typeof value === 'object' ? Buffer.from(value.hex, 'hex') : value }));
    module.C_GenerateKey(session, { mechanism: generate.mechanism }, template);
  }
  module.C_Finalize();
}

alter(JSON.parse(process.argv[2] ?? '') as Alteration);
