/**
 * Preloaded into a bridge (`node --import`): while the file that CRASH_WORKER names is there, the worker whose HSM call finds it ends in the middle of that
 * call, as by a fault of its own. The file is taken away by the one that finds it.
 */
import { unlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import pkcs11 from 'pkcs11js';

const file = process.env.CRASH_WORKER;

function isTaken(): boolean {
  try {
    unlinkSync(String(file));
    return true;
  } catch {
    return false;
  }
}

if (!isMainThread && file !== undefined) {
  // Methods are put on each instance by the constructor.
  pkcs11.PKCS11 = class extends pkcs11.PKCS11 {
    constructor() {
      super();
      const encrypt = this.C_Encrypt.bind(this) as (session: Buffer, input: Buffer, output: Buffer) => Buffer;
      this.C_Encrypt = ((session: Buffer, input: Buffer, output: Buffer) => {
        const sealed = encrypt(session, input, output);
        // In a worker this ends the thread alone.
        if (isTaken()) process.exit(1);
        return sealed;
      }) as typeof this.C_Encrypt;
    }
  };
}
