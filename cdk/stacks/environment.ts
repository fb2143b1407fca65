import type { Stack } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { KeyStoreEnvironment } from '#shared/env/key-store-environment.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import type { KeyStoreSecrets } from '../constructs/key-store-secrets.ts';
import type { KeyStoreCallerClass } from '../grants.ts';
import type { BridgeStack } from './bridge-stack.ts';
import type { DataStack } from './data-stack.ts';

export function tableEnvironment({ tables }: Pick<DataStack, 'tables'>) {
  return { CHATELAINE_TABLE_CORE: tables.core.tableName, CHATELAINE_TABLE_MATERIAL: tables.material.tableName, CHATELAINE_TABLE_OPS: tables.ops.tableName };
}

export function bridgeEnvironment({ address }: Pick<BridgeStack, 'address'>, secret: ISecret) {
  return {
    CHATELAINE_BRIDGE_URL: address.url,
    CHATELAINE_BRIDGE_SECRET: secret.secretArn,
    ...(address.serverName === undefined ? {} : { CHATELAINE_BRIDGE_SERVER_NAME: address.serverName }),
  };
}

/** Every function that loads a key asks whether the key's store is listed. The secret is for those that call its bridge. */
export function keyStoreEnvironment(stack: Stack, { keyStores }: DeploymentConfig, secrets: KeyStoreSecrets, callerClass: KeyStoreCallerClass | undefined) {
  if (keyStores.length === 0) return {};
  const entries: KeyStoreEnvironment = keyStores.map((store, at) => (callerClass === undefined ? store : { ...store, secret: secrets[callerClass][at]! }));
  return { CHATELAINE_KEY_STORES: stack.toJsonString(entries) };
}
