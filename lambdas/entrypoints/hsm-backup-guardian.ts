import { readEnvironment } from '#shared/env/function-environment.ts';
import { composeCloudHsm } from '../cloudhsm/compose-hsm.ts';
import { createSdkControlPlane } from '../cloudhsm/sdk-control-plane.ts';
import { createBackupGuardian } from '../handlers/backup-guardian-handler.ts';
import { createFunctionMetrics } from '../metrics/function-metrics.ts';

const { CHATELAINE_DEPLOYMENT: deployment, CHATELAINE_HSM_CLUSTER_ID: known, CHATELAINE_BACKUP_REGION: region } = readEnvironment('hsmBackupGuardian', process.env);
const home = composeCloudHsm(process.env);
const controlPlane = createSdkControlPlane(home);

async function findCluster(): Promise<string | undefined> {
  const clusters = await controlPlane.findClusters({ deployment });
  return clusters.find(({ state }) => state !== 'DELETED' && state !== 'DELETE_IN_PROGRESS')?.id;
}

export const handler = createBackupGuardian({
  home,
  second: region === undefined ? undefined : { region, client: composeCloudHsm(process.env, region) },
  deployment,
  clusterId: known === undefined ? findCluster : async () => known,
  now: Date.now,
  metrics: createFunctionMetrics({ deployment }),
});
