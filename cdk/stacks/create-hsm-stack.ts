import type { StackProps } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { HsmStack } from './hsm-stack.ts';
import type { KeysStack } from './keys-stack.ts';
import type { NetworkStack } from './network-stack.ts';

/** @returns undefined where there is no cluster. @throws Error when a cluster has no network to stand in */
export function createHsmStack(
  scope: Construct,
  id: string,
  config: DeploymentConfig,
  codeFolder: string,
  network: NetworkStack | undefined,
  keys: KeysStack,
  props: StackProps,
): HsmStack | undefined {
  const { hsm } = config;
  if (hsm === undefined || hsm.source === 'softhsm') return undefined;
  if (network === undefined) throw new Error('An HSM cluster needs the network section of the configuration.');
  const { vpc, bridgeGroup } = network;
  return new HsmStack(scope, id, { ...props, config, hsm, codeFolder, keys, network: { vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED }, bridgeGroup } });
}
