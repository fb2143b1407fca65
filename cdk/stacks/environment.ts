import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import type { DataStack } from './data-stack.ts';

export function tableEnvironment({ tables }: Pick<DataStack, 'tables'>) {
  return { CHATELAINE_TABLE_CORE: tables.core.tableName, CHATELAINE_TABLE_MATERIAL: tables.material.tableName, CHATELAINE_TABLE_OPS: tables.ops.tableName };
}

export function bridgeEnvironment({ bridge }: DeploymentConfig, secret: ISecret) {
  return {
    CHATELAINE_BRIDGE_URL: bridge.url,
    CHATELAINE_BRIDGE_SECRET: secret.secretArn,
    ...(bridge.serverName === undefined ? {} : { CHATELAINE_BRIDGE_SERVER_NAME: bridge.serverName }),
  };
}
