/**
 * `cdk synth` and `cdk deploy` start here, with the profile that they were given. Started without the CLI (`npm run synth`), it synthesises every profile of
 * cdk.json, or those that its arguments name. Throws when a rule is broken.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createDeployment } from '../app.ts';
import { profileNames } from '../config/profiles.ts';
import { type Acknowledgment, describe } from '../gates/acknowledge.ts';
import { acknowledgments } from '../nag-acknowledgments.ts';

const root = resolve(import.meta.dirname, '../..');
const codeFolder = join(root, 'dist/lambda');
if (!existsSync(join(codeFolder, 'operation.mjs'))) throw new Error('The Lambda bundle is missing. Run `npm run bundle` first.');

// The CDK CLI gives the context and the output folder itself.
if (process.env.CDK_OUTDIR !== undefined) createDeployment(codeFolder).app.synth();
else synthesiseProfiles(process.argv.slice(2));

function synthesiseProfiles(chosen: readonly string[]): void {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  const profiles = chosen.length > 0 ? chosen : profileNames(context);
  let unused: readonly Acknowledgment[] = acknowledgments;
  for (const profile of profiles) {
    const { app, stacks, unusedAcknowledgments } = createDeployment(codeFolder, { context: { ...context, profile }, outdir: join(root, 'cdk.out', profile) });
    app.synth();
    console.log(`profile ${profile}: ${Object.keys(stacks).length} stacks`);
    unused = unused.filter((entry) => unusedAcknowledgments.includes(entry));
  }
  // Some findings are there in one profile only.
  if (chosen.length === 0 && unused.length > 0) throw new Error(`These acknowledgments meet nothing in any profile any more: ${unused.map(describe).join(', ')}.`);
}
