/** The rules of cdk/rules as a plug-in of the CDK: a fault fails the synthesis as a finding of cdk-nag does. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport } from 'aws-cdk-lib';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { deployedFrom } from '../rules/deployed.ts';
import { rules } from '../rules/index.ts';

export class OwnRules implements IPolicyValidationPlugin {
  readonly name = 'Chatelaine';
  readonly ruleIds: string[] = rules.map(({ name }) => name);
  readonly #config: DeploymentConfig;

  constructor(config: DeploymentConfig) {
    this.#config = config;
  }

  validate({ templatePaths }: IPolicyValidationContext): PolicyValidationPluginReport {
    const pathOf = new Map(templatePaths.map((path) => [basename(path, '.template.json'), path]));
    const templates = Object.fromEntries([...pathOf].map(([stack, path]) => [stack, JSON.parse(readFileSync(path, 'utf8'))]));
    const deployed = deployedFrom(templates, this.#config);
    const violations = rules.flatMap((rule) =>
      rule.check(deployed).map(({ at, what }) => ({
        ruleName: rule.name,
        description: `${at.stack}/${at.id} ${what}. ${rule.because}`,
        violatingResources: [{ resourceLogicalId: at.id, templatePath: pathOf.get(at.stack) ?? at.stack, locations: ['Properties'] }],
      })),
    );
    return { success: violations.length === 0, violations };
  }
}
