/**
 * `cdk synth` and `cdk deploy` start here, with the profile that they were given. Started without the CLI (`npm run synth`), it synthesises every profile of
 * cdk.json, or those that its arguments name, and compares them with what was released. Throws when a rule is broken. `--accept` writes the new baseline.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { createDeployment, register } from '../app.ts';
import { profileNames } from '../config/profiles.ts';
import { type Acknowledgment, describe } from '../gates/acknowledge.ts';
import { readImmutableProperties } from '../gates/immutable-properties.ts';
import { type Baseline, baselineOf, lossesOf, type StackTemplates } from '../gates/replacements.ts';

const root = resolve(import.meta.dirname, '../..');
const codeFolder = join(root, 'dist/lambda');
if (!existsSync(join(codeFolder, 'operation.mjs'))) throw new Error('The Lambda bundle is missing. Run `npm run bundle` first.');

// The CDK CLI gives the context and the output folder itself.
if (process.env.CDK_OUTDIR !== undefined) createDeployment(codeFolder).app.synth();
else
  synthesiseProfiles(
    process.argv.slice(2).filter((argument) => argument !== '--accept'),
    process.argv.includes('--accept'),
  );

function synthesiseProfiles(chosen: readonly string[], accept: boolean): void {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  const compare = baselineCheck(accept);
  let unused: readonly Acknowledgment[] = register;
  for (const profile of chosen.length > 0 ? chosen : profileNames(context)) {
    const { app, config, unusedAcknowledgments } = createDeployment(codeFolder, { context: { ...context, profile }, outdir: join(root, 'cdk.out', profile) });
    const assembly = app.synth();
    if (config.profile === 'production') compare(profile, assembly);
    console.log(
      `profile ${profile}: ${assembly.stacks.length} stacks, ${Math.max(...assembly.stacks.map(({ template }) => Object.keys(template.Resources ?? {}).length))} resources in the largest`,
    );
    unused = unused.filter((entry) => unusedAcknowledgments.includes(entry));
  }
  // Some findings are there in one profile only.
  if (chosen.length === 0 && unused.length > 0) throw new Error(`These acknowledgments meet nothing in any profile any more: ${unused.map(describe).join(', ')}.`);
}

/** For production profiles: nothing that holds state may be lost against cdk/baseline (docs/adr/0034). */
function baselineCheck(accept: boolean): (profile: string, assembly: CloudAssembly) => void {
  const immutableOf = readImmutableProperties();
  return (profile, assembly) => {
    const templates: StackTemplates = Object.fromEntries(assembly.stacks.map(({ stackName, template }) => [stackName, template]));
    const now = baselineOf(templates, immutableOf);
    const file = join(root, 'cdk/baseline', `${profile}.json`);
    if (accept) {
      mkdirSync(join(root, 'cdk/baseline'), { recursive: true });
      writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
    }
    if (!existsSync(file)) throw new Error(`There is no baseline of the profile ${profile}. \`npm run baseline\` writes it.`);
    const losses = lossesOf(JSON.parse(readFileSync(file, 'utf8')) as Baseline, now);
    if (losses.length > 0) throw new Error(`What was released in ${profile} would lose state:\n${losses.join('\n')}\nIf that is meant, see docs/adr/0034.`);
  };
}
