/**
 * The product's own stacks, deployed by the CDK CLI into the emulator, with a real bridge on SoftHSM behind the functions. Nothing of the stacks is bent for
 * it: what the emulator cannot do is bridged here.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import { readTrustAnchor } from '#shared/key-stores/trust-anchor.ts';
import { bundle } from '../../scripts/bundle.ts';
import { startTestBridge, type TestBridge } from './bridge.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { startTlsFront } from './tls-front.ts';
import { createOwnToken } from './token.ts';

export const deploymentName = 'emulated';
/** The bridge that custom key stores can name. */
export const secondCluster = 'cluster-secondhsm22';

export interface Deployed {
  readonly emulator: Emulator;
  readonly bridge: TestBridge;
  /** Of the custom key store that the configuration lists: another HSM. */
  readonly secondBridge: TestBridge;
  /** Of the stacks, by stack name without the deployment's, then by output. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What AWS SDK clients take to talk to the emulator. */
  readonly client: { readonly endpoint: string; readonly region: string; readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } };
  /** The URL of the stage, without a slash at its end. */
  readonly apiUrl: string;
  /** Runs the CDK CLI on the stacks. @returns what it printed */
  cdk(...args: string[]): Promise<string>;
  /** `npm run deploy:emulator`, certificates included. Reads the outputs again: an update may give the API another id in the emulator. */
  deploy(changes?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Of the last deployment, for commands that follow it. */
  readonly contextArguments: readonly string[];
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, '../..');
const cliTimeoutMs = 150_000;
/** node:https to 127.0.0.1 is turned into plain HTTP inside the emulator's functions; this loopback address is not. */
export const bridgeHost = '127.0.0.2';
const functionClasses = ['reader', 'crypto', 'lifecycle', 'rotation'] as const satisfies readonly CallerClass[];
const keyStoreClasses = ['crypto', 'lifecycle', 'rotation'] as const satisfies readonly CallerClass[];

export async function startDeployment(): Promise<Deployed> {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-deploy-'));
  const front = await startTlsFront();
  // Functions talk to AWS through the front as well: the emulator hands its own AWS_ENDPOINT_URL to them.
  const emulated = startEmulator({ enforceIam: true, environment: { AWS_ENDPOINT_URL: front.endpoint } });
  const listening = { config: { listen: { host: bridgeHost } } };
  const second = createOwnToken().then((token) => startTestBridge({ ...listening, token }));
  const [{ endpoint: behind, ...rest }, bridge, secondBridge] = await Promise.all([emulated, startTestBridge(listening), second, bundle()]);
  front.forwardTo(behind);
  const emulator: Emulator = { ...rest, endpoint: front.endpoint };
  let outputs: Record<string, Record<string, string>> = {};
  let contextArguments: readonly string[] = [];
  const client = { endpoint: emulator.endpoint, region: emulator.region, credentials: emulator.credentials };

  const output = ['--output', join(folder, 'cdk.out')];
  const cdk = (...args: string[]) => runTool('cdk', [...args, '--no-notices', ...output], emulator, folder);
  const deploy = async (changes: Readonly<Record<string, unknown>> = {}) => {
    const outputsFile = join(folder, 'outputs.json');
    contextArguments = ['--context', `chatelaine=${JSON.stringify({ ...config(bridge, secondBridge), ...changes })}`];
    // The command of docs/deployment.md, with what differs in a test.
    await runTool('npm', ['run', '--silent', 'deploy:emulator', '--', '--concurrency', '4', '--outputs-file', outputsFile, ...output, ...contextArguments], emulator, folder);
    const written = JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>;
    outputs = Object.fromEntries(Object.entries(written).map(([stack, values]) => [stack.slice(deploymentName.length + 1), values]));
    await putCertificates(client, bridge, outputs.bridge ?? {}, functionClasses);
    await putCertificates(client, secondBridge, outputs.bridge ?? {}, keyStoreClasses, secondCluster.replace('-', ''));
  };
  const stop = async () => {
    await Promise.all([emulator.stop(), bridge.stop(), secondBridge.stop(), front.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await deploy();
  } catch (error) {
    const log = emulator.log();
    await stop();
    throw new Error(`The deployment failed.\n${String(error)}\nThe emulator said:\n${log}`, { cause: error });
  }
  return {
    emulator,
    bridge,
    secondBridge,
    client,
    cdk,
    deploy,
    stop,
    get contextArguments() {
      return contextArguments;
    },
    get outputs() {
      return outputs;
    },
    get apiUrl() {
      return `${emulator.endpoint}/restapis/${outputs.api?.ApiId}/prod/_user_request_`;
    },
  };
}

/** The profile `emulator` of cdk.json, with the addresses that the bridges got. */
function config(bridge: TestBridge, secondBridge: TestBridge): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: { profiles: { emulator: Record<string, unknown> } } };
  const { emulator } = context.profiles;
  const trustAnchorSha256 = readTrustAnchor(secondBridge.authority.certificate)?.sha256;
  const keyStores = [{ clusterId: secondCluster, url: addressOf(secondBridge), serverName: 'localhost', hsmProfile: 'softhsm2', trustAnchorSha256, accounts: ['000000000000'] }];
  return { ...emulator, deployment: deploymentName, bridge: { ...(emulator.bridge as object), url: addressOf(bridge) }, keyStores };
}

const addressOf = (bridge: TestBridge): string => `https://${bridgeHost}:${new URL(bridge.url).port}`;

/** What an operator does, and later the certificate authority of the bridge. */
async function putCertificates(
  client: Deployed['client'],
  bridge: TestBridge,
  outputs: Readonly<Record<string, string>>,
  classes: readonly CallerClass[],
  cluster = '',
): Promise<void> {
  const secrets = new SecretsManagerClient(client);
  for (const callerClass of classes) {
    const SecretId = outputs[`CertificateSecret${cluster}${callerClass}`];
    // A deployment that lists no key store has none of its secrets.
    if (SecretId === undefined && cluster !== '') continue;
    const { ca, cert, key } = await bridge.credentials(callerClass);
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ ca, cert, key }) }));
  }
  secrets.destroy();
}

async function runTool(tool: 'npm' | 'cdk', args: readonly string[], emulator: Emulator, folder: string): Promise<string> {
  const bin = join(root, 'node_modules/.bin');
  try {
    const { stdout, stderr } = await promisify(execFile)(tool, [...args], {
      cwd: root,
      timeout: cliTimeoutMs,
      maxBuffer: 16 * 1024 * 1024,
      env: {
        PATH: [bin, process.env.PATH ?? ''].join(delimiter),
        HOME: folder,
        TMPDIR: tmpdir(),
        AWS_ENDPOINT_URL: emulator.endpoint,
        AWS_REGION: emulator.region,
        AWS_ACCESS_KEY_ID: emulator.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: emulator.credentials.secretAccessKey,
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        CI: 'true',
      },
    });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${tool} ${args[0]} failed:\n${(stdout + stderr).slice(-6000)}`, { cause: error });
  }
}
