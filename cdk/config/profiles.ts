/**
 * Named configurations: `profiles` in the context of cdk.json, chosen by `cdk --context profile=NAME`. A `chatelaine` context is a whole configuration and goes
 * before any profile: a deployment whose settings are kept elsewhere needs none of ours.
 */
import { type DeploymentConfig, readConfig } from './deployment-config.ts';

/** @param context one value of the CDK context by its name */
export function selectConfig(context: (name: string) => unknown): DeploymentConfig {
  const whole = context('chatelaine');
  if (whole !== undefined) return readConfig(whole, 'The chatelaine context');
  const name = context('profile') ?? 'production';
  const profiles = context('profiles');
  const names = profileNames({ profiles });
  if (typeof name !== 'string' || !names.includes(name)) throw new Error(`cdk.json has no profile ${JSON.stringify(name)}. It has: ${names.join(', ') || 'none'}.`);
  return readConfig((profiles as Record<string, unknown>)[name], `The profile ${name} of cdk.json`);
}

export function profileNames({ profiles }: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof profiles === 'object' && profiles !== null ? Object.keys(profiles) : [];
}
