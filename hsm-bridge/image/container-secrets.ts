/** What the container has from Secrets Manager: by the role of its task, at its start and again while it runs. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import type { ServerCertificates } from '../server/certificate-files.ts';

/** The message names the secret and the sort of failure, never what was read. */
export class SecretUnusable extends Error {}

const certificateSchema = z.object({ ca: z.string().min(1), cert: z.string().min(1), key: z.string().min(1) });

const userSchema = z.object({ username: z.string().min(1), password: z.string().min(1) });

export interface ContainerSecrets {
  text(secret: string): Promise<string>;
  certificates(secret: string): Promise<ServerCertificates>;
  /** The PIN as PKCS #11 takes it. A secret that is JSON holds the user of a CloudHSM cluster, which is logged in as `username:password`. */
  pin(secret: string): Promise<string>;
}

export function createContainerSecrets(client: SecretsManagerClient = new SecretsManagerClient({})): ContainerSecrets {
  const text = async (SecretId: string): Promise<string> => {
    let value: string | undefined;
    try {
      ({ SecretString: value } = await client.send(new GetSecretValueCommand({ SecretId }), { abortSignal: AbortSignal.timeout(10_000) }));
    } catch (error) {
      throw new SecretUnusable(`${SecretId}: ${error instanceof Error ? error.name : 'unknown failure'}`);
    }
    if (!value) throw new SecretUnusable(`${SecretId}: is empty`);
    return value;
  };
  return {
    text,
    async pin(secret) {
      const value = (await text(secret)).trim();
      if (!value.startsWith('{')) return value;
      try {
        const { username, password } = userSchema.parse(JSON.parse(value));
        return `${username}:${password}`;
      } catch {
        throw new SecretUnusable(`${secret}: is not JSON with username and password`);
      }
    },
    async certificates(secret) {
      const value = await text(secret);
      try {
        const { ca, cert, key } = certificateSchema.parse(JSON.parse(value));
        return { clientAuthority: ca, certificate: cert, key };
      } catch {
        // A parser's message quotes what it read.
        throw new SecretUnusable(`${secret}: is not JSON with ca, cert and key`);
      }
    },
  };
}
