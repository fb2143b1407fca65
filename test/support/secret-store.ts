/** As much of AWS Secrets Manager as the product uses, over its own protocol: each secret has versions, the last one written is current. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SecretStore {
  readonly endpoint: string;
  /** The current text of a secret. */
  read(secret: string): string;
  write(secret: string, text: string): void;
  stop(): Promise<void>;
}

interface Version {
  readonly id: string;
  readonly text: string;
}

type Input = { SecretId: string; ClientRequestToken?: string; SecretString?: string };

/** @param names of the secrets that exist; they are empty at first */
export async function startSecretStore(names: readonly string[]): Promise<SecretStore> {
  const secrets = new Map<string, Version[]>(names.map((name) => [name, []]));
  const refuse = (code: string) => ({ status: 400, body: { __type: code, Message: code } });
  const good = (body: unknown) => ({ status: 200, body });

  const act = (operation: string, { SecretId, ClientRequestToken: id = '', SecretString: text = '' }: Input) => {
    const versions = secrets.get(SecretId);
    const current = versions?.at(-1);
    if (versions === undefined) return refuse('ResourceNotFoundException');
    if (operation === 'DescribeSecret') return good({ Name: SecretId, ...(current === undefined ? {} : { VersionIdsToStages: { [current.id]: ['AWSCURRENT'] } }) });
    if (operation === 'GetSecretValue') return current === undefined ? refuse('ResourceNotFoundException') : good({ Name: SecretId, SecretString: current.text });
    if (operation !== 'PutSecretValue') return refuse('InvalidAction');
    if (id.length < 32 || id.length > 64) return refuse('ValidationException');
    if (versions.some((version) => version.id === id && version.text !== text)) return refuse('ResourceExistsException');
    versions.push({ id, text });
    return good({ Name: SecretId, VersionId: id });
  };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers['x-amz-target']).replace('secretsmanager.', '');
    const { status, body } = act(operation, JSON.parse(Buffer.concat(chunks).toString('utf8')) as Input);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    read: (secret) => secrets.get(secret)?.at(-1)?.text ?? '',
    write: (secret, text) => void secrets.get(secret)?.push({ id: `written-by-hand-${secrets.get(secret)?.length}`.padEnd(32, '.'), text }),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
