import { type ControlPlane, ControlPlaneError } from '#shared/cloudhsm/ports.ts';
import { deploymentTag } from '#shared/cloudhsm/tags.ts';
import type { CloudHsmClient } from './cloudhsm-client.ts';
import { backupsPage, clustersPage } from './control-plane-answers.ts';

const pagesMax = 100;

/** The reconciler's way to CloudHSM's API. Every request is sent once: whether to repeat is the reconciler's decision, after it has looked again. */
export function createSdkControlPlane(client: CloudHsmClient): ControlPlane {
  return {
    async findClusters(which) {
      const Filters = 'clusterId' in which ? { Filters: { clusterIds: [which.clusterId] } } : {};
      const found = await allPages(async (NextToken) => {
        const page = clustersPage.parse(await client.send('DescribeClusters', { MaxResults: 25, ...Filters, ...(NextToken === undefined ? {} : { NextToken }) }));
        return { items: page.Clusters ?? [], next: page.NextToken };
      });
      return 'clusterId' in which ? found : found.filter(({ tags }) => tags[deploymentTag] === which.deployment);
    },

    async findBackup(backupId) {
      try {
        const { Backups = [] } = backupsPage.parse(await client.send('DescribeBackups', { Filters: { backupIds: [backupId] } }));
        return Backups[0];
      } catch (error) {
        if (error instanceof ControlPlaneError && error.kind === 'refused') return undefined;
        throw error;
      }
    },

    async createCluster({ deployment, subnets, backupRetentionDays, backupId }) {
      await client.send('CreateCluster', {
        HsmType: 'hsm2m.medium',
        Mode: 'FIPS',
        // AWS KMS key stores cannot use the other one, and nothing here needs it.
        NetworkType: 'IPV4',
        SubnetIds: [...subnets],
        BackupRetentionPolicy: { Type: 'DAYS', Value: String(backupRetentionDays) },
        TagList: [{ Key: deploymentTag, Value: deployment }],
        ...(backupId === undefined ? {} : { SourceBackupId: backupId }),
      });
    },

    async createHsm(ClusterId, AvailabilityZone) {
      await client.send('CreateHsm', { ClusterId, AvailabilityZone });
    },

    async initialise(ClusterId, { signedCertificate, trustAnchor }) {
      await client.send('InitializeCluster', { ClusterId, SignedCert: signedCertificate, TrustAnchor: trustAnchor });
    },
  };
}

/** @throws Error when the pages do not end */
export async function allPages<T>(page: (token: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let count = 0; count < pagesMax; count++) {
    const { items, next } = await page(token);
    all.push(...items);
    if (next === undefined) return all;
    token = next;
  }
  throw new Error(`The list goes on after ${pagesMax} pages.`);
}
