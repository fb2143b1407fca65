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
import { bundle } from '../../scripts/bundle.ts';
import { startTestBridge, type TestBridge } from './bridge.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { startTlsFront } from './tls-front.ts';

export const deploymentName = 'emulated';

export interface Deployed {
  readonly emulator: Emulator;
  readonly bridge: TestBridge;
  /** Of the stacks, by stack name without the deployment's, then by output. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What AWS SDK clients take to talk to the emulator. */
  readonly client: { readonly endpoint: string; readonly region: string; readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } };
  /** The URL of the stage, without a slash at its end. */
  readonly apiUrl: string;
  /** Runs the CDK CLI on the stacks. @returns what it printed */
  cdk(...args: string[]): Promise<string>;
  /** `cdk deploy --all`, certificates included. Reads the outputs again: an update may give the API another id in the emulator. */
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

export async function startDeployment(): Promise<Deployed> {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-deploy-'));
  const front = await startTlsFront();
  // Functions talk to AWS through the front as well: the emulator hands its own AWS_ENDPOINT_URL to them.
  const emulated = startEmulator({ enforceIam: true, environment: { AWS_ENDPOINT_URL: front.endpoint } });
  const [{ endpoint: behind, ...rest }, bridge] = await Promise.all([emulated, startTestBridge({ config: { listen: { host: bridgeHost } } }), bundle()]);
  front.forwardTo(behind);
  const emulator: Emulator = { ...rest, endpoint: front.endpoint };
  let outputs: Record<string, Record<string, string>> = {};
  let contextArguments: readonly string[] = [];
  const client = { endpoint: emulator.endpoint, region: emulator.region, credentials: emulator.credentials };

  const cdk = (...args: string[]) => runCdk(emulator, folder, args);
  const deploy = async (changes: Readonly<Record<string, unknown>> = {}) => {
    const outputsFile = join(folder, 'outputs.json');
    contextArguments = ['--context', `chatelaine=${JSON.stringify({ ...config(new URL(bridge.url).port), ...changes })}`];
    await cdk('deploy', '--all', '--require-approval', 'never', '--concurrency', '4', '--outputs-file', outputsFile, ...contextArguments);
    const written = JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>;
    outputs = Object.fromEntries(Object.entries(written).map(([stack, values]) => [stack.slice(deploymentName.length + 1), values]));
    await putCertificates(client, bridge, outputs.bridge ?? {});
  };
  const stop = async () => {
    await Promise.all([emulator.stop(), bridge.stop(), front.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await cdk('bootstrap', `aws://${emulator.accountId}/${emulator.region}`, '--app', '');
    await deploy();
  } catch (error) {
    const log = emulator.log();
    await stop();
    throw new Error(`The deployment failed.\n${String(error)}\nThe emulator said:\n${log}`, { cause: error });
  }
  return {
    emulator,
    bridge,
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

/** The profile `emulator` of cdk.json, with the port that the bridge got. */
function config(bridgePort: string): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: { profiles: { emulator: Record<string, unknown> } } };
  const { emulator } = context.profiles;
  return { ...emulator, deployment: deploymentName, bridge: { ...(emulator.bridge as object), url: `https://${bridgeHost}:${bridgePort}` } };
}

/** What an operator does, and later the certificate authority of the bridge. */
async function putCertificates(client: Deployed['client'], bridge: TestBridge, outputs: Readonly<Record<string, string>>): Promise<void> {
  const secrets = new SecretsManagerClient(client);
  for (const callerClass of functionClasses) {
    const { ca, cert, key } = await bridge.credentials(callerClass);
    await secrets.send(new PutSecretValueCommand({ SecretId: outputs[`CertificateSecret${callerClass}`], SecretString: JSON.stringify({ ca, cert, key }) }));
  }
  secrets.destroy();
}

async function runCdk(emulator: Emulator, folder: string, args: readonly string[]): Promise<string> {
  const bin = join(root, 'node_modules/.bin');
  try {
    const { stdout, stderr } = await promisify(execFile)(join(bin, 'node'), [join(bin, 'cdk'), ...args, '--no-notices', '--output', join(folder, 'cdk.out')], {
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
    throw new Error(`cdk ${args[0]} failed:\n${(stdout + stderr).slice(-6000)}`, { cause: error });
  }
}
