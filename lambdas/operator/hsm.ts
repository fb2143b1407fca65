/**
 * The operator's way to the reconciler: `npm run hsm -- plan|apply|status|retry --settings hsm.json [--roots folder]`. It decides by the same function as
 * the deployment and takes turns with it. The settings are the output HsmSettings of the hsm stack.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Observed, Step } from '#shared/cloudhsm/observation.ts';
import type { ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import { preview } from '#shared/cloudhsm/reconcile.ts';
import { desiredOf, readHsmSettings } from '#shared/cloudhsm/settings.ts';
import { composeReconciler, readHardwareRoots } from '../cloudhsm/compose-hsm.ts';
import { applyUntilSettled } from './apply-until-settled.ts';
import { describeObserved, describeStep } from './describe-hsm.ts';

const usage = 'Usage: npm run hsm -- plan|apply|status|retry --settings hsm.json [--roots folder-with-aws.pem-and-manufacturer.pem]';

const print = (text: string): void => console.log(text);

async function main(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, options: { settings: { type: 'string' }, roots: { type: 'string' } } });
  const [command] = positionals;
  if (values.settings === undefined || command === undefined) return fail(usage);
  const settings = readHsmSettings(readFileSync(values.settings, 'utf8'));
  const roots = () => readHardwareRoots(values.roots ?? '.');
  const desired = desiredOf(settings, roots, 'ready');
  const ports = composeReconciler(settings, process.env);
  switch (command) {
    case 'plan':
      return show(await preview(ports, desired), false);
    case 'status':
      return show(await preview(ports, desired), true);
    case 'apply':
      return codeOf(await applyUntilSettled(ports, desired, { sleep, tell: (step) => print(describeStep(step)) }));
    case 'retry':
      return retry(ports);
    default:
      return fail(usage);
  }
}

function show({ observed, step }: { readonly observed: Observed; readonly step: Step }, everything: boolean): number {
  if (everything) print(describeObserved(observed));
  print(describeStep(step));
  return codeOf(step);
}

/** Forgets calls, refusals and waits, after a person has removed what stopped the reconciler. Only what AWS shows counts from then on. */
async function retry(ports: ReconcilerPorts): Promise<number> {
  const lease = await ports.journal.acquire(ports.now(), 30_000);
  if (lease === undefined) return fail('Another driver is at work. Try again in three minutes.');
  await lease.release({});
  print('The reconciler has forgotten its failures and starts from what AWS shows.');
  return 0;
}

const codeOf = (step: Step): number => (step.kind === 'stopped' ? 1 : 0);

function fail(text: string): number {
  console.error(text);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
