import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
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
