/** The programs of the CloudHSM client, and our own for the key ceremony, as the bridge's image has them (hsm-bridge/image/Dockerfile). */
import * as z from 'zod';

export interface ProgramInput {
  readonly environment?: Readonly<Record<string, string>>;
  /** Written to its standard input, which no list of processes shows. */
  readonly input?: string;
}

/** Runs a program and gives what it printed. @throws Error without the arguments, which can hold a password */
export type RunProgram = (program: string, args: readonly string[], given?: ProgramInput) => Promise<string>;

export const programs = {
  configureCli: '/opt/cloudhsm/bin/configure-cli',
  configurePkcs11: '/opt/cloudhsm/bin/configure-pkcs11',
  cli: '/opt/cloudhsm/bin/cloudhsm-cli',
  ceremony: '/app/bin/ceremony',
  pkcs11Module: '/opt/cloudhsm/lib/libcloudhsm_pkcs11.so',
} as const;

export interface HsmUser {
  readonly role: 'admin' | 'crypto-user';
  readonly username: string;
  readonly password: string;
}

const answer = z.object({ error_code: z.literal(0), data: z.unknown() });

/** One command of the CloudHSM CLI. The password is in the environment of that one program. @throws Error when the answer is not as documented */
export async function askCli<Data>(run: RunProgram, args: readonly string[], data: z.ZodType<Data>, as?: HsmUser): Promise<Data> {
  const printed = as === undefined ? await run(programs.cli, args) : await run(programs.cli, args, { environment: loginOf(as) });
  return data.parse(answer.parse(JSON.parse(printed)).data);
}

const loginOf = ({ role, username, password }: HsmUser) => ({ CLOUDHSM_ROLE: role, CLOUDHSM_PIN: `${username}:${password}` });
